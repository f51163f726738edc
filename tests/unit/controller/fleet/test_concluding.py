"""Which repetitions of a job count, and what is told of the others."""

from dataclasses import replace

from controller.domain.measurements import Verdict
from controller.figures.latency import latency_figures
from controller.figures.spread import UNKNOWN
from controller.fleet.rounds.concluding import conclude, conclude_so_far
from controller.fleet.rounds.turns import Course
from controller.state.measurements import Conclusion
from controller.state.rounds.repetitions import TakenRepetition
from controller.state.rounds.underway import Underway
from protos.measuring import Repetition
from protos.reasons import ReasonCode
from tests.benchmarks.measuring.simulated_sweep import spec_of
from tests.unit.controller.samples.measurements import settings
from tests.unit.controller.samples.noise import noise
from tests.unit.controller.samples.reasons import TAKEN

STEADY, SLOWED = noise(1, [10.0] * 4), noise(2, [10.0] * 4)
# From its middle on half as fast again.
SHIFTED = [
    replace(each, latency_ns=each.latency_ns + tuple(3 * ns // 2 for ns in each.latency_ns))
    for each in SLOWED
]


def taken_of(repetitions: tuple[Repetition, ...], blocks: tuple[int, ...]) -> list[TakenRepetition]:
    return [
        TakenRepetition(
            ordinal=ordinal,
            block=blocks[ordinal] if blocks else None,
            repetition=repetition,
            runtime_version="1.23.2",
            runtime_build="",
            affinity=(0,),
            taken_at_unix_ms=ordinal,
        )
        for ordinal, repetition in enumerate(repetitions)
    ]


def concluded(*repetitions: Repetition, blocks: tuple[int, ...] = ()) -> Conclusion:
    # Three readings are as the first; then the device is half as fast.
    readings_ms = (1.0, 1.01, 0.99, 1.5, 1.51) if blocks else ()
    course = Course(
        spec=spec_of(0.5),
        planned_ms=0,
        spread=UNKNOWN,
        history=UNKNOWN,
        spent_ms=0,
        readings_ms=readings_ms,
        sentinel=None,
        has_repeated=False,
    )
    return conclude(taken_of(repetitions, blocks), settings(relative_half_width=0.5), course, 0)


def codes(conclusion: Conclusion) -> list[ReasonCode]:
    return [each.code for each in conclusion.reasons]


def test_a_repetition_that_did_not_keep_its_speed_does_not_count_while_two_others_did() -> None:
    found = concluded(STEADY[0], SHIFTED[0], STEADY[1])
    assert found.latency == latency_figures(STEADY[:2])
    assert found.verdict is Verdict.OK
    left_out, how = found.reasons
    assert (left_out.code, how.code) == (ReasonCode.SHIFTED_LEFT_OUT, ReasonCode.LATENCY_SHIFTED)
    assert left_out.figures == {"count": 1, "repetitions": 3}
    assert (how.figures["repetition"], how.figures["repetitions"]) == (2, 3)


def test_without_two_others_all_count_and_the_figure_is_throttled() -> None:
    job = (STEADY[0], SHIFTED[0], SHIFTED[1])
    found = concluded(*job)
    assert found.latency == latency_figures(job)
    assert (found.verdict, codes(found)) == (Verdict.THROTTLED, [ReasonCode.LATENCY_SHIFTED])
    assert concluded(SHIFTED[0]).verdict is Verdict.THROTTLED


def test_of_the_repetitions_that_the_device_was_ready_for_those_that_shifted_do_not_count() -> None:
    unready = replace(STEADY[2], started_unready=TAKEN)
    found = concluded(STEADY[0], STEADY[1], SHIFTED[0], unready)
    assert found.latency == latency_figures(STEADY[:2])
    assert codes(found) == [
        ReasonCode.UNREADY_LEFT_OUT,
        TAKEN.code,
        ReasonCode.SHIFTED_LEFT_OUT,
        ReasonCode.LATENCY_SHIFTED,
    ]


def test_a_device_that_drifted_all_the_while_is_told_whatever_shifted() -> None:
    found = concluded(STEADY[0], SHIFTED[0], STEADY[1], blocks=(3, 3, 4))
    assert (found.verdict, codes(found)[0]) == (Verdict.THROTTLED, ReasonCode.DEVICE_DRIFTED)


def test_nothing_is_told_of_repetitions_that_were_alike() -> None:
    found = concluded(*STEADY)
    assert (found.verdict, found.reasons) == (Verdict.OK, ())
    assert found.latency == latency_figures(STEADY)


def so_far(*repetitions: Repetition) -> Conclusion:
    told = settings(relative_half_width=0.5)
    return conclude_so_far(Underway(taken=taken_of(repetitions, ()), settings=told, spread=UNKNOWN))


def test_what_goes_on_to_be_measured_is_wide_at_best_and_says_so() -> None:
    found = so_far(STEADY[0])
    assert (found.verdict, codes(found)) == (Verdict.WIDE, [ReasonCode.STILL_MEASURED])
    assert found.latency is not None
    whole = latency_figures(STEADY[:1])
    assert found.latency == replace(
        whole, low_ms=found.latency.low_ms, high_ms=found.latency.high_ms
    )
    # Of one process its own samples tell less than what processes differ by.
    assert found.latency.low_ms < whole.low_ms < whole.high_ms < found.latency.high_ms


def test_what_is_wrong_with_it_is_told_meanwhile() -> None:
    found = so_far(STEADY[0], SHIFTED[0])
    assert found.verdict is Verdict.THROTTLED
    assert codes(found) == [ReasonCode.STILL_MEASURED, ReasonCode.LATENCY_SHIFTED]
