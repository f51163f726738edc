"""A figure of before stands for a job when it is of the same, and as good as a new one would be."""

from dataclasses import replace
from typing import Any

import pytest

from controller.domain.sweeps import SweepSpec
from controller.domain.sweeps.races import Race
from controller.state.rounds.history import EarlierFigure
from controller.sweeps.planning import plan_sweep
from controller.sweeps.prospects.racers import AskedNow
from controller.sweeps.prospects.reuse import goes_on, holds, measured_before
from models.catalog.catalog import Backbone, Catalog, load_catalog
from models.catalog.precisions import Precision
from models.catalog.variants import Target
from protos.inputs import ImageSize
from protos.measuring import StartGate
from protos.reasons import Reason, ReasonCode, reason
from protos.runtimes import Runtime, RuntimeInfo
from tests.unit.controller.samples.measurements import figures
from tests.unit.controller.sweeps.test_planning import SPEC, device

SHA256 = "5f" * 32
CATALOG = load_catalog()
ASKED = replace(SPEC, backbones=("MobileNetV1",), runtimes=(Runtime.ONNXRUNTIME,), threads=(1,))
HERE = device("pc", runtimes=(RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version="1", build="b"),))
(JOB,) = plan_sweep(ASKED, (HERE,), CATALOG).jobs
FILES = {JOB.variant: SHA256}


def figure(half_width_ms: float = 0.1, **changes: Any) -> EarlierFigure:
    """A figure of the very job, 10 ms, of three repetitions."""
    fields: dict[str, Any] = {
        "measurement_id": "m1",
        "job_id": "j1",
        "device_id": HERE.device_id,
        "artifact_sha256": SHA256,
        "runtime_version": "1",
        "runtime_build": "b",
        "latency": figures(10, half_width_ms),
        "settings": JOB.settings,
        "asked": ASKED,
    }
    return EarlierFigure(**(fields | changes))


def standing(*earlier: EarlierFigure, spec: SweepSpec = ASKED) -> str | None:
    """The id of the measurement that stands for the job."""
    (found,) = measured_before((JOB,), AskedNow(spec, CATALOG), (HERE,), FILES, earlier)
    return None if found is None else found.measurement_id


def test_a_figure_of_the_very_same_stands_and_the_newest_of_several() -> None:
    assert standing() is None
    assert standing(figure(), figure(measurement_id="m2")) == "m2"
    # Told less narrow and less long: its interval says what became of that.
    settings = replace(JOB.settings, relative_half_width=0.1, time_budget_ms=300)
    assert standing(figure(settings=settings)) == "m1"


@pytest.mark.parametrize(
    "changes",
    [
        {"device_id": "another"},
        {"artifact_sha256": "a7" * 32},
        {"runtime_version": "2"},
        {"runtime_build": "c"},
        {"settings": replace(JOB.settings, threads=2)},
        {"settings": replace(JOB.settings, cores=(1,))},
        {"settings": replace(JOB.settings, flush_denormals=True)},
        {"settings": replace(JOB.settings, gate=StartGate(max_celsius=45))},
        {"settings": replace(JOB.settings, sustained_minutes=2)},
    ],
)
def test_a_figure_of_anything_else_stands_for_nothing(changes: dict[str, Any]) -> None:
    assert standing(figure(**changes)) is None


def test_paddle_lites_build_is_not_held_against_its_figures() -> None:
    spec = replace(ASKED, runtimes=(Runtime.PADDLELITE,))
    lite = RuntimeInfo(runtime=Runtime.PADDLELITE, version="1", build="without a network")
    here = device("pc", runtimes=(lite,))
    (job,) = plan_sweep(spec, (here,), CATALOG).jobs
    earlier = figure(settings=job.settings, runtime_build="of a network")
    asked = AskedNow(spec, CATALOG)
    (found,) = measured_before((job,), asked, (here,), {job.variant: SHA256}, (earlier,))
    assert found == earlier


def test_a_sentinel_is_read_anew() -> None:
    sentinel = replace(JOB, is_sentinel=True)
    asked = AskedNow(ASKED, CATALOG)
    assert measured_before((sentinel,), asked, (HERE,), FILES, (figure(),)) == (None,)


