"""The early samples of a process are held against its own late ones."""

import pytest

from protos.device import DeviceState
from protos.measuring import Repetition, StopReason
from tests.benchmarks.measuring.warmup import early_to_late

MS = 1_000_000


def taken(*latency_ms: float) -> Repetition:
    state = DeviceState(taken_at_unix_ms=0)
    return Repetition(
        latency_ns=tuple(round(each * MS) for each in latency_ms),
        warmup_ns=(MS,),
        load_ns=MS,
        peak_rss_bytes=1,
        baseline_rss_bytes=1,
        busy_threads=1,
        stop_reason=StopReason.TIME_BUDGET,
        before=state,
        after=state,
    )


def test_a_process_that_was_warm_is_what_it_is_later() -> None:
    assert early_to_late(taken(*[5.0] * 400)) == 1


def test_one_that_gets_faster_for_a_tenth_of_a_second_shows_it() -> None:
    assert early_to_late(taken(*[6.0] * 30, *[5.0] * 370)) == pytest.approx(1.2)


def test_of_a_fast_network_all_samples_of_a_tenth_of_a_second_are_early() -> None:
    slow, fast = [0.6] * 80, [0.5] * 4_000
    assert early_to_late(taken(*slow, *fast)) == pytest.approx(1)
