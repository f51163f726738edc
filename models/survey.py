"""`python -m models.survey` converts the smallest backbone of each series and writes the outcome.

The page, `docs/conversion.md`, is made by this command and never by hand.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click

from models.catalog import Backbone, load_catalog
from models.child import Cancellation
from models.passes import PASSES
from models.pipeline import Converted, Refused, convert
from models.stoppers import STOPPERS
from models.tools import ToolMissing, tool_versions
from models.variants import Target, WeightsKind, fp32_variants
from models.weights import resolve_weights

TOOLS = ("paddleclas", "paddlepaddle", "paddlelite", "paddle2onnx", "onnxruntime")
"""Packages whose versions decide about the outcome."""

Fates = Sequence[Converted | Refused]

_TARGETS = (Target.ARM, Target.X86, Target.ANY)
_HEAD = """# What converts

Made by `python -m models.survey`, not by hand: the smallest backbone of each series, float32,
batch 1, at its evaluation size, with calibrated synthetic weights. A figure is the largest
difference from Paddle's own outputs over four inputs, relative to the largest output; a file whose
difference is beyond the tolerance is refused. Paddle Lite for arm is checked through its x86 twin.

Tools: {tools}.

| series | backbone | px | Paddle Lite arm | Paddle Lite x86 | ONNX | passes | s |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""
_PASSES_HEAD = """
## Passes

What a tool does not take is rewritten before the export, for every target alike; the outputs are
compared before and after.

| pass | operator | series | tools that need it | without it | with it |
| --- | --- | --- | --- | --- | --- |
"""
_STOPPED_HEAD = """
## Series that cannot be converted

| series | formats | stopped by | reason |
| --- | --- | --- | --- |
"""


def smallest_of_each_series(backbones: Iterable[Backbone]) -> list[Backbone]:
    """Return the backbone of each series with the fewest multiply-adds, in the series' order."""
    smallest: dict[str, Backbone] = {}
    for backbone in backbones:
        known = smallest.setdefault(backbone.series, backbone)
        if _multiply_adds(backbone) < _multiply_adds(known):
            smallest[backbone.series] = backbone
    return list(smallest.values())


def conversion_page(outcomes: Iterable[tuple[Backbone, Fates]], versions: dict[str, str]) -> str:
    """Return the page as Markdown.

    Args:
        outcomes: backbones with the fates of their variants.
        versions: of each tool.
    """
    tools = ", ".join(f"{package} {version}" for package, version in versions.items())
    rows: list[str] = []
    refusals: list[str] = []
    for backbone, fates in outcomes:
        rows.append(_row(backbone, fates))
        refusals += [_refusal(fate) for fate in fates if isinstance(fate, Refused)]
    refused = "\n".join(["", "## Refused", "", *refusals, ""]) if refusals else ""
    stopped = "".join(
        f"| {s.series} | {', '.join(f.value for f in s.formats)} | {s.package} {s.version} "
        f"| {s.reason} |\n"
        for s in STOPPERS
    )
    passes = "".join(
        f"| {p.name} | `{p.operator}` | {', '.join(p.series)} | {'; '.join(p.tools)} "
        f"| {p.symptom} | {p.rewrite} |\n"
        for p in PASSES
    )
    table = _HEAD.format(tools=tools) + "".join(rows)
    return table + refused + _PASSES_HEAD + passes + _STOPPED_HEAD + stopped


def _multiply_adds(backbone: Backbone) -> float:
    return backbone.counted_flops_g or backbone.flops_g or float("inf")


def _row(backbone: Backbone, fates: Fates) -> str:
    by_target = {fate.variant.target: fate for fate in fates}
    passes = next((fate.passes for fate in fates if isinstance(fate, Converted)), ())
    cells = (
        backbone.series,
        backbone.name,
        str(backbone.input_size),
        *(_cell(by_target[target]) for target in _TARGETS),
        ", ".join(passes),
        f"{max(fate.seconds for fate in fates):.0f}",
    )
    return f"| {' | '.join(cells)} |\n"


def _cell(fate: Converted | Refused) -> str:
    if isinstance(fate, Refused):
        return "refused"
    return f"ok, {fate.parity.max_relative_difference:.1e}"


def _refusal(fate: Refused) -> str:
    variant = fate.variant
    what = f"{variant.backbone}, {variant.format.value} {variant.target.value}"
    return f"- {what}: {fate.step}: {fate.reason}"


def _convert(backbone: Backbone, cancellation: Cancellation) -> Fates:
    click.echo(backbone.name, err=True)
    with tempfile.TemporaryDirectory() as folder:
        workdir = Path(folder)
        weights = resolve_weights(backbone, WeightsKind.SYNTHETIC, workdir, _ignore_progress)
        variants = fp32_variants(backbone)
        return convert(
            backbone, variants, weights, workdir, _ignore_step, cancellation=cancellation
        )


def _ignore_progress(_done_bytes: int, _total_bytes: int | None) -> None:
    pass


def _ignore_step(_step: str) -> None:
    pass


@click.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path(__file__).parents[1] / "docs" / "conversion.md",
    show_default=True,
)
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True)
def main(output: Path, workers: int) -> None:
    """Convert the smallest backbone of each series; write what came of it as a page."""
    backbones = smallest_of_each_series(load_catalog())
    cancellation = Cancellation()
    try:
        versions = tool_versions(TOOLS)
    except ToolMissing as error:
        raise click.ClickException(str(error)) from error
    with ThreadPoolExecutor(workers) as pool:
        try:
            fates = list(pool.map(lambda backbone: _convert(backbone, cancellation), backbones))
        except KeyboardInterrupt:
            cancellation.cancel()
            raise
    output.write_text(conversion_page(zip(backbones, fates, strict=True), versions), "utf-8")


if __name__ == "__main__":
    main()
