"""What cannot be committed or shown is refused at the door, and nothing else is."""

import gzip
import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.errors import EdgerankError, ErrorCode
from controller.fleet.credibility import MAX_WAITED_MS, answering, check_hello, credible
from controller.fleet.credibility.repetitions import MAX_INTEGER
from controller.fleet.credibility.saying import are_of_agents
from protos.device import DeviceProfile, DeviceState, PowerReading, Temperature
from protos.fleet import Hello, Measured, Profiled, Report
from protos.inputs import NetworkInput, square
from protos.measuring import (
    LayerTime,
    MeasureSettings,
    OperatorTimes,
    ProcessMemory,
    Repetition,
    StopReason,
)
from protos.reasons import Reason, ReasonCode, reason
from protos.runtimes import Runtime, RuntimeInfo

TAKEN = Repetition(
    latency_ns=(1, 2),
    warmup_ns=(3,),
    load_ns=4,
    peak_rss_bytes=5,
    baseline_rss_bytes=6,
    busy_threads=1,
    stop_reason=StopReason.PRECISE,
)
CORES_TAKEN = reason(ReasonCode.CORES_TAKEN, load_by_others=1.2, most=1)
RUNTIME = RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version="1")
HELLO = Hello(
    device_id="id", name="phone", labels={}, profile=DeviceProfile(architecture="aarch64")
)


def doubt_of(doubted: Report) -> str:
    """What a report was doubted for; that nothing else is left of it is checked, too."""
    assert doubted.measured is None
    assert doubted.profiled is None
    assert doubted.failure is not None
    (rubbish,) = doubted.failure.reasons
    assert rubbish.code is ReasonCode.RUBBISH
    assert are_of_agents(doubted.failure.reasons)
    return rubbish.words["detail"]


def report(taken: Repetition = TAKEN) -> Report:
    return Report(
        attempt_id="a",
        job_id="j",
        started_at_unix_ms=0,
        ended_at_unix_ms=1,
        measured=Measured(runtime=RUNTIME, repetition=taken),
    )


@given(st.lists(st.integers(1, MAX_INTEGER), min_size=1, max_size=20))
def test_any_latencies_that_can_be_are_believed(latency_ns: list[int]) -> None:
    sound = report(replace(TAKEN, latency_ns=tuple(latency_ns)))
    assert credible(sound) is sound


@pytest.mark.parametrize("time", [-1, 253_402_300_800_000, 2**63 - 1])
def test_times_that_no_calendar_has_are_doubted_and_not_kept(time: int) -> None:
    for doubted in (
        credible(replace(report(), ended_at_unix_ms=time)),
        credible(report(replace(TAKEN, before=DeviceState(taken_at_unix_ms=time)))),
    ):
        assert "calendar" in doubt_of(doubted)
        assert doubted.ended_at_unix_ms == 0


@pytest.mark.parametrize("protocol", [None, 1])
def test_an_agent_of_our_protocol_is_welcome(protocol: int | None) -> None:
    check_hello(replace(HELLO, protocol=protocol))


def test_one_of_another_is_told_both() -> None:
    with pytest.raises(EdgerankError, match=r"protocol 2 .* controller 1:"):
        check_hello(replace(HELLO, protocol=2))


@pytest.mark.parametrize("device_id", ["", "i" * 65, "an id", "../id"])
def test_an_id_that_no_device_may_have_is_refused(device_id: str) -> None:
    with pytest.raises(EdgerankError) as refused:
        check_hello(replace(HELLO, device_id=device_id))
    assert refused.value.code is ErrorCode.INVALID_INPUT


@pytest.mark.parametrize(
    ("taken", "words"),
    [
        (replace(TAKEN, latency_ns=()), "no samples"),
        (replace(TAKEN, latency_ns=(5, 0)), "a latency that is not above 0"),
        (replace(TAKEN, latency_ns=(2**64 - 1,)), "a latency that is not above 0"),
        (replace(TAKEN, load_ns=2**63), "a figure that is too large"),
        (replace(TAKEN, pss_bytes=2**63), "a figure that is too large"),
        (
            replace(TAKEN, samples_per_minute=(1, 2)),
            "minutes whose samples are not those of the whole",
        ),
        (
            replace(TAKEN, memory=ProcessMemory(anonymous_bytes=2**63)),
            "a figure that is too large",
        ),
        (
            replace(TAKEN, after=DeviceState(taken_at_unix_ms=0, load_average=math.nan)),
            "a temperature, load or power that is no number",
        ),
        (
            replace(
                TAKEN,
                during=(
                    DeviceState(
                        taken_at_unix_ms=0,
                        power=(PowerReading(source="battery", watts=math.nan),),
                    ),
                ),
            ),
            "a temperature, load or power that is no number",
        ),
        (
            replace(
                TAKEN,
                before=DeviceState(
                    taken_at_unix_ms=0,
                    temperatures=(Temperature(zone="cpu", celsius=math.inf),),
                ),
            ),
            "a temperature, load or power that is no number",
        ),
    ],
)
def test_what_cannot_be_committed_becomes_a_failure_that_can(taken: Repetition, words: str) -> None:
    assert words in doubt_of(credible(report(taken)))


