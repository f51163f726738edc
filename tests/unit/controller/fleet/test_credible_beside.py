"""What an agent may say beside its samples: of inference on a clock, of execution providers."""

import pytest

from controller.fleet.credibility import answering, credible
from protos.device import DeviceState, PowerReading
from protos.fleet import Measured, Report
from protos.measuring import PacedSamples, ProviderUse, Repetition
from protos.runtimes import Runtime, RuntimeInfo
from tests.unit.controller.samples.measurements import repetition, settings

DAY_NS = 86_400_000_000_000
HUGE = PowerReading(source="x", watts=1e308)
PACED = PacedSamples(latency_ns=(1, 2), delay_ns=(0, 0))


def report(taken: Repetition) -> Report:
    return Report(
        attempt_id="a",
        job_id="j",
        started_at_unix_ms=0,
        ended_at_unix_ms=1,
        measured=Measured(
            runtime=RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version="1"), repetition=taken
        ),
    )


@pytest.mark.parametrize(
    ("taken", "words"),
    [
        (
            repetition((1,), paced=PacedSamples(latency_ns=(1, 2), delay_ns=(0,))),
            "frames that are not those",
        ),
        (
            repetition((1,), paced=PacedSamples(latency_ns=(0,), delay_ns=(0,))),
            "a latency on a clock that cannot be",
        ),
        (
            repetition((1,), paced=PacedSamples(latency_ns=(DAY_NS, 1), delay_ns=(0, 0))),
            "longer than a day",
        ),
        (
            repetition((1,), after=DeviceState(taken_at_unix_ms=0, power=(HUGE,))),
            "a power that no device takes",
        ),
        (
            repetition((1,), providers=(ProviderUse(provider="X", node_count=0, total_ns=1),)),
            "execution providers that make no sense",
        ),
    ],
)
def test_what_cannot_be_is_doubted(taken: Repetition, words: str) -> None:
    doubted = credible(report(taken))
    assert doubted.failure is not None
    assert words in str(doubted.failure.reasons[0])


def test_an_agent_that_passes_the_clock_over_gives_no_figure() -> None:
    asked, usual = settings(paced_fps=30), settings()
    on_clock, back_to_back = report(repetition((1,), paced=PACED)), report(repetition((1,)))
    assert answering(on_clock, asked) is on_clock
    assert answering(back_to_back, usual) is back_to_back
    for taken, told in ((back_to_back, asked), (on_clock, usual)):
        refused = answering(taken, told)
        assert refused.measured is None
        assert refused.failure is not None
