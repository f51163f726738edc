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
from models.requests import (
    ExportAnswer,
    ExportRequest,
    FileAnswer,
    OnnxRequest,
    PaddleLiteRequest,
    ParityAnswer,
    ParityRequest,
)
from models.variants import Format, Target, Variant
from models.weights import Weights

PARITY_TOLERANCE = 1e-4
"""Largest max|a-b| / max|b| between an artifact's outputs and Paddle's that passes.

Float32 kernels of two runtimes differ by 2e-6 to 2e-5 on the demonstration's backbones.
"""

ONNX_OPSET = 14

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
        passes: names of the passes that its program went through, see `models.passes`.
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
_ARM = _Work("paddle_lite", "converting to Paddle Lite for arm")
_X86 = _Work("paddle_lite", "converting to Paddle Lite for x86")
_X86_PARITY = _Work("parity_paddle_lite", "comparing Paddle Lite's outputs")
_ONNX = _Work("onnx", "converting to ONNX")
_ONNX_PARITY = _Work("parity_onnx", "comparing ONNX Runtime's outputs")

_WORK = {
    (Format.PADDLELITE, Target.ARM): (_EXPORT, _X86, _X86_PARITY, _ARM),
    (Format.PADDLELITE, Target.X86): (_EXPORT, _X86, _X86_PARITY),
    (Format.ONNX, Target.ANY): (_EXPORT, _ONNX, _ONNX_PARITY),
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
        passes = self._export().passes
        if variant.format is Format.ONNX:
            return CheckedFile(*self._onnx(), passes)
        if variant.target is Target.X86:
            return CheckedFile(*self._x86(), passes)
        return CheckedFile(*self._arm(), passes)

    def seconds(self, variant: Variant) -> float:
        """Return the wall time of the steps that a variant needed, shared ones included."""
        needed = _WORK[variant.format, variant.target]
        return sum(self._seconds.get(work, 0.0) for work in needed)

    def _export(self) -> ExportAnswer:
        path = self.weights.path
        request = ExportRequest(
            architecture=self.backbone.architecture,
            input_size=self.input_size,
            batch=self.batch,
            calibration_size=self.backbone.input_size,
            weights_path=None if path is None else str(path.absolute()),
            seed=recipe.SEED,
            program_prefix=self._prefix,
            reference_path=self._reference,
        )
        return self._run(_EXPORT, request, ExportAnswer)

    def _onnx(self) -> tuple[Path, Parity]:
        path = self.folder / "model.onnx"
        self._run(_ONNX, OnnxRequest(self._prefix, ONNX_OPSET, str(path)), FileAnswer)
        return path, self._parity(_ONNX_PARITY, path)

    def _x86(self) -> tuple[Path, Parity]:
        path = self._optimise(_X86, Target.X86)
        return path, self._parity(_X86_PARITY, path)

    def _arm(self) -> tuple[Path, Parity]:
        """Make the arm file; it cannot run here, so its x86 twin answers for it."""
        try:
            _, parity = self._x86()
        except StepFailed as failure:
            reason = f"its x86 twin was refused: {failure.reason}"
            raise StepFailed(failure.step, reason) from failure
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
    def _prefix(self) -> str:
        return str(self.folder.absolute() / "program")

    @property
    def _reference(self) -> str:
        return str(self.folder.absolute() / "reference.npz")
