"""Why there is no figure, and what a start waits for."""

from collections.abc import Mapping
from typing import Final

from controller.views.counting import counted
from controller.views.reasons.writing import Writer, Writers
from protos.reasons import ReasonCode


def _detailed(kind: str) -> Writer:
    return lambda _figures, words: f"{kind}: {words['detail']}"


WITHOUT_WEIGHTS: Final = "; '--weights synthetic' needs none"
"""The way on where published weights cannot be had, as the ending of a sentence."""


def in_log(log_id: str) -> str:
    """Where all is that a tool said, as the ending of a sentence; nothing where none did."""
    return f"; the controller's log has all that was said as {log_id}" if log_id else ""


def _above_rest(figures: Mapping[str, float], _words: Mapping[str, str]) -> str:
    return f"{_warm(figures, _words)}, as at rest"


def _warm(figures: Mapping[str, float], _words: Mapping[str, str]) -> str:
    celsius, limit = figures["celsius"], figures["limit_celsius"]
    return f"the processor is at {celsius:.1f} °C, starts below {limit:.3g} °C"


SENTENCES: Final[Writers] = {
    ReasonCode.ARTIFACT_BROKEN: _detailed("artifact"),
    ReasonCode.ARTIFACT_DAMAGED: _detailed("damaged artifact"),
    ReasonCode.NO_RUNTIME: _detailed("no_runtime"),
    ReasonCode.RUNTIME_ERROR: _detailed("runtime_error"),
    ReasonCode.CRASHED: _detailed("crashed"),
    ReasonCode.TIMED_OUT: _detailed("timed_out"),
    ReasonCode.DEVICE_HUNG: _detailed("device_hung"),
    ReasonCode.RUBBISH: _detailed("rubbish"),
    ReasonCode.OUT_OF_MEMORY: _detailed("out_of_memory"),
    ReasonCode.ATTEMPT_CANCELLED: _detailed("cancelled"),
    ReasonCode.NOT_READY: lambda figures, _: (
        f"not_ready: the device was not ready within {figures['deadline_ms'] / 1e3:g} s"
    ),
    ReasonCode.AGENT_VANISHED: lambda figures, _: (
        f"its agent vanished {figures['attempts']:.0f} times while it worked on this job"
    ),
    ReasonCode.NEVER_REPORTED: lambda figures, _: (
        f"its agent took this job {figures['attempts']:.0f} times, stayed alive and reported "
        "nothing"
    ),
    ReasonCode.FAILED_IN_A_ROW: lambda figures, _: (
        f"{figures['backbones']:.0f} different backbones failed one after another"
    ),
    ReasonCode.REPORTS_NOTHING: lambda figures, _: (
        f"it took {counted(round(figures['attempts']), 'job')} one after another, stayed alive and "
        "reported nothing"
    ),
    ReasonCode.NO_ARTIFACT: lambda _, words: (
        f"no artifact: {words['detail']}{in_log(words.get('log_id', ''))}"
    ),
    ReasonCode.WEIGHTS_UNAVAILABLE: lambda _, words: (
        f"no weights: {words['detail']}{WITHOUT_WEIGHTS}"
    ),
    ReasonCode.JOB_UNREADABLE: lambda _, words: (
        f"what is stored of it cannot be read ({words['detail']}): bring the state's "
        "database back from a backup, or measure it again"
    ),
    ReasonCode.CONTROLLER_DEFECT: lambda *_: (
        "the controller failed at converting; its log says why"
    ),
    ReasonCode.NOTHING_TOLD: lambda *_: "no reason was given",
    ReasonCode.PROFILE_FAILED: lambda _, words: (
        f"{words['backbone']} could not be profiled on {words['device']}"
    ),
    ReasonCode.WRONG_OUTPUT: lambda figures, _: (
        f"wrong_output: on {counted(round(figures['inputs']), 'reference input')} the device "
        "computed something else than the network gives"
    ),
    ReasonCode.OUTPUT_BEYOND_TOLERANCE: lambda figures, _: (
        f"outputs differ by {figures['difference']:.3g} relative (L2 "
        f"{figures['l2_difference']:.3g}), beyond the tolerance of {figures['tolerance']:.3g}"
    ),
    ReasonCode.OUTPUT_NOT_FINITE: lambda figures, _: (
        f"{figures['share']:.2%} of the outputs are NaN or infinite"
    ),
    ReasonCode.OUTPUT_CONSTANT: lambda *_: "an output is the same whatever the input",
    ReasonCode.OUTPUT_OF_OTHER_SHAPE: lambda *_: "there are other outputs, or of another shape",
    ReasonCode.BATTERY_LOW: lambda figures, _: (
        f"the battery is at {figures['charge_percent']:.0f} %, starts from "
        f"{figures['least_percent']:.0f} % on"
    ),
    ReasonCode.PROCESSOR_WARM: _warm,
    ReasonCode.PROCESSOR_ABOVE_REST: _above_rest,
    ReasonCode.CORES_TAKEN: lambda figures, _: (
        f"others want {figures['load_by_others']:.2f} cores, starts at {figures['most']:g} or below"
    ),
}

REMEDIES: Final[Mapping[ReasonCode, str]] = {
    ReasonCode.BATTERY_LOW: "charge it, or allow less with --min-battery",
    ReasonCode.PROCESSOR_WARM: "let it cool down, or allow more with --max-temperature",
    ReasonCode.PROCESSOR_ABOVE_REST: "let it cool down, or allow more with --max-temperature",
    ReasonCode.CORES_TAKEN: "end what else runs there, or allow more with --max-load",
}
"""What people can do about what kept a job from starting."""
