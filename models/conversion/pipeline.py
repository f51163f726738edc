"""Convert a backbone to its variants, each checked against Paddle's own outputs.

Every step runs in a child process of its own; what kills one refuses the variants that needed
it and leaves the others alone. Two run at once where neither needs the other.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import cattrs

from models.catalog.catalog import Backbone
from models.catalog.features import NetworkCount
from models.catalog.needs import operators_of
from models.catalog.onnx_versions import TRANSLATED, OnnxVersions
from models.catalog.own import OwnFormat, own_format_of
from models.catalog.stoppers import Stopper, find_stopper
from models.catalog.variants import Format, Variant, WeightsKind
from models.conversion.network import adopted_format, exported_network
from models.conversion.parity import Parity, Reference
from models.conversion.program import Program
from models.conversion.running import Steps
from models.conversion.work import READY_EARLY, needed
from models.digest import canonical_sha256, file_sha256
from models.processes.child import Cancellation, ConversionCancelled, StepFailed, StepLimits
from models.processes.forkserver import ForkServers
from models.recipes.acceptance import ACCEPTANCE, PARITY_TOLERANCE
from models.recipes.output_tolerance import output_tolerance
from models.recipes.reduction import goes_through_onnx, options
from models.tools import ToolMissing, tool_versions
from models.weights.weights import Weights
from protos.inputs import ImageSize, InputKind, NetworkInput

__all__ = [
    "Cancellation",
    "ConversionCancelled",
    "Converted",
    "ForkServers",
    "Parity",
    "Reference",
    "Refused",
    "StepLimits",
    "ToolMissing",
    "conversion_key",
    "convert",
]

PIPELINE_VERSION = 3
"""Raised whenever the same ingredients would give other bytes than before."""

_COMMON_TOOLS = ("paddleclas", "paddlepaddle")
_TOOLS: Mapping[Format, tuple[str, ...]] = {
    Format.PADDLELITE: (*_COMMON_TOOLS, "paddlelite"),
    Format.ONNX: (*_COMMON_TOOLS, "paddle2onnx", "onnx", "onnxslim", "onnxruntime"),
}
_NOT_FOR_OWN: Mapping[OwnFormat, tuple[str, ...]] = {
    OwnFormat.ONNX: (*_COMMON_TOOLS, "paddle2onnx", "paddlelite"),
    OwnFormat.PADDLE: ("paddleclas",),
    OwnFormat.WEIGHTS: (),
}


@dataclass(frozen=True, slots=True)
class Converted:
    """An artifact that passed.

    Attributes:
        variant: what it is.
        conversion_key: digest of all that went into it.
        weights: the weights inside.
        path: the file, in the working folder.
        sha256: its digest.
        size_bytes: its size.
        parity: how it was compared.
        tool_versions: version by package.
        seconds: wall time of the steps it needed, with those it shares with other variants.
        passes: names of the passes that its program went through, see `models.passes`.
        versions: those of an ONNX file; None of any other, and of one that no step looked into.
        operators: those of a Paddle Lite file; empty of any other.
        reference: what it is to give where it is measured; None is unknown.
        count: of what its network does for one image; None where it takes several.
    """

    variant: Variant
    conversion_key: str
    weights: Weights
    path: Path
    sha256: str
    size_bytes: int
    parity: Parity
    tool_versions: Mapping[str, str]
    seconds: float
    passes: tuple[str, ...] = ()
    versions: OnnxVersions | None = None
    operators: tuple[str, ...] = ()
    reference: Reference | None = None
    count: NetworkCount | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A variant that could not be made.

    Attributes:
        variant: what was wanted.
        step: the step that refused it.
        reason: one sentence.
        seconds: as with `Converted`.
        crashed: whether the step's child died, hung or answered rubbish, rather than saying no.
        said: all that a tool said; empty where none did.
    """

    variant: Variant
    step: str
    reason: str
    seconds: float
    crashed: bool
    said: str = ""


def conversion_key(
    variant: Variant,
    weights: Weights,
    kind: InputKind = InputKind(),
    versions: Callable[[Iterable[str]], Mapping[str, str]] = tool_versions,
) -> str:
    """Return the digest of everything that decides about an artifact's bytes and its check.

    Args:
        variant: what it is.
        weights: what is inside.
        kind: of input, the backbone's own.
        versions: tells those of the tools.

    Raises:
        ToolMissing: a tool that the variant needs is not installed.
    """
    return canonical_sha256(
        {
            "pipeline": PIPELINE_VERSION,
            "backbone": variant.backbone,
            "architecture": weights.architecture,
            "format": variant.format.value,
            "precision": variant.precision.value,
            "target": variant.target.value,
            "input_size": _digested(variant.input_size),
            "batch": variant.batch,
            "weights_kind": weights.kind.value,
            "weights_digest": weights.digest,
            "tools": versions(_tools(variant, weights)),
            "opset": TRANSLATED.opset if goes_through_onnx(variant) else None,
            "tolerance": PARITY_TOLERANCE,
            **options(variant),
            # Nothing of the usual kind, so that what is stored of it is found again.
            **({} if kind == InputKind() else {"input_kind": cattrs.unstructure(kind)}),
        }
    )


def _digested(size: ImageSize) -> int | list[int]:
    return size.height if size.is_square else [size.height, size.width]


