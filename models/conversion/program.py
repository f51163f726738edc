"""One exported program and the artifacts made from it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path

from models.catalog.catalog import Backbone
from models.catalog.features import NetworkCount
from models.catalog.onnx_versions import TRANSLATED, OnnxVersions
from models.catalog.own import OwnFormat
from models.catalog.precisions import Precision
from models.catalog.variants import CheckedThrough, Format, Target, Variant, WeightsKind
from models.conversion.failing import answering_for, check_protobuf_holds
from models.conversion.network import adopted_format, exported_network
from models.conversion.own_inspection import refuse_unconfinable
from models.conversion.parity import Parity
from models.conversion.running import Steps
from models.conversion.work import (
    ADOPT,
    EXPORT,
    ONNX,
    ONNX_PARITY,
    OPTIMISE,
    PARITY_AGAIN,
    REDUCE,
    REWRITE,
    ROUNDING,
    SIMPLIFY,
    UNSIMPLIFIED_PARITY,
    X86_PARITY,
    Work,
    may_follow,
    needed,
)
from models.processes.child import StepFailed
from models.processes.requests import (
    AdoptAnswer,
    AdoptRequest,
    ExportAnswer,
    ExportRequest,
    FileAnswer,
    OnnxRequest,
    PaddleLiteRequest,
    ParityAnswer,
    ParityRequest,
    ReduceRequest,
    RewriteAnswer,
    RewriteRequest,
    RoundingAnswer,
    RoundingRequest,
    SimplifyRequest,
    device_reference,
)
from models.recipes import synthetic as recipe
from models.recipes.acceptance import ACCEPTANCE, LEAST_SCORE, ROUNDING_FACTOR
from models.weights.weights import Weights
from protos.inputs import InputValues, NetworkInput

SIMPLIFIER = "onnxslim"
"""Its name among the passes of an artifact."""


# What Paddle Lite is told for each target: what the first has no kernels of, the next runs.
_PLACES: Mapping[Target, str] = {
    Target.ARM: "arm",
    Target.X86: "x86",
    Target.OPENCL: "opencl,arm",
    Target.NNAPI: "android_nnapi,arm",
}


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """An artifact's file that passed.

    Attributes:
        path: the file.
        parity: how it was compared.
        passes: names of the passes that its program went through, see `models.passes`, then
            `onnxslim` where that simplified it.
        versions: those of an ONNX file that a step looked into; None of any other.
        count: of what its network does for one image; None where it takes several.
    """

    path: Path
    parity: Parity
    passes: tuple[str, ...] = ()
    versions: OnnxVersions | None = None
    count: NetworkCount | None = None


@dataclass
class Program:
    """A backbone's program for one input.

    Attributes:
        backbone: what it is.
        weights: what is inside.
        takes: what an inference is given.
        reference_inputs: inputs that its artifacts can be compared on.
        folder: empty; everything is written there.
        steps: run what it needs.
    """

    backbone: Backbone
    weights: Weights
    takes: NetworkInput
    reference_inputs: int
    folder: Path
    steps: Steps
    _written: threading.Event = field(default_factory=threading.Event, init=False)

    def artifact(self, variant: Variant) -> CheckedFile:
        """Make and check a variant's file; several threads may ask at once.

        Raises:
            StepFailed: a step that it needs failed, for it or for another variant.
            ConversionCancelled: the conversion was cancelled.
        """
        make = self._onnx if variant.format is Format.ONNX else self._paddle_lite
        own_format = self._own_format
        if own_format is not None:
            adopted = self._adopt(variant.format, own_format)
            made = make(variant)
            return replace(made, versions=made.versions or adopted.versions, count=adopted.count)
        if self.weights.kind is WeightsKind.OWN:
            refuse_unconfinable(EXPORT.step)
        if variant.format is Format.ONNX:
            # Known before the export, which takes minutes of a network as large.
            check_protobuf_holds(round(4e6 * (self.backbone.counted_params_m or 0)))
        self._await_program()
        try:
            made = make(variant)
        except StepFailed:
            # A program that was not worth making comes before what a tool made of it.
            self._export()
            raise
        exported = self._export()
        return replace(made, passes=(*exported.passes, *made.passes), count=exported.count)

    def seconds(self, variant: Variant) -> float:
        """Return the wall time of the steps that a variant needed, shared ones included."""
        works = needed(variant)
        return self.steps.seconds((*works, *may_follow(works)))

    def _adopt(self, format_: Format, own_format: OwnFormat) -> AdoptAnswer:
        """Make of an own model what an export is; no pass rewrites it."""
        work = ADOPT[own_format]
        if own_format is OwnFormat.ONNX and format_ is Format.PADDLELITE:
            raise StepFailed(
                work.step,
                f"{self.backbone.name} was added as ONNX, and nothing here translates ONNX to "
                "Paddle; added as a Paddle program, it converts to both",
                crashed=False,
            )
        refuse_unconfinable(work.step)
        is_onnx = own_format is OwnFormat.ONNX
        request = AdoptRequest(
            folder=str(self.weights.path),
            input_size=self.takes.size,
            batch=self.takes.batch,
            values=tuple(
                InputValues(name=each.name, values=each.values)
                for each in self.takes.kind.constants
            ),
            output=str(self._translated) if is_onnx else self._prefix,
            reference_path=self._reference,
            reference_inputs=self.reference_inputs,
        )
        return self.steps.run(work, request, AdoptAnswer)

    def _await_program(self) -> None:
        """Wait until the program is written, or the export has failed."""
        exporting = self._exporting()
        exporting.add_done_callback(lambda _: self._written.set())
        self._written.wait()
        if exporting.done():
            exporting.result()

    def _export(self) -> ExportAnswer:
        """Wait until the reference is written, too."""
        return self._exporting().result()

    def _exporting(self) -> Future[ExportAnswer]:
        network = exported_network(self.backbone, self.weights)
        path = network.weights_path
        request = ExportRequest(
            architecture=network.architecture,
            input_size=self.takes.size,
            batch=self.takes.batch,
            evaluation_size=network.evaluation_size,
            classes=network.classes,
            weights_path=None if path is None else str(path.absolute()),
            seed=recipe.SEED,
            program_prefix=self._prefix,
            reference_path=self._reference,
            reference_inputs=self.reference_inputs,
        )
        return self.steps.start(EXPORT, request, ExportAnswer, self._written.set)

    def _onnx(self, variant: Variant) -> CheckedFile:
        precision = variant.precision
        if precision in (Precision.FP32, Precision.INT8):
            return self._onnx_as_it_came(precision)
        with answering_for("fp32 file"):
            fp32 = self._onnx_as_it_came(Precision.FP32)
        path = self.folder / f"{precision.value}.onnx"
        request = ReduceRequest(str(fp32.path), str(path), self.takes)
        versions = self.steps.run(REDUCE[precision], request, FileAnswer).versions
        parity = self._parity(ONNX_PARITY[precision], path, precision)
        return CheckedFile(path, parity, fp32.passes, versions)

    def _onnx_as_it_came(self, precision: Precision) -> CheckedFile:
        """Make the file, simplified where that keeps parity."""
        source = self._translated
        if self._own_format is not OwnFormat.ONNX:
            check_protobuf_holds(Path(f"{self._prefix}.pdiparams").stat().st_size)
            self.steps.run(
                ONNX, OnnxRequest(self._prefix, TRANSLATED.opset, str(source)), FileAnswer
            )
        path = self.folder / "model.onnx"
        parity = ONNX_PARITY[precision]
        try:
            request = SimplifyRequest(str(source), str(path))
            versions = self.steps.run(SIMPLIFY, request, FileAnswer).versions
            compared = self._parity(parity, path, precision)
            return CheckedFile(path, compared, (SIMPLIFIER,), versions)
        except StepFailed:
            compared = self._parity(UNSIMPLIFIED_PARITY, source, precision)
            return CheckedFile(source, compared)

    def _paddle_lite(self, variant: Variant) -> CheckedFile:
        """Make the file; one that is not for x86 cannot run here, so twins answer for it."""
        if variant.target is Target.X86:
            return self._x86(variant.precision)
        if variant.precision is Precision.FP16:
            return self._arm_fp16(variant)
        with answering_for("x86 twin"):
            self._optimise(Target.X86, variant.precision)
            path, optimising = self._optimising(variant.target, variant.precision)
            twin = self._x86(variant.precision)
        optimising.result()
        parity = replace(twin.parity, checked_through=CheckedThrough.X86_TWIN)
        return replace(twin, path=path, parity=parity)

    def _arm_fp16(self, variant: Variant) -> CheckedFile:
        """Make the file; one twin answers for graph and weights, one for what float16 does."""
        with answering_for("x86 fp32 twin"):
            self._x86(Precision.FP32)
        with answering_for("ONNX fp16 twin"):
            twin = self._onnx(replace(variant, format=Format.ONNX, target=Target.ANY))
        path, passes = self._optimise(Target.ARM, Precision.FP16)
        parity = replace(twin.parity, checked_through=CheckedThrough.FP32_AND_FP16_TWINS)
        return CheckedFile(path, parity, passes)

    def _x86(self, precision: Precision) -> CheckedFile:
        path, passes = self._optimise(Target.X86, precision)
        return CheckedFile(path, self._parity(X86_PARITY[precision], path, precision), passes)

    def _optimise(self, target: Target, precision: Precision) -> tuple[Path, tuple[str, ...]]:
        """Return the file and the passes that its program went through after the export."""
        passes: tuple[str, ...] = ()
        if precision is Precision.INT8_DYNAMIC:
            request = RewriteRequest(self._prefix, f"{self._prefix}-int8")
            passes = self.steps.run(REWRITE, request, RewriteAnswer).passes
        path, optimising = self._optimising(target, precision)
        optimising.result()
        return path, passes

    def _optimising(self, target: Target, precision: Precision) -> tuple[Path, Future[FileAnswer]]:
        """Start making a file of a program that is written, and rewritten where that is due."""
        prefix, kind = self._prefix, ""
        if precision is not Precision.FP32:
            kind = f"-{precision.value}"
        if precision is Precision.INT8_DYNAMIC:
            prefix = f"{prefix}-int8"
        path = self.folder / f"{target.value}{kind}.nb"
        request = PaddleLiteRequest(prefix, _PLACES[target], str(path), precision)
        return path, self.steps.start(OPTIMISE[target, precision], request, FileAnswer)

    def _parity(self, work: Work, path: Path, precision: Precision) -> Parity:
        """Compare; where that fails, with what the network makes of a rounding, if that is more."""
        accepted = ACCEPTANCE[precision].tolerance
        own_format = self._own_format
        if own_format is None:
            self._export()
        elif self._adopt(Format.ONNX, own_format).is_half:
            accepted = max(accepted, ACCEPTANCE[Precision.FP16].tolerance)
        try:
            return self._compare(work, path, precision, accepted)
        except StepFailed as failure:
            if failure.crashed or self._own_format:
                raise
            amplified = ROUNDING_FACTOR * self._rounding_difference()
            if amplified <= accepted:
                raise
        return self._compare(PARITY_AGAIN[work], path, precision, amplified)

    def _compare(self, work: Work, path: Path, precision: Precision, tolerance: float) -> Parity:
        accepted = ACCEPTANCE[precision]
        request = ParityRequest(
            str(path),
            self._reference,
            tolerance,
            accepted.input_count,
            accepted.least_correlation,
            self.takes.kind.constants,
            LEAST_SCORE if self._own_format else 0.0,
        )
        answer = self.steps.run(work, request, ParityAnswer)
        return Parity(
            answer.max_relative_difference,
            tolerance,
            answer.input_count,
            CheckedThrough.OWN_FORMAT,
            answer.top1_agreement,
            answer.correlation,
        )

    def _rounding_difference(self) -> float:
        request = RoundingRequest(self._prefix, self._reference)
        return self.steps.run(ROUNDING, request, RoundingAnswer).difference

    @property
    def outputs_path(self) -> Path:
        """What devices compare with; there once an artifact was made."""
        return device_reference(Path(self._reference))

    @property
    def _own_format(self) -> OwnFormat | None:
        """None for what is exported."""
        return adopted_format(self.weights)

    @property
    def _translated(self) -> Path:
        return self.folder.absolute() / "translated.onnx"

    @property
    def _prefix(self) -> str:
        return str(self.folder.absolute() / "program")

    @property
    def _reference(self) -> str:
        return str(self.folder.absolute() / "reference.npz")
