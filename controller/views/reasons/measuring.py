"""What a figure does not tell, or what keeps it from being ok."""

from collections.abc import Mapping
from typing import Final

from controller.domain.quantities import format_latency, format_number
from controller.views.counting import counted
from controller.views.reasons.writing import Writer, Writers
from protos.reasons import ReasonCode

_Figures = Mapping[str, float]
_Words = Mapping[str, str]

_MORE: Final = "more repetitions would narrow it"


def _where(figures: _Figures) -> str:
    return f"in repetition {figures['repetition']:.0f} of {figures['repetitions']:.0f}"


def _of_all(figures: _Figures) -> str:
    """Write how many of a job's repetitions something holds for: 2 of its 3 repetitions."""
    return f"{figures['count']:.0f} of its {counted(round(figures['repetitions']), 'repetition')}"


def _width(figures: _Figures) -> str:
    reached, wanted = figures["reached"] * 100, figures["wanted"] * 100
    return f"the interval is ±{reached:.3g} %, wanted ±{wanted:.3g} %"


def _wide(why: str) -> Writer:
    return lambda figures, _words: f"{_width(figures)}: {why}"


def _shifted(figures: _Figures, _words: _Words) -> str:
    change, after = figures["change"], figures["after_share"]
    way = "rose" if change > 0 else "fell"
    return f"latency {way} by {abs(change):.0%} after {after:.0%} of the runs {_where(figures)}"


def _clock_set(figures: _Figures, _words: _Words) -> str:
    step_s = figures["step_ms"] / 1e3
    way = "forward" if step_s > 0 else "back"
    return f"the device's clock was set {way} by {abs(step_s):,.0f} s {_where(figures)}"


def _clock_fell(figures: _Figures, _words: _Words) -> str:
    full_ghz, least_ghz = figures["from_khz"] / 1e6, figures["to_khz"] / 1e6
    core = f"core {figures['cpu']:.0f}"
    return f"{core} fell from {full_ghz:.2f} to {least_ghz:.2f} GHz {_where(figures)}"


def _disagree(figures: _Figures, _words: _Words) -> str:
    least, most = format_number(figures["least_ms"]), format_latency(figures["most_ms"])
    return f"its repetitions disagree: medians from {least} to {most}; {_width(figures)}; {_MORE}"


def _lost_race(figures: _Figures, words: _Words) -> str:
    after = f"it left the race after {counted(round(figures['repetitions']), 'repetition')}"
    if words["standing"] == "over_limit":
        return f"{after}: it is over the limit"
    if words["standing"] == "outclassed":
        return f"{after}: one that is more accurate is within the limit"
    other = words["other"] or "another one"
    precision = f" in {words['precision']}" if "precision" in words else ""
    return f"{after}: {other}{precision} is faster and at least as accurate"


SENTENCES: Final[Writers] = {
    ReasonCode.LATENCY_SHIFTED: _shifted,
    ReasonCode.MEMORY_GREW: lambda figures, _: (
        f"memory grew by {figures['grown_bytes'] / 1e6:.0f} MB while it sampled {_where(figures)}"
    ),
    ReasonCode.CORES_SHARED: lambda figures, _: (
        f"other processes had its cores for {figures['share']:.0%} of the time"
    ),
    ReasonCode.CLOCK_SET: _clock_set,
    ReasonCode.THROTTLING_COUNTED: lambda figures, words: (
        f"{words['counter']} rose by {figures['count']:.0f} {_where(figures)}"
    ),
    ReasonCode.QUOTA_ENDED: lambda figures, _: (
        "the container's or service's quota of processor time ended in "
        f"{figures['count']:.0f} of {figures['periods']:.0f} periods {_where(figures)}"
    ),
    ReasonCode.LIMIT_IN_FORCE: lambda figures, words: (
        f"{words['limit']} limited the device {_where(figures)}"
    ),
    ReasonCode.CLOCK_FELL: _clock_fell,
    ReasonCode.DEVICE_DRIFTED: lambda figures, _: (
        "the device drifted while it was measured, and while it was measured again: the sentinel "
        f"was up to {figures['slowdown'] * 100:.0f} % slower"
    ),
    ReasonCode.RUNTIME_CHANGED: lambda _, words: (
        f"the device changed its {words['runtime']} meanwhile: its repetitions ran with "
        f"{words['versions']}"
    ),
    ReasonCode.STARTS_MISSED: lambda figures, _: (
        f"{figures['count']:.0f} of its repetitions could not start: the device was not ready "
        f"within {figures['deadline_ms'] / 1e3:g} s"
    ),
    ReasonCode.STARTED_UNREADY: lambda figures, _: (
        f"the device was not ready when {_of_all(figures)} started"
    ),
    ReasonCode.UNREADY_LEFT_OUT: lambda figures, _: (
        f"without {_of_all(figures)}, started when the device was not ready"
    ),
    ReasonCode.SHIFTED_LEFT_OUT: lambda figures, _: (
        f"without {_of_all(figures)}, which did not keep their speed"
    ),
    ReasonCode.UNWATCHED: lambda figures, _: (
        f"nothing tells whether the device drifted during {_of_all(figures)}: the sentinel had "
        "failed"
    ),
    ReasonCode.STILL_MEASURED: lambda figures, _: (
        "it is still being measured: a figure so far, of "
        f"{counted(round(figures['repetitions']), 'repetition')}"
    ),
    ReasonCode.ONE_PROCESS: lambda *_: (
        "one process measured it, which tells nothing of how another would have run"
    ),
    ReasonCode.MEANS_ONLY: lambda figures, _: (
        f"each sample is the mean of {figures['inferences']:.0f} or more inferences, as "
        "benchmark_bin tells no single one: percentiles are of means, and hide slow inferences"
    ),
    ReasonCode.WARMUP_UNSETTLED: lambda figures, _: (
        f"the warm-up of {_of_all(figures)} ended before it had settled; a larger --time-budget "
        "gives it more"
    ),
    ReasonCode.LOST_RACE: _lost_race,
    ReasonCode.RACE_UNDECIDED: lambda figures, _: (
        "the race ended before more than "
        f"{counted(round(figures['repetitions']), 'repetition')} told whether it is of the answer"
    ),
    ReasonCode.OUTPUTS_UNCHECKED: lambda figures, _: (
        f"nobody compared the outputs of {_of_all(figures)} on the device"
    ),
    ReasonCode.REPETITIONS_DISAGREE: _disagree,
    ReasonCode.TIME_BUDGET_ENDED: _wide(
        "the time budget ended first; a larger --time-budget would narrow it"
    ),
    ReasonCode.NOISE_STAYS: _wide(f"its noise is stable and stays larger; {_MORE}"),
    ReasonCode.FEW_REPETITIONS: lambda figures, _: (
        f"{_width(figures)}: {figures['repetitions']:.0f} repetitions are too few; {_MORE}"
    ),
    ReasonCode.SAMPLES_SPREAD: _wide(f"its samples spread too far; {_MORE}"),
}
