"""What the parent asks of each step's child process, and what a child answers.

Both sides import this, so it knows no framework. Paths travel as strings: the exchange is JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from models.catalog.features import NetworkCount
from models.catalog.onnx_versions import OnnxVersions
from models.catalog.own import AssumedAxis, Trained
from models.catalog.precisions import Precision
from protos.inputs import ConstantInput, ImageSize, InputValues, NetworkInput

MILESTONE = b'{"reached": "milestone"}\n'
"""The line by which a child says, before its answer, that a part of its work is done."""


def device_reference(reference_path: Path) -> Path:
    """Where a step that writes reference outputs puts those that devices compare with."""
    return reference_path.with_suffix(".outputs")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a step's process may use; it reads its libraries besides.

    Attributes:
        memory_bytes: private writable memory (RLIMIT_DATA).
        file_bytes: size of each file that it writes (RLIMIT_FSIZE).
        cpu_s: processor time, seconds (RLIMIT_CPU).
        workdir: its working folder, also for its temporary files; the only one that it writes in.
        readable: files and folders that it reads.
    """

    memory_bytes: int
    file_bytes: int
    cpu_s: int
    workdir: str
    readable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """Build an architecture with its weights and write program and reference outputs.

    Attributes:
        architecture: name of the building function in PaddleClas.
        input_size: of the image.
        batch: images per inference.
        evaluation_size: of the backbone's own images; synthetic weights
            are calibrated there, so that one backbone has the same weights at every input size.
        weights_path: a `.pdparams` file, or None for synthetic weights.
        seed: seed of the synthetic weights; unused with a file.
        program_prefix: where `<prefix>.pdmodel` and `<prefix>.pdiparams` are written.
        reference_path: where the `.npz` with inputs and Paddle's outputs is written.
        reference_inputs: how many, at least 4; they decide about nothing but the reference.
        classes: how many the network tells apart; None is what the architecture was published for.
    """

    architecture: str
    input_size: ImageSize
    batch: int
    evaluation_size: ImageSize
    weights_path: str | None
    seed: int
    program_prefix: str
    reference_path: str
    reference_inputs: int = 4
    classes: int | None = None


@dataclass(frozen=True, slots=True)
class ExportAnswer:
    """What was exported.

    Attributes:
        fused_blocks: re-parameterisable blocks that were fused.
        passes: names of the passes that changed the network, see `models.passes`.
        rewrite_difference: largest relative difference that fusing and passes made.
        output_scale: standard deviation of the first output over the reference inputs.
        count: of what the program does for one image; None of a program for several.
    """

    fused_blocks: int
    passes: tuple[str, ...]
    rewrite_difference: float
    output_scale: float
    count: NetworkCount | None = None


@dataclass(frozen=True, slots=True)
class RoundingRequest:
    """Find out how an exported program amplifies rounding.

    Attributes:
        program_prefix: where `<prefix>.pdmodel` and `<prefix>.pdiparams` are.
        reference_path: the `.npz` with inputs and Paddle's outputs.
    """

    program_prefix: str
    reference_path: str


@dataclass(frozen=True, slots=True)
class RoundingAnswer:
    """How a program amplifies rounding.

    Attributes:
        difference: largest relative difference that one rounding of each input makes.
    """

    difference: float


@dataclass(frozen=True, slots=True)
class AdoptRequest:
    """Make an own model what the export of a backbone is, or refuse it.

    Attributes:
        folder: where the model's files are, see `models.catalog.own`.
        input_size: of the image, or None for what the model says itself.
        batch: images per inference, or None for what the model says itself, else 1.
        values: of the inputs that are no image.
        output: the `.onnx` file to write, or the prefix of the program to write.
        reference_path: where the `.npz` with inputs and outputs is written.
        reference_inputs: how many, at least 4.
        trained: what weights are of; None for what has a graph of its own.
        besides_images_bytes: memory that it may have besides that of its images; None leaves the
            limit that its process has.
    """

    folder: str
    input_size: ImageSize | None
    batch: int | None
    values: tuple[InputValues, ...]
    output: str
    reference_path: str
    reference_inputs: int = 4
    trained: Trained | None = None
    besides_images_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class AdoptAnswer:
    """What an own model is.

    Attributes:
        takes: what it is given.
        params: numbers in its weights.
        output_shapes: shape of each output, for the batch that it is given.
        assumed: axes of the image that neither the model nor the request says.
        is_half: whether its image or an output is of float16 numbers, so that no two ways of
            computing it agree better than those.
        versions: those of an ONNX file, as it was written; None of a program.
        classes: of weights, how many they are for.
        precision: in which it came.
        count: of what it does for one image; None where it takes several.
    """

    takes: NetworkInput
    params: int
    output_shapes: tuple[tuple[int, ...], ...]
    assumed: tuple[AssumedAxis, ...] = ()
    is_half: bool = False
    versions: OnnxVersions | None = None
    classes: int | None = None
    precision: Precision = Precision.FP32
    count: NetworkCount | None = None


