"""Inference on a clock: what it took, and which frames had no outputs in time."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from controller.domain.measurements import LatencyFigures, Measurement, PacedFigures, per_image_ms
from controller.figures.latency import latency_figures
from protos.measuring import PacedSamples, Repetition
from protos.reasons import ReasonCode, reason

_NS_PER_S = 1_000_000_000


def paced_figures(
    repetitions: Sequence[Repetition],
    fps: float,
    back_to_back_ms: float,
    derive: Callable[[Sequence[Repetition]], LatencyFigures] = latency_figures,
) -> PacedFigures | None:
    """Derive what inference on a clock was like; None where a repetition has none of it.

    Args:
        repetitions: those that count.
        fps: frames a second.
        back_to_back_ms: median of inference back to back in the same processes, ms.
        derive: the latency figures of what was measured, as of a job that goes on.
    """
    paced = [each.paced for each in repetitions if each.paced is not None]
    if not paced or len(paced) < len(repetitions):
        return None
    on_clock = [
        replace(each, latency_ns=of_it.latency_ns)
        for each, of_it in zip(repetitions, paced, strict=True)
    ]
    latency = derive(on_clock)
    spans = [span for each in paced for span in _frames_taken(each, fps)]
    # One that is there before the next frame comes takes one frame, its own.
    missed, dropped = sum(span for span in spans if span > 1), sum(spans) - len(spans)
    return PacedFigures(
        fps=fps,
        latency=latency,
        frame_count=sum(spans),
        missed_count=missed,
        dropped_count=dropped,
        missed_share=missed / sum(spans),
        times_back_to_back=latency.median_ms / back_to_back_ms,
    )


def at_pace(measurement: Measurement, fps: float) -> Measurement:
    """A measurement with the latency figures of inference on a clock, without raw samples.

    One that has none of so many frames a second is returned without figures, and with why as its
    only reason.
    """
    if measurement.latency is None:
        return measurement
    paced = measurement.paced
    if paced is None or paced.fps != fps:
        without = reason(ReasonCode.NOT_PACED, fps=fps)
        return replace(measurement, latency=None, reasons=(without,))
    return replace(
        measurement,
        latency=paced.latency,
        latency_per_image_ms=per_image_ms(paced.latency.median_ms, measurement.batch),
        # What was metered ran back to back.
        energy=None,
        repetitions=(),
    )


def _frames_taken(paced: PacedSamples, fps: float) -> list[int]:
    """How many frames came from each inference's own until its outputs were there."""
    interval_ns = round(_NS_PER_S / fps)
    return [
        max(1, -(-(delay_ns + latency_ns) // interval_ns))
        for latency_ns, delay_ns in zip(paced.latency_ns, paced.delay_ns, strict=True)
    ]
