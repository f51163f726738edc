"""A whole fleet's ranking on the terminal: what is best on each device, and on all together."""

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from controller.cli.printing.folding import hanging, print_heading, print_indented
from controller.cli.printing.ledger import Column, Ledger
from controller.domain.measurements import Measurement, Verdict
from controller.domain.rankings.fleet import FleetChoice, FleetPlace, FleetRanking
from controller.views.fleet_words import (
    fleet_headline,
    fleet_rule,
    lacking_words,
    loss_words,
    regret_words,
    share_words,
    without_figures_words,
)
from controller.views.reasons.limits import effect_words, fleet_effect_words
from controller.views.sweeps.commands import sweep_command
from controller.views.wording import (
    SYNTHETIC_NOTE,
    latency_words,
    memory_words,
    provenance,
    top1_words,
    verdict_notes,
)
from models.catalog.variants import WeightsKind


def print_each_device(console: Console, ranking: FleetRanking) -> None:
    """Print what is best on each device, so that it stays readable from 40 columns on."""
    console.print(Text(fleet_headline(ranking, of_each=True), style="bold"))
    if ranking.places:
        print_indented(console, _places(ranking.places))
    _print_effects_by_device(console, ranking)
    _print_without_figures(console, ranking)
    _print_notes(console, ranking)


def print_fleet_ranking(console: Console, ranking: FleetRanking) -> None:
    """Print which backbone is best for all devices, what it costs each, and who else could be."""
    console.print(Text(fleet_headline(ranking, of_each=False), style="bold"))
    first = ranking.least_worst
    if first is not None:
        print_indented(console, Text(loss_words(first, ranking.merit)))
        print_indented(console, Text(fleet_rule(ranking), style="dim"))
        _print_on_devices(console, ranking, first)
        _print_on_average(console, ranking, first)
        _print_choices(console, "Ties with the winner", ranking.ties, ranking)
        _print_rest(console, ranking.tie_count - len(ranking.ties))
        _print_choices(console, "What the others lose", ranking.others, ranking)
        _print_rest(console, ranking.other_count - len(ranking.others))
    for effect in ranking.limit_effects:
        words = fleet_effect_words(effect, ranking.constraints)
        print_indented(console, hanging(Text(words)))
    print_heading(console, "Best on each device")
    print_indented(console, _places(ranking.places))
    _print_effects_by_device(console, ranking)
    _print_incomplete(console, ranking)
    _print_without_figures(console, ranking)
    _print_notes(console, ranking)


def _print_on_devices(console: Console, ranking: FleetRanking, choice: FleetChoice) -> None:
    table = Ledger(
        "device", Column("median [95 % interval]", is_right=True), Column("loses"), Column("counts")
    )
    shares = {place.device: place.share for place in ranking.places}
    for each in choice.on_devices:
        measured = each.measurement
        name = Text(measured.device).append(f"\n  {provenance(measured)}", style="dim")
        lost = regret_words(each.regret, ranking.merit)
        table.add_row(name, _latency(measured), lost, share_words(shares[measured.device]))
    print_indented(console, table)


def _print_on_average(console: Console, ranking: FleetRanking, first: FleetChoice) -> None:
    on_average = ranking.least_mean
    if on_average is not None and on_average.backbone != first.backbone:
        print_heading(console, f"Least on average: {on_average.backbone}")
        print_indented(console, Text(loss_words(on_average, ranking.merit)))


def _print_choices(
    console: Console, heading: str, choices: Iterable[FleetChoice], ranking: FleetRanking
) -> None:
    listed = list(choices)
    if listed:
        print_heading(console, heading)
    for each in listed:
        text = Text(each.backbone).append(f"\n{loss_words(each, ranking.merit)}", style="dim")
        print_indented(console, hanging(text))


def _print_rest(console: Console, count: int) -> None:
    if count > 0:
        print_indented(console, Text(f"and {count:,} more", style="dim"))


def _print_effects_by_device(console: Console, ranking: FleetRanking) -> None:
    """Print of each device without a best one what its figures are held against in vain."""
    for place in ranking.places:
        if place.limit_effects:
            print_heading(console, f"Why none on {place.device}")
        for effect in place.limit_effects:
            print_indented(console, hanging(Text(effect_words(effect, ranking.constraints))))


def _print_incomplete(console: Console, ranking: FleetRanking) -> None:
    if not ranking.incomplete:
        return
    print_heading(console, "Not for all of them")
    for each in ranking.incomplete:
        print_indented(console, hanging(Text(f"{each.backbone}: {lacking_words(each)}")))
    _print_rest(console, ranking.incomplete_count - len(ranking.incomplete))
    if ranking.suggested_sweep is not None:
        print_indented(console, Text("This sweep would measure what has no figures:"))
        command = sweep_command(ranking.suggested_sweep, ranking.constraints)
        # One unbroken line, so that it can be copied.
        console.print(Text(f"  {command}", style="bold"), soft_wrap=True)


def _places(places: Iterable[FleetPlace]) -> Ledger:
    table = Ledger(
        "device",
        Column("best"),
        Column("top-1 %", is_right=True),
        Column("median [95 % interval]", is_right=True),
        Column("memory", is_right=True),
    )
    for place in places:
        if place.best is None:
            table.add_row(place.device, "none satisfies this", "", "", "")
        else:
            table.add_row(place.device, *_cells(place.best))
    return table


def _cells(best: Measurement) -> tuple[Text, str, Text, str]:
    name = Text(best.backbone).append(f"\n{provenance(best)}", style="dim")
    return name, top1_words(best), _latency(best), memory_words(best)


def _latency(measured: Measurement) -> Text:
    latency = Text(latency_words(measured))
    if measured.verdict is not Verdict.OK:
        latency.append(f"\n{measured.verdict.value}", style="yellow")
    return latency


def _print_without_figures(console: Console, ranking: FleetRanking) -> None:
    if ranking.without_figures:
        console.print()
        console.print(Text(without_figures_words(ranking.without_figures)))


def _print_notes(console: Console, ranking: FleetRanking) -> None:
    shown = [place.best for place in ranking.places if place.best is not None]
    if ranking.least_worst is not None:
        shown += [each.measurement for each in ranking.least_worst.on_devices]
    notes = verdict_notes(shown)
    if any(each.weights is WeightsKind.SYNTHETIC for each in shown):
        notes.append(SYNTHETIC_NOTE)
    if notes:
        console.print()
    for note in notes:
        console.print(Text(note, style="dim"))
