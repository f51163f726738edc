"""What is out of the ordinary in how a job was measured, in words and as options of a sweep.

Measurements whose words differ are of different things: they neither replace each other nor pair.
"""

from collections.abc import Iterator

from controller.domain.cores import format_cores
from controller.domain.measurements import Measurement
from protos.measuring import MeasureSettings
from protos.runtimes import GraphOptimization, OnnxRuntimeOptions

_ORDINARY = OnnxRuntimeOptions()


def settings_words(measurement: Measurement) -> tuple[str, ...]:
    """Say what is not as usual: cores 4-7, no spinning; empty when everything is."""
    return words_of(measurement.settings)


def words_of(settings: MeasureSettings | None) -> tuple[str, ...]:
    """The same of what a job was told; None is not known."""
    if settings is None:
        return ()
    return (*_common_words(settings), *_onnxruntime_words(settings.onnxruntime))


def common_settings_words(measurement: Measurement) -> tuple[str, ...]:
    """The same of what every runtime can be told."""
    settings = measurement.settings
    return () if settings is None else tuple(_common_words(settings))


def settings_options(measurement: Measurement) -> tuple[str, ...]:
    """Say the same to `edgerank sweep`: --cores 4-7 --no-spinning."""
    settings = measurement.settings
    if settings is None:
        return ()
    return (*_common_options(settings), *_onnxruntime_options(settings.onnxruntime or _ORDINARY))


def _common_words(settings: MeasureSettings) -> Iterator[str]:
    if settings.cores:
        few = len(settings.cores) == 1
        yield f"core{'' if few else 's'} {format_cores(settings.cores)}"
    if settings.flush_denormals:
        yield "denormals flushed"
    if settings.sustained_minutes:
        yield f"sustained {settings.sustained_minutes} min"


def _common_options(settings: MeasureSettings) -> Iterator[str]:
    if settings.cores:
        yield from ("--cores", format_cores(settings.cores))
    if settings.flush_denormals:
        yield "--flush-denormals"
    if settings.sustained_minutes:
        yield from ("--sustained", f"{settings.sustained_minutes}m")


def _onnxruntime_words(options: OnnxRuntimeOptions | None) -> Iterator[str]:
    if options is None:
        return
    if options.execution_provider != _ORDINARY.execution_provider:
        yield options.execution_provider
    if options.graph_optimization is not _ORDINARY.graph_optimization:
        yield _graph_words(options.graph_optimization)
    if not options.spinning:
        yield "no spinning"
    if not options.arena:
        yield "no arena"


def _onnxruntime_options(options: OnnxRuntimeOptions) -> Iterator[str]:
    if options.execution_provider != _ORDINARY.execution_provider:
        yield from ("--execution-provider", options.execution_provider)
    if options.graph_optimization is not _ORDINARY.graph_optimization:
        yield from ("--graph-optimization", options.graph_optimization.value)
    if not options.spinning:
        yield "--no-spinning"
    if not options.arena:
        yield "--no-arena"


def _graph_words(level: GraphOptimization) -> str:
    if level is GraphOptimization.DISABLED:
        return "no graph optimization"
    return f"{level.value} graph optimization"
