"""What tells measurements apart that are of the same file, runtime and threads."""

from dataclasses import dataclass, replace

from controller.domain.measurements import ORDINARY_ONNXRUNTIME, Measurement
from models.catalog.variants import Target
from protos.measuring import MeasureSettings
from protos.runtimes import OnnxRuntimeOptions


@dataclass(frozen=True, kw_only=True)
class Distinction:
    """What is out of the ordinary in how a job was measured; every default is the usual.

    Measurements whose distinctions differ are of different things: they neither replace each other
    nor pair.

    Attributes:
        cores: empty is all of them.
        sustained_minutes: of inference without a pause.
        onnxruntime: what ONNX Runtime was told; None is its ordinary options.
        paced_fps: frames a second, behind inference back to back.
        accelerator: what its file was made for, where that is no processor.
    """

    cores: tuple[int, ...] = ()
    flush_denormals: bool = False
    sustained_minutes: int = 0
    onnxruntime: OnnxRuntimeOptions | None = None
    paced_fps: float = 0.0
    accelerator: Target | None = None


def distinction(measurement: Measurement) -> Distinction:
    """Tell what is not as usual; what is not known counts as usual."""
    target = measurement.target
    return distinction_of(measurement.settings, target if target.is_accelerator else None)


def distinction_of(settings: MeasureSettings | None, accelerator: Target | None) -> Distinction:
    """Tell the same of what a job was told, and of the accelerator that its file was made for."""
    if settings is None:
        return Distinction(accelerator=accelerator)
    is_ordinary = settings.onnxruntime in (None, ORDINARY_ONNXRUNTIME)
    return Distinction(
        cores=settings.cores,
        flush_denormals=settings.flush_denormals,
        sustained_minutes=settings.sustained_minutes,
        onnxruntime=None if is_ordinary else settings.onnxruntime,
        paced_fps=settings.paced_fps,
        accelerator=accelerator,
    )


def common_distinction(measurement: Measurement) -> Distinction:
    """Tell the same of what every runtime can be told."""
    return replace(distinction(measurement), onnxruntime=None)
