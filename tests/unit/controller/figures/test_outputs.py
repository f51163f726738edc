"""Whether the device computed the right thing."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.measurements import OutputFigures
from controller.figures.outputs import output_figures, unchecked, wrong_output
from protos.measuring import OutputCheck
from protos.reasons import ReasonCode, reason
from tests.unit.controller.samples.measurements import MS, repetition

RIGHT = OutputCheck(
    input_count=4,
    max_relative_difference=2e-6,
    l2_relative_difference=1e-6,
    top1_agreement=1.0,
)
UNKNOWN = replace(RIGHT, max_relative_difference=None, l2_relative_difference=None)
WRONG = reason(ReasonCode.WRONG_OUTPUT, inputs=4)


@given(difference=st.floats(0, 10), tolerance=st.floats(0, 1))
def test_what_is_beyond_the_tolerance_is_wrong_and_nothing_else(
    difference: float, tolerance: float
) -> None:
    found = wrong_output(replace(RIGHT, max_relative_difference=difference), tolerance)
    assert bool(found) is (difference > tolerance)
    if found:
        beyond = reason(
            ReasonCode.OUTPUT_BEYOND_TOLERANCE,
            difference=difference,
            l2_difference=1e-6,
            tolerance=tolerance,
        )
        assert found == (WRONG, beyond)


@pytest.mark.parametrize("tolerance", [None, 1e-4, 1.0])
@pytest.mark.parametrize(
    ("check", "why"),
    [
        (replace(UNKNOWN, nonfinite_share=0.5), reason(ReasonCode.OUTPUT_NOT_FINITE, share=0.5)),
        (replace(RIGHT, is_constant=True), reason(ReasonCode.OUTPUT_CONSTANT)),
        (replace(UNKNOWN, is_other_shape=True), reason(ReasonCode.OUTPUT_OF_OTHER_SHAPE)),
    ],
    ids=["not finite", "constant", "other shape"],
)
def test_some_outputs_are_wrong_whatever_the_tolerance(
    check: OutputCheck, why: object, tolerance: float | None
) -> None:
    assert wrong_output(check, tolerance) == (WRONG, why)


def test_of_what_nobody_compared_nothing_is_wrong_and_that_is_said() -> None:
    looked_at, not_looked_at = repetition((MS,)), repetition((MS,), output_check=None)
    assert wrong_output(None, 1e-4) == ()
    assert list(unchecked([looked_at, looked_at])) == []
    told = reason(ReasonCode.OUTPUTS_UNCHECKED, count=1, repetitions=2)
    assert list(unchecked([looked_at, not_looked_at])) == [told]
    assert output_figures([not_looked_at]) is None


def test_a_job_has_the_worst_of_its_repetitions() -> None:
    checks = (
        RIGHT,
        replace(RIGHT, max_relative_difference=9e-6, top1_agreement=0.75),
        replace(RIGHT, l2_relative_difference=8e-6),
        None,
    )
    taken = [repetition((MS,), output_check=each) for each in checks]
    assert output_figures(taken) == OutputFigures(
        input_count=4,
        repetition_count=3,
        max_relative_difference=9e-6,
        l2_relative_difference=8e-6,
        top1_agreement=0.75,
    )


def test_outputs_without_scores_have_no_agreement() -> None:
    taken = [repetition((MS,), output_check=replace(RIGHT, top1_agreement=None))]
    found = output_figures(taken)
    assert found is not None
    assert found.top1_agreement is None
