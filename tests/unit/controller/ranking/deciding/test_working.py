"""The expert of works: what it takes over from other settings, and what it makes of odd figures."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.rankings.predictions import Elsewhere, Figure, KnownFigure
from controller.ranking.prediction.elsewhere import most_alike
from controller.ranking.prediction.experts import Told
from controller.ranking.prediction.networks import Array, Works, rows_of, works_of
from controller.ranking.prediction.working import Measured, working
from models.catalog.features import NetworkFeatures

# Of 30 networks: three kinds of work, and a constant.
AMOUNTS = np.hstack([np.random.default_rng(7).uniform(1, 9, (30, 3)), np.ones((30, 1))])
WORKS = Works(AMOUNTS, np.log([1.0, 2.0, 1.0, 1.0]))
KNOWN = np.arange(10)
EVERY = np.arange(30)


def logs_at(costs: list[float], works: Works = WORKS) -> Array:
    """The logarithms of what networks take where works cost so much."""
    logs: Array = np.log(works.amounts @ np.array(costs))
    return logs


def told_by(known: Measured, others: Sequence[Measured] = (), *, are_common: bool = True) -> Told:
    """What is said of all networks."""
    spreads = np.zeros(len(known.logs))
    expert, _ = working(WORKS, known, spreads, others, are_common=are_common)
    return expert(*known)


def test_costs_that_are_near_the_usual_ones_are_found() -> None:
    logs = logs_at([1.3, 1.7, 0.8, 1.1])
    told = told_by(Measured(KNOWN, logs[:10]))
    assert np.abs(told.logs - logs).max() < 0.03
    assert told.deviations is not None
    assert (told.deviations > 0).all()


def test_costs_far_from_the_usual_ones_are_learned_from_a_setting_that_has_them() -> None:
    logs = logs_at([0.05, 0.1, 4.0, 30.0])
    known = Measured(KNOWN, logs[:10])
    alone = told_by(known)
    others = [Measured(EVERY, logs + 1.0), Measured(EVERY, logs_at([1, 1, 1, 1]))]
    told = told_by(known, others)
    assert np.abs(told.logs - logs).mean() < np.abs(alone.logs - logs).mean() / 2


def test_what_networks_are_off_elsewhere_is_taken_over_where_they_are_measured_there() -> None:
    odd = np.random.default_rng(8).normal(0.0, 0.5, 30)
    logs: Array = logs_at([1.0, 2.0, 1.0, 1.0]) + odd
    known = Measured(KNOWN, logs[:10])
    others = [Measured(EVERY, logs + 2.0)]
    common = told_by(known, others)
    apart = told_by(known, others, are_common=False)
    errors = [np.abs(told.logs - logs)[10:].mean() for told in (common, apart)]
    assert errors[0] < 0.1
    assert errors[0] < errors[1] / 3


@given(st.lists(st.floats(-12, 12), min_size=8, max_size=8), st.floats(-20, 20))
def test_any_figures_are_told_from_and_their_unit_does_not_matter(
    logs: list[float], unit: float
) -> None:
    known = Measured(np.arange(8), np.array(logs))
    told = told_by(known)
    moved = replace_logs(known, unit)
    again = told_by(moved)
    assert np.isfinite(told.logs).all()
    assert again.logs == pytest.approx(told.logs + unit, abs=0.02)


def replace_logs(known: Measured, unit: float) -> Measured:
    """The same in another unit."""
    return known._replace(logs=known.logs + unit)


def test_how_exactly_networks_are_measured_here_says_nothing_of_another_setting() -> None:
    logs = logs_at([0.05, 0.1, 4.0, 30.0])
    known = Measured(KNOWN, logs[:10])
    there = [Measured(KNOWN, known.logs + 1.0)]
    # Were those figures thought to be as vague as these, costs would not be learned from them.
    expert, chosen = working(WORKS, known, np.full(10, 0.1), there, are_common=False)
    assert chosen == 0
    assert np.abs(expert(*known).logs - logs).max() < 0.1


def test_what_was_chosen_is_told() -> None:
    logs = logs_at([0.05, 0.1, 4.0, 30.0])
    known = Measured(KNOWN, logs[:10])
    flat = Measured(EVERY, logs_at([1, 1, 1, 1]))
    assert working(WORKS, known, np.zeros(10), [flat, Measured(EVERY, logs + 1.0)])[1] == 1
    usual = Measured(KNOWN, logs_at([1.0, 2.0, 1.0, 1.0])[:10])
    assert working(WORKS, usual, np.zeros(10), [flat])[1] is None


def network_of(params: int) -> NetworkFeatures:
    """One that differs from others by its parameters only."""
    return NetworkFeatures(
        params=params, multiply_adds=10**8, activations=10**6, traffic_bytes=10**7, dense_cost=10**8
    )


def test_parameters_are_held_in_memory_and_take_no_time() -> None:
    small, large = (network_of(params) for params in (10**6, 10**8))
    rows = rows_of([small, large])
    taken = {
        figure: works.amounts @ np.exp(works.usual)
        for figure in Figure
        for works in [works_of(rows, figure)]
    }
    assert np.ptp(taken[Figure.LATENCY]) == 0
    # At least the 4 bytes of a float each.
    assert np.ptp(taken[Figure.MEMORY]) >= 4 * (large.params - small.params)


def test_of_a_large_fleet_the_settings_that_are_most_alike_are_learned_from() -> None:
    names = [f"net{place}" for place in range(12)]
    known = [KnownFigure(backbone=n, value=p + 1.0) for p, n in enumerate(names[:8])]
    like = Elsewhere(setting="like", values={n: 3.0 * (p + 1) for p, n in enumerate(names)})
    flat = Elsewhere(setting="flat", values=dict.fromkeys(names, 1.0))
    few = replace(like, setting="few", values={"net1": 2.0})
    told = most_alike([*[flat] * 60, few, like], known, set(names))
    assert told[0] == like
    assert few not in told
    assert len(told) < 60