def convert(
    backbone: Backbone,
    variants: Sequence[Variant],
    weights: Weights,
    workdir: Path,
    on_step: Callable[[str], None],
    *,
    limits: StepLimits | None = None,
    cancellation: Cancellation | None = None,
    servers: ForkServers | None = None,
    on_fate: Callable[[Converted | Refused], None] = lambda _fate: None,
) -> list[Converted | Refused]:
    """Convert a backbone to variants and return their fates in the same order.

    Args:
        backbone: what to convert.
        variants: of that backbone.
        weights: of its architecture.
        workdir: an empty folder that holds the results; the caller moves and deletes.
        on_step: told, in words for a person and in any thread, what starts.
        limits: of each child.
        cancellation: ends the children from another thread.
        servers: fork the children; whoever converts several backbones lets them share these.
        on_fate: told of each variant as soon as its fate is known, in any thread, several at once;
            what it raises ends the conversion.

    Raises:
        ValueError: a variant or the weights belong to something else.
        ToolMissing: a conversion tool is not installed.
        ConversionCancelled: `cancellation` was used.
        OSError: the working folder cannot be written.
    """
    if weights.architecture != backbone.architecture:
        raise ValueError(f"weights of {weights.architecture} do not fit {backbone.name}")
    strangers = [variant.backbone for variant in variants if variant.backbone != backbone.name]
    if strangers:
        raise ValueError(f"a variant of {strangers[0]} is no variant of {backbone.name}")
    fates: dict[Variant, Converted | Refused] = {}
    ordered = sorted(dict.fromkeys(variants), key=lambda each: (each.input_size, each.batch))
    ending = cancellation or Cancellation()
    allowed = limits or StepLimits()
    readable = [weights.path] if weights.path is not None else []
    with ExitStack() as stack:
        forking = servers or stack.enter_context(ForkServers())
        for takes, group in itertools.groupby(ordered, functools.partial(_takes, backbone)):
            folder = workdir / f"{takes.size}px-batch{takes.batch}"
            folder.mkdir(parents=True)
            members = list(group)
            bounds = allowed.bounds(folder, readable)
            with (
                Steps(bounds, allowed.timeout_s, on_step, ending, forking) as steps,
                ThreadPoolExecutor(len(members), "variant") as threads,
            ):
                inputs = max(ACCEPTANCE[variant.precision].input_count for variant in members)
                program = Program(backbone, weights, takes, inputs, folder, steps)
                ending.raise_if_cancelled()
                forking.ready(_early(program, members))
                made = threads.map(functools.partial(_told_fate, program, on_fate), members)
                fates.update(zip(members, made, strict=True))
    return [fates[variant] for variant in variants]


def _tools(variant: Variant, weights: Weights) -> tuple[str, ...]:
    """Return the packages that an artifact depends on."""
    tools = _TOOLS[variant.format]
    if goes_through_onnx(variant):
        tools = tuple(dict.fromkeys((*tools, *_TOOLS[Format.ONNX])))
    if weights.kind is not WeightsKind.OWN or weights.path is None:
        return tools
    unused = _NOT_FOR_OWN[own_format_of(weights.path)]
    return tuple(tool for tool in tools if tool not in unused)


def _takes(backbone: Backbone, variant: Variant) -> NetworkInput:
    kind = backbone.input_kind
    return NetworkInput(size=variant.input_size, batch=variant.batch, kind=kind)


def _early(program: Program, variants: Iterable[Variant]) -> list[str]:
    """Return the steps whose servers are worth starting before they are asked."""
    if adopted_format(program.weights):
        return []
    wanted = {
        work
        for variant in variants
        if _stopper(program, variant) is None
        for work in needed(variant)
    }
    return list(dict.fromkeys(work.step for work in READY_EARLY if work in wanted))


def _stopper(program: Program, variant: Variant) -> Stopper | None:
    if adopted_format(program.weights):
        return None
    versions = tool_versions(_tools(variant, program.weights))
    series = exported_network(program.backbone, program.weights).series
    return find_stopper(series, variant.format, versions)


def _told_fate(
    program: Program, on_fate: Callable[[Converted | Refused], None], variant: Variant
) -> Converted | Refused:
    fate = _convert_variant(program, variant)
    on_fate(fate)
    return fate


def _convert_variant(program: Program, variant: Variant) -> Converted | Refused:
    key = conversion_key(variant, program.weights, program.backbone.input_kind)
    versions = tool_versions(_tools(variant, program.weights))
    stopper = _stopper(program, variant)
    if stopper is not None:
        return Refused(variant, "export", stopper.sentence, 0.0, crashed=False)
    try:
        made = program.artifact(variant)
    except StepFailed as failure:
        seconds = program.seconds(variant)
        return Refused(
            variant, failure.step, failure.reason, seconds, failure.crashed, failure.said
        )
    return Converted(
        variant=variant,
        conversion_key=key,
        weights=program.weights,
        path=made.path,
        sha256=file_sha256(made.path),
        size_bytes=made.path.stat().st_size,
        parity=made.parity,
        tool_versions=versions,
        seconds=program.seconds(variant),
        passes=made.passes,
        versions=made.versions,
        operators=(
            operators_of(made.path.read_bytes()) if variant.format is Format.PADDLELITE else ()
        ),
        reference=_reference(variant, made.parity, program.outputs_path),
        count=made.count,
    )


def _reference(variant: Variant, parity: Parity, path: Path) -> Reference:
    return Reference(
        path=path,
        sha256=file_sha256(path),
        size_bytes=path.stat().st_size,
        tolerance=output_tolerance(variant, parity.max_relative_difference, parity.tolerance),
    )