@dataclass(frozen=True, slots=True)
class PaddleLiteRequest:
    """Optimise a program for Paddle Lite.

    Attributes:
        program_prefix: `<prefix>.pdmodel` and `<prefix>.pdiparams` are read.
        place: `arm`, `x86`, or as `opencl,arm`: what the first has no kernels of, the next runs.
        output_path: the `.nb` file to write.
        precision: float16 changes kernels, on arm only; int8-dynamic changes the stored weights.
    """

    program_prefix: str
    place: str
    output_path: str
    precision: Precision = Precision.FP32


@dataclass(frozen=True, slots=True)
class RewriteRequest:
    """Rewrite an exported program by the passes of `models.passes.PROGRAM_PASSES`.

    Attributes:
        program_prefix: `<prefix>.pdmodel` and `<prefix>.pdiparams` are read.
        output_prefix: in the same folder; its `.pdiparams` is the file that is read.
    """

    program_prefix: str
    output_prefix: str


@dataclass(frozen=True, slots=True)
class RewriteAnswer:
    """What was rewritten.

    Attributes:
        passes: names of the passes that changed the program.
    """

    passes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OnnxRequest:
    """Translate a program to ONNX.

    Attributes:
        program_prefix: `<prefix>.pdmodel` and `<prefix>.pdiparams` are read.
        opset: the ONNX operator set that is asked for; the tool may raise it.
        output_path: the `.onnx` file to write.
    """

    program_prefix: str
    opset: int
    output_path: str


@dataclass(frozen=True, slots=True)
class SimplifyRequest:
    """Simplify an ONNX file.

    Attributes:
        source_path: the file to read.
        output_path: the file to write.
    """

    source_path: str
    output_path: str


@dataclass(frozen=True, slots=True)
class ReduceRequest:
    """Make an ONNX file of reduced precision from a float32 one.

    Attributes:
        source_path: the file to read.
        output_path: the file to write; its inputs and outputs stay as they are.
        takes: what the file is given.
    """

    source_path: str
    output_path: str
    takes: NetworkInput


@dataclass(frozen=True, slots=True)
class FileAnswer:
    """A file was written.

    Attributes:
        size_bytes: its size.
        versions: those of an ONNX file that the step looked into; None of any other.
    """

    size_bytes: int
    versions: OnnxVersions | None = None


@dataclass(frozen=True, slots=True)
class ParityRequest:
    """Run an artifact on the reference inputs and compare its outputs with Paddle's.

    Attributes:
        artifact_path: the `.nb` or `.onnx` file.
        reference_path: the `.npz` that the export wrote.
        tolerance: largest relative difference that passes.
        input_count: that many of the reference inputs, the first ones, are compared.
        least_correlation: smallest correlation that passes, see
            `models.steps.parity.agreement`; None where the tolerance alone decides.
        constants: what the artifact is given besides images.
        least_score: differences of scores, which are outputs within 0 and 1, are relative to this
            where all are smaller.
    """

    artifact_path: str
    reference_path: str
    tolerance: float
    input_count: int = 4
    least_correlation: float | None = None
    constants: tuple[ConstantInput, ...] = ()
    least_score: float = 0.0


@dataclass(frozen=True, slots=True)
class ParityAnswer:
    """How near an artifact's outputs came to Paddle's.

    Attributes:
        max_relative_difference: the worst max|a-b| / max|b| over inputs and outputs.
        input_count: inputs that were compared.
        top1_agreement: share of score vectors, 0 to 1, whose largest score is that of Paddle's
            first output; None where the tolerance alone decides.
        correlation: the least over the outputs; None likewise.
    """

    max_relative_difference: float
    input_count: int
    top1_agreement: float | None = None
    correlation: float | None = None
