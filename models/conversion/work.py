"""The steps that variants need: what runs, and what it says to a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from models.catalog.own import OwnFormat
from models.catalog.precisions import MADE_PRECISIONS, Precision
from models.catalog.variants import PRECISIONS, Format, Target, Variant
from models.conversion.own_inspection import ADOPTING_STEP


@dataclass(frozen=True, slots=True)
class Work:
    """A step on its way to one or more artifacts: its module and what it says to a person."""

    step: str
    saying: str


def _also(precision: Precision) -> str:
    """Return how a precision other than the usual one is said at the end of a phrase."""
    return "" if precision is Precision.FP32 else f" in {precision.value}"


EXPORT = Work("export", "exporting")
ADOPT: Mapping[OwnFormat, Work] = {
    own: Work(step, "reading the own model")
    for own, step in ADOPTING_STEP.items()
    if own is not OwnFormat.WEIGHTS
}
"""What stands in the place of an export, by format; of weights there is an export."""
REWRITE = Work("rewrite_program", "rewriting the program for Paddle Lite in int8-dynamic")
OPTIMISE = {
    (target, precision): Work(
        "paddle_lite", f"converting to Paddle Lite for {target.value}{_also(precision)}"
    )
    for (format_, target), precisions in PRECISIONS.items()
    if format_ is Format.PADDLELITE
    for precision in precisions
}
X86_PARITY = {
    precision: Work("parity_paddle_lite", f"comparing Paddle Lite's outputs{_also(precision)}")
    for precision in PRECISIONS[Format.PADDLELITE, Target.X86]
}
ONNX = Work("onnx", "converting to ONNX")
SIMPLIFY = Work("simplify", "simplifying the ONNX file")
UNSIMPLIFIED_PARITY = Work("parity_onnx", "comparing the outputs of the file before simplifying")
REDUCE: Mapping[Precision, Work] = {
    precision: Work(
        f"onnx_{precision.value.replace('-', '_')}", f"making the ONNX file{_also(precision)}"
    )
    for precision in MADE_PRECISIONS
    if precision is not Precision.FP32
}
ONNX_PARITY = {
    precision: Work("parity_onnx", f"comparing ONNX Runtime's outputs{_also(precision)}")
    for precision in Precision
}
ROUNDING = Work("rounding", "looking how far one rounding moves the outputs")
_PARITY = (*X86_PARITY.values(), *ONNX_PARITY.values(), UNSIMPLIFIED_PARITY)
PARITY_AGAIN = {work: Work(work.step, f"{work.saying} again") for work in _PARITY}
"""What follows on a comparison that failed, once it is known what rounding does."""

_FIRST = (EXPORT, *ADOPT.values())
_ONNX_AS_IT_CAME = {
    precision: (ONNX, SIMPLIFY, ONNX_PARITY[precision], UNSIMPLIFIED_PARITY)
    for precision in (Precision.FP32, Precision.INT8)
}


READY_EARLY = (
    EXPORT,
    OPTIMISE[Target.X86, Precision.FP32],
    OPTIMISE[Target.ARM, Precision.FP32],
    X86_PARITY[Precision.FP32],
    ONNX,
    SIMPLIFY,
    ONNX_PARITY[Precision.FP32],
)
"""Steps whose servers are started at once, the first one first: while a backbone is exported, the
others read their libraries, and wait."""

LARGE = (SIMPLIFY, *REDUCE.values())
"""Steps that take as much memory as two others do."""


def needed(variant: Variant) -> tuple[Work, ...]:
    """Return every step that may run for a variant, shared ones included, up to a comparison."""
    precision = variant.precision
    if variant.format is Format.ONNX:
        return (*_FIRST, *_onnx(precision))
    if precision is Precision.FP16:
        fp32 = (OPTIMISE[Target.X86, Precision.FP32], X86_PARITY[Precision.FP32])
        return (*_FIRST, *fp32, *_onnx(precision), OPTIMISE[variant.target, precision])
    x86 = (OPTIMISE[Target.X86, precision], X86_PARITY[precision])
    arm = () if variant.target is Target.X86 else (OPTIMISE[variant.target, precision],)
    rewriting = (REWRITE,) if precision is Precision.INT8_DYNAMIC else ()
    return (*_FIRST, *rewriting, *x86, *arm)


def _onnx(precision: Precision) -> tuple[Work, ...]:
    if precision in _ONNX_AS_IT_CAME:
        return _ONNX_AS_IT_CAME[precision]
    return (*_ONNX_AS_IT_CAME[Precision.FP32], REDUCE[precision], ONNX_PARITY[precision])


def may_follow(works: Iterable[Work]) -> tuple[Work, ...]:
    """Return the steps that run where a comparison among these fails."""
    return (ROUNDING, *(PARITY_AGAIN[work] for work in works if work in PARITY_AGAIN))