@pytest.mark.parametrize(
    ("half_width_ms", "then", "now", "does"),
    [
        # As narrow as is wanted now, however it was asked for.
        (0.2, {"relative_half_width": 0.5, "most_repetitions": 3}, {}, True),
        # Wide, and no effort more is asked for.
        (3.0, {}, {}, True),
        (3.0, {"most_repetitions": 9}, {"most_repetitions": 5}, True),
        (3.0, {"time_ms": 60_000}, {"time_ms": 30_000}, True),
        # Wide, and more may make it narrower.
        (3.0, {}, {"relative_half_width": 0.01}, False),
        (3.0, {}, {"most_repetitions": 5}, False),
        (3.0, {}, {"time_budget_ms": 2_000}, False),
        (3.0, {"time_ms": 60_000}, {"time_ms": 90_000}, False),
        (3.0, {"time_ms": 60_000}, {}, False),
        (3.0, {}, {"time_ms": 60_000}, False),
        # Fewer processes than are wanted in any case.
        (0.1, {}, {"fewest_repetitions": 4, "most_repetitions": 4}, False),
        # Nobody looked whether the device drifted.
        (0.1, {}, {"sentinel": True}, False),
        (0.1, {"sentinel": True}, {"sentinel": True}, True),
        (0.1, {"sentinel": True}, {}, True),
    ],
)
def test_a_figure_holds_what_is_asked_for_or_was_tried_as_hard(
    half_width_ms: float, then: dict[str, Any], now: dict[str, Any], *, does: bool
) -> None:
    earlier = figure(half_width_ms, asked=replace(ASKED, **then))
    assert holds(earlier, AskedNow(replace(ASKED, **now), CATALOG)) is does


BOTH = (Precision.FP32, Precision.INT8_DYNAMIC)
RACE = replace(
    ASKED, backbones=("MobileNetV1", "VGG11"), threads=(1, 2), precisions=BOTH, race=Race()
)
SIZE = CATALOG.get("MobileNetV1").input_size
SMALLER = ImageSize(160, 160)
LOST = {"standing": "dominated", "other": "VGG11"}
QUANTISED = replace(CATALOG.get("VGG11"), name="mine", precision=Precision.INT8)
WITH_OWN = Catalog([*CATALOG, QUANTISED])


@pytest.mark.parametrize(
    ("then", "now", "lost_stands", "won_stands"),
    [
        ({}, {}, True, True),
        # Who lost loses among more, too; nobody compared who won with those.
        ({}, {"backbones": (*RACE.backbones, "VGG13"), "threads": (1, 2, 4)}, True, False),
        ({}, {"runtimes": tuple(Runtime)}, True, False),
        ({}, {"input_sizes": (SIZE, SMALLER)}, True, False),
        ({}, {"batches": (1, 8)}, True, False),
        ({}, {"accelerators": (Target.NNAPI,)}, True, False),
        # What it lost to may be what does not race now, and goes on beside who won.
        ({}, {"precisions": BOTH[:1]}, False, False),
        ({}, {"backbones": ("MobileNetV1",)}, False, False),
        ({}, {"threads": (1,)}, False, False),
        ({"input_sizes": (SIZE, SMALLER)}, {}, False, False),
        ({"batches": (1, 8)}, {}, False, False),
        ({"accelerators": (Target.NNAPI,)}, {}, False, False),
        # Some went, and others came.
        ({}, {"backbones": ("MobileNetV1", "VGG13")}, False, False),
        ({"input_sizes": (SMALLER,)}, {}, False, False),
        # What is meant where nothing is said.
        ({"precisions": ()}, {"precisions": BOTH[:1]}, True, True),
        ({"input_sizes": (SIZE,), "batches": (1,)}, {}, True, True),
        # Of one that came quantised there is int8, and nothing else.
        ({"backbones": ("VGG11", "mine")}, {"backbones": ("VGG11",)}, True, True),
        ({"precisions": (), "backbones": ("mine",)}, {"precisions": BOTH}, False, False),
        # One that was taken out of the catalog.
        ({"backbones": (*RACE.backbones, "gone")}, {}, False, False),
    ],
)
def test_what_a_race_decided_stands_while_those_that_race_now_leave_it_so_and_else_goes_on(
    then: dict[str, Any], now: dict[str, Any], *, lost_stands: bool, won_stands: bool
) -> None:
    def lost(**words: str) -> tuple[Reason, ...]:
        return (reason(ReasonCode.LOST_RACE, LOST | words, repetitions=1),)

    won = figure(asked=replace(RACE, **then))
    asked = AskedNow(replace(RACE, **now), WITH_OWN)
    for earlier, stands in (
        (replace(won, reasons=lost()), lost_stands),
        (won, won_stands),
        # A limit is the same for whoever races.
        (replace(won, reasons=lost(standing="over_limit")), True),
    ):
        assert holds(earlier, asked) is stands
        assert goes_on(earlier, asked) is not stands


def test_of_a_sweep_who_raced_in_it_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked_for: list[str] = []
    get = Catalog.get

    def noted(catalog: Catalog, name: str) -> Backbone:
        asked_for.append(name)
        return get(catalog, name)

    monkeypatch.setattr(Catalog, "get", noted)
    asked = AskedNow(RACE, CATALOG)
    another = figure(asked=replace(RACE, race=Race(max_latency_ms=20)))
    assert not holds(another, asked)
    assert asked_for == []
    then = replace(RACE)
    earlier = [figure(asked=then, measurement_id=f"m{number}") for number in range(5)]
    assert all(holds(each, asked) for each in earlier)
    assert len(asked_for) == 2 * len(RACE.backbones)