TRACE = [{"name": "model_run", "ph": "X", "ts": 0, "dur": 9, "pid": 1, "tid": 1}]
LAYER = LayerTime(
    name="conv",
    operator="Conv",
    execution_provider="CPUExecutionProvider",
    call_count=2,
    total_ns=8_000,
    median_ns=4_000,
    output_shapes=("1x8",),
)
TIMES = OperatorTimes(
    run_count=2,
    total_ns=10_000,
    run_median_ns=5_000,
    unprofiled_run_median_ns=4_500,
    layers=(LAYER,),
)
SETTINGS = MeasureSettings(
    runtime=Runtime.ONNXRUNTIME,
    threads=1,
    relative_half_width=0.02,
    time_budget_ms=1_000,
    takes=NetworkInput(size=square(8)),
    input_seed=1,
)


def packed(events: object) -> bytes:
    return gzip.compress(json.dumps(events).encode(), mtime=0)


def profiled(times: OperatorTimes = TIMES, trace_gzip: bytes = packed(TRACE)) -> Report:
    taken = Profiled(runtime=RUNTIME, times=times, trace_gzip=trace_gzip)
    return replace(report(), measured=None, profiled=taken)


def with_layer(**changed: Any) -> Report:
    return profiled(replace(TIMES, layers=(replace(LAYER, **changed),)))


def test_a_sound_profile_is_believed() -> None:
    sound = profiled()
    assert credible(sound) is sound


@pytest.mark.parametrize(
    ("lying", "words"),
    [
        (profiled(replace(TIMES, layers=())), "a profile of 0 layers"),
        (profiled(replace(TIMES, layers=(LAYER,) * 20_001)), "a profile of 20001 layers"),
        (profiled(replace(TIMES, run_median_ns=0)), "inferences that took no time"),
        (profiled(replace(TIMES, total_ns=2**63)), "or too much"),
        (profiled(replace(TIMES, run_median_ns=10_001)), "a median longer than all inferences"),
        (profiled(replace(TIMES, unprofiled_run_median_ns=2**63)), "a figure that is too large"),
        (with_layer(total_ns=10_001), "a layer that took longer than all inferences"),
        (with_layer(median_ns=10_001), "a median longer than all inferences"),
        (with_layer(call_count=0), "a layer that never ran"),
        (with_layer(name="x" * 1_001), "name or shape is too long"),
        (with_layer(output_shapes=("1",) * 200), "name or shape is too long"),
        (profiled(trace_gzip=b""), "not one whole gzip file"),
        (profiled(trace_gzip=b"rubbish"), "no gzip-compressed JSON"),
        (profiled(trace_gzip=packed(TRACE)[:-9]), "not one whole gzip file"),
        (profiled(trace_gzip=packed(TRACE) * 2), "not one whole gzip file"),
        (profiled(trace_gzip=bytes(8 * 1024**2 + 1)), "a trace of 8388609 bytes"),
        (profiled(trace_gzip=gzip.compress(bytes(16 * 1024**2 + 1))), "unpacks to more than"),
        (profiled(trace_gzip=gzip.compress(b"[" * 100_000)), "no gzip-compressed JSON"),
        (profiled(trace_gzip=packed([TRACE[0] | {"dur": math.nan}])), "a trace with NaN"),
        (profiled(trace_gzip=packed([TRACE[0] | {"ts": -1}])), "no list of complete events"),
        (profiled(trace_gzip=packed([{"name": "model_run"}])), "no list of complete events"),
        (profiled(trace_gzip=packed([])), "no list of complete events"),
        (profiled(trace_gzip=packed({"traceEvents": TRACE})), "no list of complete events"),
    ],
    ids=range(23),
)
def test_a_profile_that_cannot_be_becomes_a_failure(lying: Report, words: str) -> None:
    assert words in doubt_of(credible(lying))


