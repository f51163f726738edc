"""What cannot be committed or shown is refused at the door, and nothing else is."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.conversation import FailureReason, Hello, Measured, Report
from controller.credibility import MAX_INTEGER, check_hello, credible
from controller.domain import (
    DeviceProfile,
    DeviceState,
    PowerReading,
    ProcessMemory,
    Repetition,
    Runtime,
    RuntimeInfo,
    StopReason,
    Temperature,
)
from controller.errors import EdgerankError, ErrorCode

TAKEN = Repetition(
    latency_ns=(1, 2),
    warmup_ns=(3,),
    load_ns=4,
    peak_rss_bytes=5,
    baseline_rss_bytes=6,
    busy_threads=1,
    stop_reason=StopReason.PRECISE,
)
RUNTIME = RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version="1")
HELLO = Hello(
    device_id="id", name="phone", labels={}, profile=DeviceProfile(architecture="aarch64")
)


def report(*repetitions: Repetition) -> Report:
    return Report(
        attempt_id="a",
        job_id="j",
        started_at_unix_ms=0,
        ended_at_unix_ms=1,
        measured=Measured(runtime=RUNTIME, repetitions=repetitions),
    )


@given(st.lists(st.integers(1, MAX_INTEGER), min_size=1, max_size=20))
def test_any_latencies_that_can_be_are_believed(latency_ns: list[int]) -> None:
    sound = report(replace(TAKEN, latency_ns=tuple(latency_ns)))
    assert credible(sound) is sound


@pytest.mark.parametrize(
    ("repetitions", "words"),
    [
        ((), "0 repetitions, where one was leased"),
        ((TAKEN, TAKEN), "2 repetitions, where one was leased"),
        ((replace(TAKEN, latency_ns=()),), "no samples"),
        ((replace(TAKEN, latency_ns=(5, 0)),), "a latency that is not above 0"),
        ((replace(TAKEN, latency_ns=(2**64 - 1,)),), "a latency that is not above 0"),
        ((replace(TAKEN, load_ns=2**63),), "a figure that is too large"),
        ((replace(TAKEN, pss_bytes=2**63),), "a figure that is too large"),
        (
            (replace(TAKEN, samples_per_minute=(1, 2)),),
            "minutes whose samples are not those of the whole",
        ),
        (
            (replace(TAKEN, memory=ProcessMemory(anonymous_bytes=2**63)),),
            "a figure that is too large",
        ),
        (
            (replace(TAKEN, after=DeviceState(taken_at_unix_ms=0, load_average=math.nan)),),
            "a temperature, load or power that is no number",
        ),
        (
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
            ),
            "a temperature, load or power that is no number",
        ),
        (
            (
                replace(
                    TAKEN,
                    before=DeviceState(
                        taken_at_unix_ms=0,
                        temperatures=(Temperature(zone="cpu", celsius=math.inf),),
                    ),
                ),
            ),
            "a temperature, load or power that is no number",
        ),
    ],
)
def test_what_cannot_be_committed_becomes_a_failure_that_can(
    repetitions: tuple[Repetition, ...], words: str
) -> None:
    doubted = credible(report(*repetitions))
    assert doubted.measured is None
    assert doubted.failure is not None
    assert doubted.failure.reason is FailureReason.RUBBISH
    assert words in doubted.failure.detail


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
    sound = report(TAKEN)
    assert sound.measured is not None
    sound = replace(sound, measured=replace(sound.measured, affinity=affinity))
    assert credible(sound, affinity) is sound
    doubted = credible(sound, (0, 1)).failure
    assert doubted is not None
    assert doubted.reason is FailureReason.RUBBISH
    assert "not of 0-1; use the same edgerank version on both sides" in doubted.detail
