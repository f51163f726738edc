"""Which backbones are measured first: those that tell most of all others."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.rankings.predictions import KnownFigure, PredictionQuestion
from controller.ranking.prediction import choosing, first_backbones, predict
from controller.ranking.prediction.networks import Array, Works, far_from, near_with, rows_of
from controller.ranking.prediction.working import before_any
from models.catalog.features import NetworkFeatures, load_features

CATALOG = {f"{name} at {size} px": does for (name, size), does in load_features().items()}
NAMES = sorted(CATALOG)
PER_KIND = {"dense": 1.0, "pointwise": 1.6, "depthwise": 9.0, "grouped": 2.0, "product": 1.1}


def takes_ms(does: NetworkFeatures) -> float:
    """What a device takes whose latency is a sum of works, and of memory traffic."""
    multiplied = sum(cost * getattr(does, f"{kind}_cost") for kind, cost in PER_KIND.items())
    total: float = (multiplied + 20 * does.moving_cost + 2 * does.traffic_bytes) / 2e7
    return total


def mean_error(measured: tuple[str, ...]) -> float:
    """How far off predictions of the catalog are, what is refused as far as twice."""
    wanted = [name for name in NAMES if name not in measured]
    known = [KnownFigure(backbone=name, value=takes_ms(CATALOG[name])) for name in measured]
    told = predict(PredictionQuestion(known=known, wanted=wanted, features=CATALOG))
    found = {
        each.backbone: abs(each.value / takes_ms(CATALOG[each.backbone]) - 1)
        for each in told.predicted
    }
    return float(np.mean([found.get(name, 1.0) for name in wanted]))


def test_they_tell_more_of_the_catalog_than_any_of_ten_choices_by_chance() -> None:
    first = first_backbones(CATALOG, 12)
    by_chance = [tuple(random.Random(seed).sample(NAMES, 12)) for seed in range(10)]
    assert mean_error(first) < min(map(mean_error, by_chance))


def test_no_two_do_the_same_and_measured_ones_are_not_named() -> None:
    some = {name: CATALOG[name] for name in NAMES[::8]}
    twins = {**some, "A twin": some[NAMES[16]]}
    every = first_backbones(twins, len(twins))
    assert len({twins[name] for name in every}) == len(every) == len(set(some.values()))
    more = first_backbones(twins, 5, measured=every[:4])
    assert more == every[4:9]
    assert not {"A twin", NAMES[16]} & set(first_backbones(twins, 99, measured=["A twin"]))


def test_of_thousands_of_networks_some_are_chosen() -> None:
    basis = CATALOG[NAMES[0]]
    many = {f"net{n}": replace(basis, dense_cost=basis.dense_cost + n) for n in range(2500)}
    first = first_backbones(many, 3, measured=["net7"])
    assert len(set(first)) == 3
    assert "net7" not in first


def test_of_thousands_of_measured_networks_some_count(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []

    def noted(works: Works) -> tuple[Array, float]:
        compared.append(len(works.amounts))
        return before_any(works)

    monkeypatch.setattr(choosing, "before_any", noted)
    basis = CATALOG[NAMES[0]]
    many = {f"net{n}": replace(basis, dense_cost=basis.dense_cost + n) for n in range(2500)}
    measured = [f"net{n}" for n in range(2000)]
    first = first_backbones(many, 2, measured=measured)
    assert len(set(first) - set(measured)) == 2
    assert compared == [500 + 100]


def test_who_asks_for_none_has_nothing_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(choosing, "rows_of")
    assert first_backbones(CATALOG, 0, measured=NAMES[:12]) == ()


def test_nothing_to_choose_from_is_nothing() -> None:
    assert first_backbones({}, 8) == ()
    assert first_backbones({NAMES[0]: CATALOG[NAMES[0]]}, 8, measured=[NAMES[0]]) == ()


@given(st.sets(st.sampled_from(NAMES), min_size=2, max_size=12), st.integers(0, 12))
def test_what_would_be_near_is_what_is_not_far_once_it_is_measured(
    chosen: set[str], count: int
) -> None:
    rows = rows_of([CATALOG[name] for name in sorted(chosen)])
    measured = np.arange(len(rows)) < count
    near = near_with(rows, measured)
    for place in range(len(rows)):
        with_it = measured | (np.arange(len(rows)) == place)
        assert (near[place] == ~far_from(rows, rows[with_it])).all()
