"""A figure of before stands for a job when it is of the same, and as good as a new one would be."""

from dataclasses import replace
from typing import Any

import pytest

from controller.domain.sweeps import SweepSpec
from controller.domain.sweeps.races import Race
from controller.state.rounds.history import EarlierFigure
from controller.sweeps.planning import plan_sweep
from controller.sweeps.prospects.reuse import goes_on, holds, measured_before
from models.catalog.catalog import load_catalog
from models.catalog.precisions import Precision
from protos.measuring import StartGate
from protos.reasons import ReasonCode, reason
from protos.runtimes import Runtime, RuntimeInfo
from tests.unit.controller.samples.measurements import figures
from tests.unit.controller.sweeps.test_planning import SPEC, device

SHA256 = "5f" * 32
ASKED = replace(SPEC, backbones=("MobileNetV1",), runtimes=(Runtime.ONNXRUNTIME,), threads=(1,))
HERE = device("pc", runtimes=(RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version="1", build="b"),))
(JOB,) = plan_sweep(ASKED, (HERE,), load_catalog()).jobs
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
    (found,) = measured_before((JOB,), spec, (HERE,), FILES, earlier)
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
    (job,) = plan_sweep(spec, (here,), load_catalog()).jobs
    earlier = figure(settings=job.settings, runtime_build="of a network")
    (found,) = measured_before((job,), spec, (here,), {job.variant: SHA256}, (earlier,))
    assert found == earlier


def test_a_sentinel_is_read_anew() -> None:
    sentinel = replace(JOB, is_sentinel=True)
    assert measured_before((sentinel,), ASKED, (HERE,), FILES, (figure(),)) == (None,)


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
    assert holds(earlier, replace(ASKED, **now)) is does


BOTH = (Precision.FP32, Precision.INT8_DYNAMIC)
RACE = replace(
    ASKED, backbones=("MobileNetV1", "VGG11"), threads=(1, 2), precisions=BOTH, race=Race()
)


@pytest.mark.parametrize(
    ("now", "stands"),
    [
        ({}, True),
        # Who lost loses among more, too.
        ({"backbones": (*RACE.backbones, "VGG13"), "threads": (1, 2, 4)}, True),
        ({"runtimes": tuple(Runtime)}, True),
        # What it lost to may be what does not race now.
        ({"precisions": BOTH[:1]}, False),
        ({"precisions": ()}, False),
        ({"backbones": ("MobileNetV1",)}, False),
        ({"threads": (1,)}, False),
    ],
)
def test_who_lost_a_race_stands_where_all_that_raced_then_race_again_and_else_goes_on(
    now: dict[str, Any], *, stands: bool
) -> None:
    words = {"standing": "dominated", "other": "VGG11"}
    lost = figure(asked=RACE, reasons=(reason(ReasonCode.LOST_RACE, words, repetitions=1),))
    spec = replace(RACE, **now)
    assert holds(lost, spec) is stands
    assert goes_on(lost, spec) is not stands
    # A limit is the same for whoever races, and who won among more wins among fewer.
    over = reason(ReasonCode.LOST_RACE, words | {"standing": "over_limit"}, repetitions=1)
    for decided in (replace(lost, reasons=(over,)), replace(lost, reasons=())):
        assert holds(decided, spec)
        assert not goes_on(decided, spec)
