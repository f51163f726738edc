"""Why an agent gave no figure, and what it waits for: what it may say of that, and what not."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.measuring.gate import obstacle as obstacle_at
from controller.fleet.credibility import credible
from controller.fleet.credibility.saying import MAX_DETAIL_LENGTH, MAX_REASONS, are_of_agents
from controller.views.reasons import sentence, sentences
from protos.device import Battery, DeviceState, Temperature
from protos.fleet import Failure, Report, failed
from protos.measuring import StartGate
from protos.reasons import Reason, ReasonCode, reason
from tests.unit.protos.drawing import reasons

DETAILED = (
    ReasonCode.ARTIFACT_BROKEN,
    ReasonCode.ARTIFACT_DAMAGED,
    ReasonCode.NO_RUNTIME,
    ReasonCode.RUNTIME_ERROR,
    ReasonCode.CRASHED,
    ReasonCode.TIMED_OUT,
    ReasonCode.DEVICE_HUNG,
    ReasonCode.RUBBISH,
    ReasonCode.OUT_OF_MEMORY,
    ReasonCode.ATTEMPT_CANCELLED,
)
NOT_READY = reason(ReasonCode.NOT_READY, deadline_ms=60_000)
BATTERY = reason(ReasonCode.BATTERY_LOW, charge_percent=19, least_percent=20)
WARM = reason(ReasonCode.PROCESSOR_WARM, celsius=61.5, limit_celsius=60)
ABOVE_REST = reason(ReasonCode.PROCESSOR_ABOVE_REST, celsius=63, limit_celsius=62.5)
LOADED = reason(ReasonCode.CORES_TAKEN, load_by_others=1.2, most=1)
OBSTACLES = (BATTERY, WARM, ABOVE_REST, LOADED)
SAID = (*(failed(code, "its last words").reasons[0] for code in DETAILED), NOT_READY, *OBSTACLES)
CODES = {told.code for told in SAID}
CRASHED = reason(ReasonCode.CRASHED, {"detail": "x"})
VANISHED = reason(ReasonCode.AGENT_VANISHED, attempts=3)
said = pytest.mark.parametrize("told", SAID, ids=lambda told: told.code.value)


def failing(*told: Reason) -> Report:
    return Report(
        attempt_id="a",
        job_id="j",
        started_at_unix_ms=0,
        ended_at_unix_ms=1,
        failure=Failure(reasons=told),
    )


@said
def test_what_an_agent_may_say_is_believed(told: Reason) -> None:
    assert are_of_agents((told,))
    sound = failing(told)
    assert credible(sound) is sound


@said
def test_and_can_be_written(told: Reason) -> None:
    written = sentence(told)
    for name, figure in told.figures.items():
        assert (f"{figure / 1e3:g} s" if name.endswith("_ms") else f"{figure:g}") in written
    assert written.endswith(told.words.get("detail", ""))


@pytest.mark.parametrize(
    ("obstacle", "remedy"),
    [
        (BATTERY, "--min-battery"),
        (WARM, "--max-temperature"),
        (ABOVE_REST, "--max-temperature"),
        (LOADED, "--max-load"),
    ],
    ids=str,
)
def test_a_start_that_waited_in_vain_says_for_what_and_what_to_do(
    obstacle: Reason, remedy: str
) -> None:
    sound = failing(NOT_READY, obstacle)
    assert credible(sound) is sound
    written = sentences((NOT_READY, obstacle))
    assert sentence(obstacle) in written
    assert written.endswith(remedy)


@pytest.mark.parametrize("code", [code for code in ReasonCode if code not in CODES])
def test_what_only_a_controller_can_know_is_not_believed(code: ReasonCode) -> None:
    assert not are_of_agents((reason(code),))
    assert not are_of_agents((reason(code, {"detail": "x"}),))
    assert not are_of_agents((CRASHED, reason(code, {"detail": "x"})))


@said
def test_nothing_may_be_missing_or_too_much_or_of_the_other_kind(told: Reason) -> None:
    for name in told.figures:
        rest = {other: figure for other, figure in told.figures.items() if other != name}
        assert not are_of_agents((replace(told, figures=rest),))
        assert not are_of_agents((replace(told, figures=rest, words={name: "60000"}),))
    for name in told.words:
        assert not are_of_agents((replace(told, words={}),))
        assert not are_of_agents((replace(told, words={}, figures={name: 1}),))
    assert not are_of_agents((replace(told, figures={**told.figures, "count": 1}),))
    assert not are_of_agents((replace(told, words={**told.words, "device": "pc"}),))


@pytest.mark.parametrize("figure", [math.nan, math.inf, -math.inf])
def test_a_figure_that_is_no_number_is_not_believed(figure: float) -> None:
    for told in (NOT_READY, *OBSTACLES):
        for name in told.figures:
            assert not are_of_agents((replace(told, figures={**told.figures, name: figure}),))


def test_a_detail_has_its_length_and_a_failure_its_number_of_reasons() -> None:
    longest = reason(ReasonCode.CRASHED, {"detail": "x" * MAX_DETAIL_LENGTH})
    too_long = reason(ReasonCode.CRASHED, {"detail": "x" * (MAX_DETAIL_LENGTH + 1)})
    assert are_of_agents((longest,) * MAX_REASONS)
    assert not are_of_agents((longest,) * (MAX_REASONS + 1))
    assert not are_of_agents((too_long,))
    assert not are_of_agents(())


@pytest.mark.parametrize(
    "told",
    [(), (CRASHED,) * (MAX_REASONS + 1), (reason(ReasonCode.CRASHED),), (CRASHED, VANISHED)],
    ids=["none", "too many", "without its detail", "another's"],
)
def test_a_failure_of_other_reasons_is_rubbish(told: tuple[Reason, ...]) -> None:
    doubted = credible(failing(*told)).failure
    assert doubted is not None
    assert doubted.code is ReasonCode.RUBBISH
    assert are_of_agents(doubted.reasons)


@given(reasons(st.sampled_from(["detail", "deadline_ms", "celsius", "limit_celsius", "most"])))
def test_whatever_is_believed_can_be_written(told: Reason) -> None:
    if are_of_agents((told,)):
        assert sentences((told, told))


@given(
    gate=st.builds(
        StartGate,
        max_celsius=st.none() | st.floats(1, 120),
        max_load_by_others=st.none() | st.floats(0, 64),
        min_battery_percent=st.none() | st.integers(1, 100),
    ),
    celsius=st.floats(-40, 150),
    resting=st.none() | st.floats(-40, 150),
    load=st.floats(0, 64),
    charge=st.integers(0, 100),
)
def test_whatever_a_gate_waits_for_is_believed(
    gate: StartGate, celsius: float, resting: float | None, load: float, charge: int
) -> None:
    state = DeviceState(
        taken_at_unix_ms=0,
        temperatures=(Temperature(zone="cpu", celsius=celsius),),
        battery=Battery(charge_percent=charge, status="Discharging"),
    )
    met = obstacle_at(state, load, gate, resting)
    assert met is None or are_of_agents((met,))
