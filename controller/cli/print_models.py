"""Backbones on the terminal, with their published figures."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from models.catalog import Backbone


def print_models(console: Console, backbones: Sequence[Backbone]) -> None:
    """Print published accuracy, size and cost; a dash where nobody published a figure."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("\nbackbone", overflow="fold")
    table.add_column("", no_wrap=True)
    table.add_column("\nseries", overflow="fold")
    for heading in ("top-1\n%", "top-5\n%", "params\nM", "MACs\nG", "\npx"):
        table.add_column(heading, justify="right", no_wrap=True)
    for backbone in backbones:
        table.add_row(
            Text(backbone.name),
            Text(_marks(backbone), style="dim"),
            Text(backbone.series),
            _figure(backbone.top1),
            _figure(backbone.top5),
            _figure(backbone.params_m),
            _figure(backbone.flops_g),
            str(backbone.input_size),
        )
    console.print(table)
    console.print(Text(f"{len(backbones)} backbones. {_legend(backbones)}".strip(), style="dim"))


def _marks(backbone: Backbone) -> str:
    return ("d" if backbone.distilled else "") + ("e" if backbone.extra_data else "")


def _legend(backbones: Sequence[Backbone]) -> str:
    marks = []
    if any(backbone.distilled for backbone in backbones):
        marks.append("d: distilled from a larger network")
    if any(backbone.extra_data for backbone in backbones):
        marks.append("e: trained on more than ImageNet-1k")
    return "; ".join(marks)


def _figure(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.2f}"
