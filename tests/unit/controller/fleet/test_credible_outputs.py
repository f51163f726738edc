"""What an agent may say of outputs that it compared; that they are wrong is one of it."""

import math
from dataclasses import replace

import pytest

from controller.fleet.credibility import credible
from protos.fleet import Measured, Report
from protos.measuring import OutputCheck
from protos.runtimes import Runtime, RuntimeInfo
from tests.unit.controller.samples.measurements import repetition

COMPARED = OutputCheck(
    input_count=4, max_relative_difference=0.3, l2_relative_difference=0.2, top1_agreement=0.25
)


def report(check: OutputCheck) -> Report:
    return Report(
        attempt_id="a",
        job_id="j",
        started_at_unix_ms=0,
        ended_at_unix_ms=1,
        measured=Measured(
            runtime=RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version="1"),
            repetition=repetition((1, 2), output_check=check),
        ),
    )


@pytest.mark.parametrize(
    "check",
    [
        COMPARED,
        replace(COMPARED, top1_agreement=None, is_constant=True),
        OutputCheck(input_count=4, nonfinite_share=1.0),
        OutputCheck(input_count=4, is_other_shape=True),
    ],
)
def test_outputs_that_are_wrong_are_believed(check: OutputCheck) -> None:
    sound = report(check)
    assert credible(sound) is sound


@pytest.mark.parametrize(
    ("check", "words"),
    [
        (replace(COMPARED, max_relative_difference=math.inf), "difference"),
        (replace(COMPARED, l2_relative_difference=-1e-6), "difference"),
        (replace(COMPARED, top1_agreement=1.5), "share"),
        (replace(COMPARED, nonfinite_share=math.nan), "share"),
        (OutputCheck(input_count=4), "not told of"),
        (replace(COMPARED, l2_relative_difference=None), "not told of"),
        (replace(COMPARED, input_count=0), "not told of"),
    ],
)
def test_what_cannot_be_of_outputs_is_doubted(check: OutputCheck, words: str) -> None:
    doubted = credible(report(check))
    assert doubted.measured is None
    assert doubted.failure is not None
    assert words in doubted.failure.reasons[0].words["detail"]
