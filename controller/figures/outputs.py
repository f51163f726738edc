"""Whether the device computed the right thing: what its outputs are, and what is wrong of them."""

from collections.abc import Iterator, Sequence

from controller.domain.measurements import OutputFigures
from protos.measuring import OutputCheck, Repetition
from protos.reasons import Reason, ReasonCode, reason


def wrong_output(check: OutputCheck | None, tolerance: float | None) -> tuple[Reason, ...]:
    """Say that outputs are wrong, and in what; nothing where they are not, or nobody looked.

    Args:
        check: what the outputs of one repetition were.
        tolerance: largest relative difference that passes; None where none is known, so that no
            difference is too large.
    """
    if check is None:
        return ()
    found = tuple(_faults(check, tolerance))
    return (reason(ReasonCode.WRONG_OUTPUT, inputs=check.input_count), *found) if found else ()


def output_figures(repetitions: Sequence[Repetition]) -> OutputFigures | None:
    """Derive a job's figures of its outputs, the worst of its repetitions; None where none are."""
    checks = [each.output_check for each in repetitions if each.output_check is not None]
    furthest = [
        (each.max_relative_difference, each.l2_relative_difference)
        for each in checks
        if each.max_relative_difference is not None and each.l2_relative_difference is not None
    ]
    if not furthest:
        return None
    agreements = [each.top1_agreement for each in checks if each.top1_agreement is not None]
    return OutputFigures(
        input_count=min(each.input_count for each in checks),
        repetition_count=len(checks),
        max_relative_difference=max(difference for difference, _ in furthest),
        l2_relative_difference=max(difference for _, difference in furthest),
        top1_agreement=min(agreements, default=None),
    )


def unchecked(repetitions: Sequence[Repetition]) -> Iterator[Reason]:
    """Say of how many repetitions nobody compared the outputs; nothing where all were compared."""
    count = sum(each.output_check is None for each in repetitions)
    if count:
        yield reason(ReasonCode.OUTPUTS_UNCHECKED, count=count, repetitions=len(repetitions))


def _faults(check: OutputCheck, tolerance: float | None) -> Iterator[Reason]:
    difference, l2_difference = check.max_relative_difference, check.l2_relative_difference
    if check.is_other_shape:
        yield reason(ReasonCode.OUTPUT_OF_OTHER_SHAPE)
    if check.nonfinite_share > 0:
        yield reason(ReasonCode.OUTPUT_NOT_FINITE, share=check.nonfinite_share)
    if check.is_constant:
        yield reason(ReasonCode.OUTPUT_CONSTANT)
    if difference is not None and tolerance is not None and difference > tolerance:
        yield reason(
            ReasonCode.OUTPUT_BEYOND_TOLERANCE,
            difference=difference,
            l2_difference=l2_difference or 0.0,
            tolerance=tolerance,
        )
