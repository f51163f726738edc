"""One exported program and the artifacts made from it; each step runs at most once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from models import recipe
from models.catalog import Backbone
from models.child import Cancellation, StepFailed, StepLimits, run_step
from models.own import OwnFormat, own_format_of
from models.own_inspection import ADOPTING_STEP
from models.requests import (
    AdoptAnswer,
    AdoptRequest,
    ExportAnswer,
    ExportRequest,
    FileAnswer,
    OnnxRequest,
    PaddleLiteRequest,
    ParityAnswer,
    ParityRequest,
    SimplifyRequest,
)
from models.variants import Format, Target, Variant, WeightsKind
from models.weights import Weights

PARITY_TOLERANCE = 1e-4
"""Largest max|a-b| / max|b| between an artifact's outputs and Paddle's that passes.

Float32 kernels of two runtimes differ by 2e-6 to 2e-5 on the demonstration's backbones.
"""

ONNX_OPSET = 14

SIMPLIFIER = "onnxslim"
"""Its name among the passes of an artifact."""

MAX_ONNX_WEIGHTS_BYTES = 2**31 - 2**24
"""A protobuf holds 2 GiB; what is not weights (nodes, names, shapes) stays below 16 MiB."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Parity:
    """How an artifact was compared with Paddle.

    Attributes:
        max_relative_difference: worst max|a-b| / max|b| over inputs and outputs.
        tolerance: what it had to stay within.
        input_count: inputs that were compared.
        checked_through: `own format`, or `x86 twin` for an arm artifact that cannot run here.
    """

    max_relative_difference: float
    tolerance: float
    input_count: int
    checked_through: str


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """An artifact's file that passed.

    Attributes:
        path: the file.
        parity: how it was compared.
        passes: names of the passes that its program went through, see `models.passes`, then
            `onnxslim` where that simplified it.
    """

    path: Path
    parity: Parity
    passes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Work:
    """A step on its way to one or more artifacts: its module and what it says to a person."""

    step: str
    saying: str


_EXPORT = _Work("export", "exporting")
_ADOPT = {own: _Work(step, "reading the own model") for own, step in ADOPTING_STEP.items()}
_ARM = _Work("paddle_lite", "converting to Paddle Lite for arm")
_X86 = _Work("paddle_lite", "converting to Paddle Lite for x86")
_X86_PARITY = _Work("parity_paddle_lite", "comparing Paddle Lite's outputs")
_ONNX = _Work("onnx", "converting to ONNX")
_SIMPLIFY = _Work("simplify", "simplifying the ONNX file")
_ONNX_PARITY = _Work("parity_onnx", "comparing ONNX Runtime's outputs")
_UNSIMPLIFIED_PARITY = _Work("parity_onnx", "comparing the outputs of the file before simplifying")

_FIRST = (_EXPORT, *_ADOPT.values())
_WORK = {
    (Format.PADDLELITE, Target.ARM): (*_FIRST, _X86, _X86_PARITY, _ARM),
    (Format.PADDLELITE, Target.X86): (*_FIRST, _X86, _X86_PARITY),
    (Format.ONNX, Target.ANY): (
        *_FIRST,
        _ONNX,
        _SIMPLIFY,
        _ONNX_PARITY,
        _UNSIMPLIFIED_PARITY,
    ),
}


