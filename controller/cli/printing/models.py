"""Backbones on the terminal, with published figures and those that we counted."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.text import Text

from controller.cli.printing.ledger import Column, Ledger
from controller.domain.catalog import OwnModel
from controller.domain.quantities import format_memory
from controller.views.counting import counted
from controller.views.input_words import input_words
from models.catalog.catalog import Backbone
from models.catalog.counted import NOTABLE_DIFFERENCE, differs_notably
from models.catalog.precisions import Precision
from models.catalog.stoppers import stoppers_of
from models.catalog.tiers import Rejection, RejectionKind, TierSelection

SHOWN_NAMES = 3
SMALLEST_MILLIONS = 0.01


def print_models(console: Console, backbones: Sequence[Backbone]) -> None:
    """Print accuracy, size and cost; a dash where nobody published a figure.

    A counted figure stands in brackets below the published one where the two differ notably.
    """
    headings = ("top-1\n%", "top-5\n%", "params\nM", "MACs\nG", "px")
    table = Ledger(
        "backbone",
        Column(""),
        Column("series"),
        *(Column(heading, is_right=True) for heading in headings),
        gap=1,
    )
    for backbone in backbones:
        table.add_row(
            Text(backbone.name),
            Text(_marks(backbone), style="dim"),
            Text(backbone.series),
            _figure(backbone.top1),
            _figure(backbone.top5),
            _cost(backbone.params_m, backbone.counted_params_m),
            _cost(backbone.flops_g, backbone.counted_flops_g),
            str(backbone.input_size),
        )
    console.print(table)
    console.print(
        Text(f"{counted(len(backbones), 'backbone')}. {_legend(backbones)}".strip(), style="dim")
    )


def print_tier(console: Console, selection: TierSelection) -> None:
    """Print a tier's backbones, then in a few lines what its rule rejected and why."""
    print_models(console, selection.chosen)
    by_kind = {kind: [r for r in selection.rejected if r.kind is kind] for kind in RejectionKind}
    console.print(Text(f"\n{len(selection.rejected)} rejected:"))
    for kind, rejections in by_kind.items():
        if rejections:
            console.print(Text(f"  {len(rejections):>3} {kind.value}: {_few_names(rejections)}"))
    for rejection in selection.rejected:
        if rejection.between_tiers:
            console.print(Text(f"{rejection.backbone}: {rejection.reason}"))
    console.print(Text("Each with its reason: add --json.", style="dim"))


def _few_names(rejections: Sequence[Rejection]) -> str:
    names = [rejection.backbone for rejection in rejections[:SHOWN_NAMES]]
    return ", ".join(names if len(rejections) <= SHOWN_NAMES else [*names, "..."])


def _marks(backbone: Backbone) -> str:
    marks = {
        "d": backbone.distilled,
        "e": backbone.extra_data,
        "x": bool(stoppers_of(backbone.series)),
    }
    return "".join(mark for mark, holds in marks.items() if holds)


def _legend(backbones: Sequence[Backbone]) -> str:
    marks = []
    if any(backbone.distilled for backbone in backbones):
        marks.append("d: distilled from a larger network")
    if any(backbone.extra_data for backbone in backbones):
        marks.append("e: trained on more than ImageNet-1k")
    stoppers = dict.fromkeys(each for b in backbones for each in stoppers_of(b.series))
    marks += [
        f"x: no {' or '.join(each.value for each in stopper.formats)} file: {stopper.sentence}"
        for stopper in stoppers
    ]
    if any(_has_notable_count(backbone) for backbone in backbones):
        marks.append(
            f"in brackets: counted by us, where it differs by more than {NOTABLE_DIFFERENCE:.0%} "
            "or nothing is published"
        )
    if any(backbone.top1 is None for backbone in backbones):
        marks.append("no top-1: nobody published one, never ranked by accuracy")
    return "; ".join(marks)


def _has_notable_count(backbone: Backbone) -> bool:
    return any(differs_notably(*pair) for pair in _costs(backbone))


def _costs(backbone: Backbone) -> Iterable[tuple[float | None, float | None]]:
    yield backbone.params_m, backbone.counted_params_m
    yield backbone.flops_g, backbone.counted_flops_g


def _cost(published: float | None, counted: float | None) -> str:
    if not differs_notably(published, counted):
        return _figure(published)
    brackets = f"({_figure(counted)})"
    # Below and not beside: the columns of all the other rows stay narrow.
    return brackets if published is None else f"{_figure(published)}\n{brackets}"


def _figure(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.2f}"


def own_model_words(model: OwnModel) -> str:
    """Say what an own model is: MyNet (onnx): 224 px, 3.50 M parameters, 14.1 MB, output 1x1000.

    What of its input is not as usual stands behind the size.
    """
    outputs = "output" if len(model.output_shapes) == 1 else "outputs"
    assumed = ", ".join(f"{each.axis.value} {each.size}" for each in model.assumed)
    return (
        f"{model.name} ({_origin(model)}): {input_words(model.takes)}, "
        f"{_count(model.params_m)} parameters, {format_memory(model.size_bytes)}, "
        f"{outputs} {', '.join(model.output_shapes)}"
        f"{f' (left open, assumed: {assumed})' if assumed else ''}"
    )


def _origin(model: OwnModel) -> str:
    if model.architecture:
        return f"weights of {model.architecture}"
    quantised = "" if model.precision is Precision.FP32 else f", {model.precision.value}"
    return f"{model.format.value}{quantised}"


def _count(millions: float) -> str:
    """Of a network so small that two digits of millions would be 0.00, each."""
    return f"{millions:.2f} M" if millions >= SMALLEST_MILLIONS else f"{millions * 1e6:.0f}"


def print_own_models(console: Console, models: Sequence[OwnModel]) -> None:
    """Print own models, a line each."""
    for model in models:
        console.print(Text(own_model_words(model)), soft_wrap=True)
    if not models:
        console.print(Text("no own models; 'edgerank models add NAME' adds one"))
