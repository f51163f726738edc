"""What is out of the ordinary in how a job was measured, in words."""

from collections.abc import Iterator

from controller.domain.cores import format_cores
from controller.domain.measurements import ORDINARY_ONNXRUNTIME, Measurement
from controller.domain.quantities import format_interval, format_latency
from controller.views.counting import counted
from controller.views.input_words import kind_words
from models.catalog.variants import Target
from protos.measuring import MeasureSettings
from protos.runtimes import GraphOptimization, OnnxRuntimeOptions


def settings_words(measurement: Measurement) -> tuple[str, ...]:
    """Say what is not as usual: uint8, cores 4-7, no spinning; empty when everything is."""
    return (
        *target_words(measurement.target),
        *words_of(measurement.settings),
        *_delegation_words(measurement),
    )


def target_words(target: Target) -> Iterator[str]:
    """Name an accelerator; nothing for a processor, which the device tells."""
    if target.is_accelerator:
        yield f"{target.value}, the rest on ARM"


def words_of(settings: MeasureSettings | None) -> tuple[str, ...]:
    """The same of what a job was told; None is not known."""
    if settings is None:
        return ()
    return (
        *kind_words(settings.takes.kind),
        *_common_words(settings),
        *_onnxruntime_words(settings.onnxruntime),
    )


def paced_words(measurement: Measurement) -> str:
    """Say what it was on a clock: at 30 fps 9.12 ms [9.05, 9.20], ...; empty where it was not."""
    paced = measurement.paced
    if paced is None:
        return ""
    latency = paced.latency
    dropped = f", {paced.dropped_count} of them dropped" if paced.dropped_count else ""
    return (
        f"at {paced.fps:g} fps {format_latency(latency.median_ms)} "
        f"{format_interval(latency.low_ms, latency.high_ms)}, "
        f"p90 {format_latency(latency.p90_ms)}, p99 {format_latency(latency.p99_ms)}, "
        f"{paced.times_back_to_back:.2f} times back to back; "
        f"{paced.missed_count} of {counted(paced.frame_count, 'frame')} missed "
        f"({paced.missed_share:.1%}){dropped}"
    )


def energy_words(measurement: Measurement) -> Iterator[str]:
    """Say what an inference took by each meter, or why nobody can tell; nothing without meters."""
    energy = measurement.energy
    if energy is None:
        return
    if energy.was_charging:
        yield "energy unknown, since the battery was being charged"
    elif not energy.meters:
        yield "energy unknown, since it sampled for too short a time"
    for each in energy.meters:
        known = each.low_mj is not None and each.high_mj is not None
        interval = f" [{each.low_mj:.3g}, {each.high_mj:.3g}]" if known else ""
        yield (
            f"{each.per_inference_mj:.3g} mJ{interval} an inference above rest by {each.source} "
            "(informative)"
        )


def _delegation_words(measurement: Measurement) -> Iterator[str]:
    """Say beside a figure of another execution provider whether that ran all of it."""
    settings, delegation = measurement.settings, measurement.delegation
    told = settings and settings.onnxruntime
    if not told or not told.delegates or measurement.latency is None:
        return
    if delegation is None:
        yield "delegated as far as nobody knows"
    elif delegation.is_full:
        yield "fully delegated"
    else:
        own = [each for each in delegation.providers if each.provider == told.execution_provider]
        nodes = sum(each.node_count for each in delegation.providers)
        count = sum(each.node_count for each in own)
        share = sum(each.time_share for each in own)
        yield f"partly delegated: {count} of {nodes} nodes, {share:.0%} of their time"


def _common_words(settings: MeasureSettings) -> Iterator[str]:
    if settings.cores:
        few = len(settings.cores) == 1
        yield f"core{'' if few else 's'} {format_cores(settings.cores)}"
    if settings.flush_denormals:
        yield "denormals flushed"
    if settings.sustained_minutes:
        yield f"sustained {settings.sustained_minutes} min"
    if settings.paced_fps:
        yield f"paced {settings.paced_fps:g} fps"


def _onnxruntime_words(options: OnnxRuntimeOptions | None) -> Iterator[str]:
    if options is None:
        return
    if options.execution_provider != ORDINARY_ONNXRUNTIME.execution_provider:
        yield options.execution_provider
    if options.graph_optimization is not ORDINARY_ONNXRUNTIME.graph_optimization:
        yield _graph_words(options.graph_optimization)
    if not options.spinning:
        yield "no spinning"
    if not options.arena:
        yield "no arena"


def _graph_words(level: GraphOptimization) -> str:
    if level is GraphOptimization.DISABLED:
        return "no graph optimization"
    return f"{level.value} graph optimization"