@dataclass
class Program:
    """A backbone's program at one input size and batch.

    Attributes:
        backbone: what it is.
        weights: what is inside.
        input_size: height and width, pixels.
        batch: images per inference.
        folder: empty; everything is written there.
        on_step: told what starts.
        limits: of each child.
        cancellation: ends the children early.
    """

    backbone: Backbone
    weights: Weights
    input_size: int
    batch: int
    folder: Path
    on_step: Callable[[str], None]
    limits: StepLimits
    cancellation: Cancellation
    _outcomes: dict[_Work, object] = field(default_factory=dict, init=False)
    _seconds: dict[_Work, float] = field(default_factory=dict, init=False)

    def artifact(self, variant: Variant) -> CheckedFile:
        """Make and check a variant's file.

        Raises:
            StepFailed: a step that it needs failed, now or for an earlier variant.
            ConversionCancelled: the conversion was cancelled.
        """
        passes = self._adopt(variant) if self._own_format else self._export().passes
        if variant.format is Format.ONNX:
            path, parity, simplified = self._onnx()
            return CheckedFile(path, parity, (*passes, *simplified))
        if variant.target is Target.X86:
            return CheckedFile(*self._x86(), passes)
        return CheckedFile(*self._arm(), passes)

    def seconds(self, variant: Variant) -> float:
        """Return the wall time of the steps that a variant needed, shared ones included."""
        needed = _WORK[variant.format, variant.target]
        return sum(self._seconds.get(work, 0.0) for work in needed)

    def _adopt(self, variant: Variant) -> tuple[str, ...]:
        """Make of an own model what an export is; no pass rewrites it."""
        assert self._own_format is not None
        work = _ADOPT[self._own_format]
        if self._own_format is OwnFormat.ONNX and variant.format is Format.PADDLELITE:
            raise StepFailed(
                work.step,
                f"{self.backbone.name} was added as ONNX, and nothing here translates ONNX to "
                "Paddle; a Paddle program, added with --paddle, converts to both",
                crashed=False,
            )
        is_onnx = self._own_format is OwnFormat.ONNX
        request = AdoptRequest(
            folder=str(self.weights.path),
            input_size=self.input_size,
            batch=self.batch,
            output=str(self._translated) if is_onnx else self._prefix,
            reference_path=self._reference,
        )
        self._run(work, request, AdoptAnswer)
        return ()

    def _export(self) -> ExportAnswer:
        path = self.weights.path
        request = ExportRequest(
            architecture=self.backbone.architecture,
            input_size=self.input_size,
            batch=self.batch,
            evaluation_size=self.backbone.input_size,
            weights_path=None if path is None else str(path.absolute()),
            seed=recipe.SEED,
            program_prefix=self._prefix,
            reference_path=self._reference,
        )
        return self._run(_EXPORT, request, ExportAnswer)

    def _onnx(self) -> tuple[Path, Parity, tuple[str, ...]]:
        """Return the file, simplified where that keeps parity, and what simplified it."""
        source = self._translated
        if self._own_format is not OwnFormat.ONNX:
            self._check_protobuf_holds()
            self._run(_ONNX, OnnxRequest(self._prefix, ONNX_OPSET, str(source)), FileAnswer)
        path = self.folder / "model.onnx"
        try:
            self._run(_SIMPLIFY, SimplifyRequest(str(source), str(path)), FileAnswer)
            return path, self._parity(_ONNX_PARITY, path), (SIMPLIFIER,)
        except StepFailed:
            return source, self._parity(_UNSIMPLIFIED_PARITY, source), ()

    def _check_protobuf_holds(self) -> None:
        size_bytes = Path(f"{self._prefix}.pdiparams").stat().st_size
        if size_bytes > MAX_ONNX_WEIGHTS_BYTES:
            raise StepFailed(
                _ONNX.step,
                f"its weights have {size_bytes / 1e9:.1f} GB, and an ONNX file, being one "
                f"protobuf, holds {MAX_ONNX_WEIGHTS_BYTES / 1e9:.1f} GB",
                crashed=False,
            )

    def _x86(self) -> tuple[Path, Parity]:
        path = self._optimise(_X86, Target.X86)
        return path, self._parity(_X86_PARITY, path)

    def _arm(self) -> tuple[Path, Parity]:
        """Make the arm file; it cannot run here, so its x86 twin answers for it."""
        try:
            _, parity = self._x86()
        except StepFailed as failure:
            reason = f"its x86 twin was refused: {failure.reason}"
            raise StepFailed(failure.step, reason, crashed=failure.crashed) from failure
        path = self._optimise(_ARM, Target.ARM)
        return path, replace(parity, checked_through="x86 twin")

    def _optimise(self, work: _Work, target: Target) -> Path:
        path = self.folder / f"{target.value}.nb"
        self._run(work, PaddleLiteRequest(self._prefix, target.value, str(path)), FileAnswer)
        return path

    def _parity(self, work: _Work, path: Path) -> Parity:
        request = ParityRequest(str(path), self._reference, PARITY_TOLERANCE)
        answer = self._run(work, request, ParityAnswer)
        return Parity(
            answer.max_relative_difference, PARITY_TOLERANCE, answer.input_count, "own format"
        )

    def _run(self, work: _Work, request: object, answer_type: type[Answer]) -> Answer:
        """Run a step unless it ran already; a failure is remembered like an answer."""
        if work not in self._outcomes:
            self.on_step(f"{self.backbone.name}: {work.saying}")
            started = time.perf_counter()
            try:
                self._outcomes[work] = run_step(
                    work.step,
                    request,
                    answer_type,
                    workdir=self.folder,
                    limits=self.limits,
                    cancellation=self.cancellation,
                )
            except StepFailed as failure:
                self._outcomes[work] = failure
            self._seconds[work] = time.perf_counter() - started
        outcome = self._outcomes[work]
        if isinstance(outcome, StepFailed):
            raise outcome
        if not isinstance(outcome, answer_type):
            raise TypeError(f"{work.step} was asked for two kinds of answer")
        return outcome

    @property
    def _own_format(self) -> OwnFormat | None:
        path = self.weights.path
        return own_format_of(path) if path and self.weights.kind is WeightsKind.OWN else None

    @property
    def _translated(self) -> Path:
        return self.folder.absolute() / "translated.onnx"

    @property
    def _prefix(self) -> str:
        return str(self.folder.absolute() / "program")

    @property
    def _reference(self) -> str:
        return str(self.folder.absolute() / "reference.npz")