@given(st.binary(max_size=100))
def test_a_trace_of_any_bytes_is_refused(trace_gzip: bytes) -> None:
    assert credible(profiled(trace_gzip=trace_gzip)).failure is not None


def started(unready: Reason | None, waited_ms: int = 2_000) -> list[Report]:
    """A measured and a profiled attempt whose start this was in the way of."""
    profile = profiled().profiled
    assert profile is not None
    reports = [
        report(replace(TAKEN, started_unready=unready)),
        replace(profiled(), profiled=replace(profile, started_unready=unready)),
    ]
    return [replace(each, waited_ms=waited_ms) for each in reports]


@pytest.mark.parametrize("unready", [None, CORES_TAKEN], ids=str)
def test_a_start_before_the_device_was_ready_is_believed(unready: Reason | None) -> None:
    for sound in started(unready):
        assert credible(sound) is sound


@pytest.mark.parametrize(
    "unready",
    [
        reason(ReasonCode.NOT_READY, deadline_ms=60_000),
        reason(ReasonCode.DEVICE_DRIFTED, slowdown=0.2),
        reason(ReasonCode.CORES_TAKEN, load_by_others=1.2),
        reason(ReasonCode.CORES_TAKEN, load_by_others=math.nan, most=1),
    ],
    ids=str,
)
def test_what_no_gate_waits_for_was_in_no_way_and_the_wait_still_counts(unready: Reason) -> None:
    for doubted in map(credible, started(unready)):
        assert "reason that makes no sense" in doubt_of(doubted)
        assert doubted.waited_ms == 2_000


@pytest.mark.parametrize("waited_ms", [MAX_WAITED_MS + 1, 2**63])
def test_a_start_that_waited_longer_than_any_may_is_not_believed(waited_ms: int) -> None:
    for doubted in map(credible, started(None, waited_ms)):
        assert "waited longer" in doubt_of(doubted)
        assert doubted.waited_ms == 0


def test_an_agent_that_answers_another_question_is_told_so() -> None:
    wanted = replace(SETTINGS, profile_runs=2)
    assert answering(profiled(), wanted).profiled is not None
    assert answering(report(), SETTINGS).measured is not None
    assert "update edgerank" in doubt_of(answering(report(), wanted))
    for asked in (0, 3):
        stranger = answering(profiled(), replace(SETTINGS, profile_runs=asked))
        assert doubt_of(stranger).endswith(f" 2 inferences instead of {asked}")


@given(
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True).filter(lambda n: n != "all")
)
def test_a_plain_name_is_taken(name: str) -> None:
    check_hello(replace(HELLO, name=name))


@pytest.mark.parametrize(
    "hello",
    [
        replace(HELLO, name=""),
        replace(HELLO, name="all"),
        replace(HELLO, name="a,b"),
        replace(HELLO, name="\x1b[31mred"),
        replace(HELLO, name="x" * 65),
        replace(HELLO, labels={"a b": "c"}),
        replace(HELLO, labels={"room": "line\nline"}),
        replace(HELLO, labels={"room": "x" * 129}),
        replace(HELLO, labels={f"key-{number}": "" for number in range(65)}),
    ],
)
def test_a_name_or_label_that_cannot_be_selected_or_shown_is_refused(hello: Hello) -> None:
    with pytest.raises(EdgerankError) as refused:
        check_hello(hello)
    assert refused.value.code is ErrorCode.INVALID_INPUT
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize("affinity", [(4, 5), (), (0, 1, 4, 5)])
def test_figures_of_other_cores_than_were_asked_for_are_a_failure(
    affinity: tuple[int, ...],
) -> None:
    sound = report()
    assert sound.measured is not None
    sound = replace(sound, measured=replace(sound.measured, affinity=affinity))
    assert credible(sound, affinity) is sound
    doubt = doubt_of(credible(sound, (0, 1)))
    assert "not of 0-1;" in doubt
    assert "same edgerank version" in doubt


def test_however_many_cores_are_told_the_failure_has_an_end() -> None:
    sound = report()
    assert sound.measured is not None
    told = replace(sound.measured, affinity=tuple(range(0, 2**32, 2**15)))
    doubt_of(credible(replace(sound, measured=told), (0, 1)))


def test_so_is_a_profile_of_other_cores() -> None:
    sound = profiled()
    assert sound.profiled is not None
    sound = replace(sound, profiled=replace(sound.profiled, affinity=(0, 1)))
    assert credible(sound, (0, 1)) is sound
    assert " 0-1, not of 4-5;" in doubt_of(credible(sound, (4, 5)))
