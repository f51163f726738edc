"""What converts, as a page in Markdown made from the outcomes alone."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from controller.domain.conversions import ConversionOutcome, is_checked
from controller.views.conversions.rows import (
    TARGETS,
    ConversionRow,
    conversion_rows,
    not_kept_note,
    reasons,
)
from models.catalog.catalog import Backbone, Catalog
from models.catalog.precisions import Precision
from models.catalog.stoppers import STOPPERS, stoppers_of
from models.catalog.variants import Target
from models.conversion.program import SIMPLIFIER
from models.passes import PASSES, PROGRAM_PASSES, Pass
from models.recipes.acceptance import PARITY_TOLERANCE

TOOLS = ("paddleclas", "paddlepaddle", "paddlelite", "paddle2onnx", "onnxslim", "onnxruntime")
"""Packages whose versions decide about the outcome."""

_HEAD = """# What converts

Made by `edgerank convert --table`, not by hand, with {weights} weights. A figure is the largest
difference from Paddle's own outputs over {inputs} inputs, relative to the largest output; a file
whose difference is beyond the tolerance is refused. That of float32 is {tolerance:g}, and shown
where it is more: a deep network may move its outputs further when its input moves by one rounding,
and no two runtimes agree better than that. Paddle Lite for arm is checked through its x86 twin.
Seconds are those of the file that took longest, the steps that files share included.

Tools: {tools}.
"""
_PADDLE_LITE = (Target.ARM, Target.X86)
_HEADINGS = {
    Target.ARM: "Paddle Lite arm",
    Target.X86: "Paddle Lite x86",
    Target.ANY: "ONNX",
}
_ONNX = (Target.ANY,)


def conversion_page(
    outcomes: Iterable[ConversionOutcome], catalog: Catalog, versions: Mapping[str, str]
) -> str:
    """Return the page.

    Args:
        outcomes: of one or more variants, in any order.
        catalog: what there is, in the order of the page.
        versions: version by tool.
    """
    rows = conversion_rows(outcomes, catalog)
    ordinary = [row for row in rows if _is_ordinary(row, catalog)]
    others = [row for row in rows if not _is_ordinary(row, catalog)]
    lines = [
        _head(rows, versions),
        *_summary(ordinary, catalog),
        *_backbones(ordinary, catalog),
        *_other_variants(others),
        *_without_artifact(rows),
        *_passes(rows),
        *_stopped(),
    ]
    return "\n".join(lines)


def _is_ordinary(row: ConversionRow, catalog: Catalog) -> bool:
    evaluation_size = catalog.get(row.backbone).input_size
    return (row.precision, row.input_size, row.batch) == (Precision.FP32, evaluation_size, 1)


def _head(rows: Sequence[ConversionRow], versions: Mapping[str, str]) -> str:
    outcomes = [outcome for row in rows for outcome in row.by_target.values()]
    counts = {outcome.parity_input_count for outcome in outcomes if is_checked(outcome)}
    return _HEAD.format(
        weights=" and ".join(sorted({outcome.weights.value for outcome in outcomes})),
        tolerance=PARITY_TOLERANCE,
        inputs=" or ".join(map(str, sorted(counts))) or "0",
        tools=", ".join(f"{package} {version}" for package, version in versions.items()),
    )


def _summary(rows: Sequence[ConversionRow], catalog: Catalog) -> Iterator[str]:
    """How many have checked files in both runtimes, altogether and by series."""
    if not rows:
        return
    tried = [(catalog.get(row.backbone), row) for row in rows]
    buildable = [row for backbone, row in tried if _is_buildable(backbone)]
    both = sum(_is_in(row, (*_PADDLE_LITE, *_ONNX)) for row in buildable)
    share = f" ({100 * both / len(buildable):.1f} %)" if buildable else ""
    yield "## In figures"
    yield ""
    yield (
        f"{both} of the {len(buildable)} backbones that can be built{share} have checked files in "
        f"both runtimes (float32, batch 1, evaluation size). Of {len(rows)} backbones tried, "
        f"{len(rows) - len(buildable)} cannot be built."
    )
    yield ""
    yield from _not_asked_for({row.backbone for row in rows}, catalog)
    yield from _table("series", "backbones", "can be built", "Paddle Lite", "ONNX", "both")
    for series in dict.fromkeys(backbone.series for backbone, _ in tried):
        of_series = [(backbone, row) for backbone, row in tried if backbone.series == series]
        counts = (
            len(of_series),
            sum(_is_buildable(backbone) for backbone, _ in of_series),
            sum(_is_in(row, _PADDLE_LITE) for _, row in of_series),
            sum(_is_in(row, _ONNX) for _, row in of_series),
            sum(_is_in(row, (*_PADDLE_LITE, *_ONNX)) for _, row in of_series),
        )
        yield _cells(series, *map(str, counts))
    yield ""


def _not_asked_for(asked: Container[str], catalog: Catalog) -> Iterator[str]:
    """The backbones that the figures do not count, by name where they are the fewer ones."""
    others = [backbone.name for backbone in catalog if backbone.name not in asked]
    if not others:
        return
    names = f": {', '.join(others)}" if 2 * len(others) < len(catalog) else ""
    yield (
        f"Not counted, as they were not asked for in float32 at batch 1 and the evaluation size: "
        f"{len(others)} of the catalog's {len(catalog)} backbones{names}."
    )
    yield ""


def _is_buildable(backbone: Backbone) -> bool:
    """Whether the package that defines the network can build it."""
    return not any(stopper.package == "paddleclas" for stopper in stoppers_of(backbone.series))


def _is_in(row: ConversionRow, targets: Iterable[Target]) -> bool:
    return all(target in row.by_target and is_checked(row.by_target[target]) for target in targets)


def _backbones(rows: Sequence[ConversionRow], catalog: Catalog) -> Iterator[str]:
    if not rows:
        return
    yield "## Backbones"
    yield ""
    yield "Float32, batch 1, at the evaluation size."
    yield ""
    yield from _table(
        "series", "backbone", "px", *(_HEADINGS[target] for target in TARGETS), "passes", "s"
    )
    for row in rows:
        yield _cells(
            catalog.get(row.backbone).series,
            row.backbone,
            str(row.input_size),
            *(_cell(row.by_target.get(target)) for target in TARGETS),
            ", ".join(name for name in row.passes if name != SIMPLIFIER),
            f"{row.seconds:.0f}",
        )
    yield ""


def _other_variants(rows: Sequence[ConversionRow]) -> Iterator[str]:
    """A section for each precision, with the targets that have it."""
    for precision in Precision:
        of_precision = [row for row in rows if row.precision is precision]
        if of_precision:
            yield from _precision(precision, of_precision)


def _precision(precision: Precision, rows: Sequence[ConversionRow]) -> Iterator[str]:
    is_reduced = precision is not Precision.FP32
    yield f"## In {precision.value}" if is_reduced else "## In fp32, other sizes and batches"
    yield ""
    outcomes = [outcome for row in rows for outcome in row.by_target.values()]
    checked = [outcome for outcome in outcomes if is_checked(outcome)]
    sentences = [f"{len(checked)} of the {len(outcomes)} files asked for are ok."]
    if is_reduced:
        if limits := sorted({outcome.parity_tolerance or 0.0 for outcome in checked}):
            sentences.append(f"The tolerance is {' or '.join(f'{limit:g}' for limit in limits)}.")
        sentences.append(
            "Top-1 is on how many of the inputs a file's first class is that of float32: an "
            "agreement, not an accuracy."
        )
    if precision is Precision.INT8_DYNAMIC:
        sentences.append("ONNX leaves convolutions in float32.")
    yield " ".join(sentences)
    yield ""
    targets = [target for target in TARGETS if any(target in row.by_target for row in rows)]
    agreement = ("top-1",) if is_reduced else ()
    yield from _table(
        "backbone", "px", "batch", *(_HEADINGS[target] for target in targets), *agreement, "s"
    )
    for row in rows:
        yield _cells(
            row.backbone,
            str(row.input_size),
            str(row.batch),
            *(_cell(row.by_target.get(target)) for target in targets),
            *(_agreement(row, targets) for _ in agreement),
            f"{row.seconds:.0f}",
        )
    yield ""


def _agreement(row: ConversionRow, targets: Sequence[Target]) -> str:
    """On how many inputs the files agree with float32; by file where they differ."""
    found = {}
    for target in targets:
        outcome = row.by_target.get(target)
        if outcome is not None and outcome.top1_agreement is not None:
            same = round(outcome.top1_agreement * outcome.parity_input_count)
            found[target] = f"{same}/{outcome.parity_input_count}"
    if len(set(found.values())) == 1:
        return next(iter(found.values()))
    return ", ".join(f"{_HEADINGS[target]} {count}" for target, count in found.items())


def _without_artifact(rows: Sequence[ConversionRow]) -> Iterator[str]:
    listed = [
        f"- {_name(row)}, {_files(outcomes)}: {outcomes[0].result.value}: {reason}"
        for row in rows
        for reason, outcomes in reasons(row).items()
    ]
    if listed:
        yield "## Refused and failed"
        yield ""
        yield from listed
        yield ""
    if note := not_kept_note(rows):
        yield note
        yield ""


def _name(row: ConversionRow) -> str:
    precision = "" if row.precision is Precision.FP32 else f" {row.precision.value}"
    batch = "" if row.batch == 1 else f" batch {row.batch}"
    return f"{row.backbone}{precision} {row.input_size} px{batch}"


def _files(outcomes: Sequence[ConversionOutcome]) -> str:
    return ", ".join(f"{outcome.format.value} {outcome.target.value}" for outcome in outcomes)


def _passes(rows: Sequence[ConversionRow]) -> Iterator[str]:
    yield "## Passes"
    yield ""
    yield "What a tool does not take is rewritten. The outputs are compared before and after."
    yield ""
    as_translated = [
        _name(row)
        for row in rows
        if (onnx := row.by_target.get(Target.ANY)) is not None
        and is_checked(onnx)
        and SIMPLIFIER not in onnx.passes
    ]
    unless = f", except of {', '.join(as_translated)}: that did not keep parity" * bool(
        as_translated
    )
    yield f"ONNX files are simplified by {SIMPLIFIER}{unless}."
    yield ""
    yield "Before the export, for every target alike:"
    yield ""
    yield from _passes_table(PASSES)
    yield "In the exported program, for one tool and precision only:"
    yield ""
    yield from _passes_table(PROGRAM_PASSES)


def _passes_table(passes: Iterable[Pass]) -> Iterator[str]:
    yield from _table("pass", "operator", "series", "tools that need it", "without it", "with it")
    for each in passes:
        yield _cells(
            each.name,
            f"`{each.operator}`",
            ", ".join(each.series) or "any",
            "; ".join(each.tools),
            each.symptom,
            each.rewrite,
        )
    yield ""


def _stopped() -> Iterator[str]:
    yield "## Series that cannot be converted"
    yield ""
    yield from _table("series", "formats", "stopped by", "reason")
    for stopper in STOPPERS:
        yield _cells(
            stopper.series,
            ", ".join(each.value for each in stopper.formats),
            f"{stopper.package} {stopper.version}",
            stopper.reason,
        )
    yield ""


def _cell(outcome: ConversionOutcome | None) -> str:
    if outcome is None:
        return ""
    if outcome.max_relative_difference is None:
        return outcome.result.value
    tolerance = ""
    is_fp32 = outcome.precision is Precision.FP32
    if is_fp32 and (outcome.parity_tolerance or 0.0) > PARITY_TOLERANCE:
        tolerance = f" of {outcome.parity_tolerance:.1e}"
    return f"ok, {outcome.max_relative_difference:.1e}{tolerance}"


def _table(*headings: str) -> Iterator[str]:
    yield _cells(*headings)
    yield _cells(*("---" for _ in headings))


def _cells(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
