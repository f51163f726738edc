"""A ranking on the terminal: the winner, ties, the Pareto front, and why the others lost."""

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.text import Text

from controller.cli.printing.folding import hanging, print_heading, print_indented
from controller.cli.printing.ledger import Column, Ledger
from controller.domain.measurements import Measurement, Verdict
from controller.domain.quantities import format_interval, format_latency
from controller.domain.rankings import Candidate, LeftOut, Ranking
from controller.domain.rankings.certainty import Certainty
from controller.views.reasons import sentences
from controller.views.reasons.limits import effect_words, front_words
from controller.views.settings_words import energy_words, paced_words
from controller.views.sweeps.commands import sweep_command
from controller.views.sweeps.words import unmeasured_words
from controller.views.wording import (
    candidate_name,
    candidates,
    figures_words,
    headline,
    held_back_words,
    is_told_with_verdict,
    latency_words,
    left_out_words,
    memory_words,
    names_of,
    notes,
    other_answers,
    place_words,
    provenance,
    setting,
    top1_figure,
    top1_words,
    winning_rule,
)


def print_ranking(console: Console, ranking: Ranking, surroundings: Iterable[str] = ()) -> None:
    """Print a ranking so that it stays readable from 80 columns on.

    `surroundings` say what stands between the figures and the metal.
    """
    names = names_of(ranking)
    console.print(Text(headline(ranking), style="bold"))
    if ranking.certainty is not None:
        _print_certainty(console, ranking.certainty, names)
    for mark in surroundings:
        print_indented(console, Text(mark, style="yellow"))
    if ranking.winner is None:
        _print_missing(console, ranking)
    else:
        print_indented(console, Text(_figures(ranking.winner.measurement)))
        best = ranking.winner.measurement
        for beside in filter(None, (paced_words(best), *energy_words(best))):
            print_indented(console, Text(beside))
        print_indented(console, Text(winning_rule(ranking), style="dim"))
        _print_other_answers(console, ranking)
        _print_verdicts(console, "Ties with the winner", ranking.ties, names)
        _print_front(console, ranking)
        _print_front_reasons(console, ranking)
        _print_minutes(console, ranking.winner.measurement)
    lost = "Why the others lost" if ranking.winner else "Why none of the measured ones qualifies"
    _print_verdicts(console, lost, ranking.others, names)
    _print_rest(console, ranking.other_count - len(ranking.others))
    _print_left_out(console, ranking)
    _print_rest(console, ranking.left_out_count - len(ranking.left_out))
    if ranking.winner is not None and ranking.unmeasured:
        print_heading(console, "Not measured here")
        print_indented(console, Text(unmeasured_words(ranking.unmeasured)))
    footnotes = notes(candidates(ranking))
    if footnotes:
        console.print()
    for note in footnotes:
        console.print(Text(note, style="dim"))


def _print_other_answers(console: Console, ranking: Ranking) -> None:
    for name, measurement in other_answers(ranking):
        figures = f"{top1_figure(measurement)}, {latency_words(measurement)}"
        told = f"{name}: {measurement.backbone} ({setting(measurement)}), {figures}"
        print_indented(console, hanging(Text(told)))


def _print_certainty(console: Console, certainty: Certainty, names: Mapping[str, str]) -> None:
    """Print who may be the first, with the intervals that hold for all of them at once."""
    level = f"{100 * certainty.interval_confidence:.6g} %"
    table = Ledger("may be the first", Column(f"{level} interval of the median", is_right=True))
    for each in certainty.may_be_first:
        interval = "one process"
        if each.low_ms is not None and each.high_ms is not None:
            interval = f"{format_interval(each.low_ms, each.high_ms)} ms"
        table.add_row(names.get(each.measurement_id, each.measurement_id), interval)
    print_indented(console, table)


def _print_missing(console: Console, ranking: Ranking) -> None:
    for effect in ranking.limit_effects:
        print_indented(console, hanging(Text(effect_words(effect, ranking.constraints))))
    if ranking.unmeasured:
        print_indented(console, Text(unmeasured_words(ranking.unmeasured)))
    if ranking.suggested_sweep is not None:
        words = (
            "This sweep would measure again what only its verdict keeps from winning:"
            if ranking.would_win_with
            else "This sweep would fill the gap:"
        )
        print_indented(console, Text(words))
        # One unbroken line, so that it can be copied.
        command = sweep_command(ranking.suggested_sweep, ranking.constraints)
        console.print(Text(f"  {command}", style="bold"), soft_wrap=True)


def _print_front(console: Console, ranking: Ranking) -> None:
    print_heading(console, front_words(ranking.constraints))
    table = Ledger(
        "backbone",
        Column("top-1 %", is_right=True),
        Column("median [95 % interval]", is_right=True),
        Column("memory", is_right=True),
    )
    for candidate in ranking.pareto_front:
        measurement = candidate.measurement
        style = "bold" if candidate == ranking.winner else ""
        name = Text(f"{place_words(candidate)}. {measurement.backbone}", style=style)
        name.append(f"\n  {provenance(measurement)}", style="dim")
        if on_clock := paced_words(measurement):
            name.append(f"\n  {on_clock}")
        latency = Text(latency_words(measurement))
        if measurement.verdict is not Verdict.OK:
            latency.append(f"\n{measurement.verdict.value}", style="yellow")
        table.add_row(
            name,
            top1_words(measurement),
            latency,
            memory_words(measurement),
        )
    print_indented(console, table)


def _print_front_reasons(console: Console, ranking: Ranking) -> None:
    runners_up = [c for c in ranking.pareto_front if c not in (ranking.winner, *ranking.ties)]
    if not runners_up:
        return
    print_heading(console, "On the front, but not the winner")
    for candidate in runners_up:
        name = candidate_name(candidate.measurement)
        print_indented(console, hanging(Text(f"{name}: {sentences(candidate.lost_because)}")))


def _print_minutes(console: Console, winner: Measurement) -> None:
    """Print how the winner did minute by minute, where it was measured so."""
    if not winner.minutes:
        return
    print_heading(console, "The winner minute by minute")
    table = Ledger(
        "minute", Column("median [95 % interval]", is_right=True), Column("p99", is_right=True)
    )
    for each in winner.minutes:
        table.add_row(
            str(each.minute), figures_words(each.latency), format_latency(each.latency.p99_ms)
        )
    print_indented(console, table)


def _print_verdicts(
    console: Console, heading: str, judged: Sequence[Candidate], names: Mapping[str, str]
) -> None:
    if not judged:
        return
    print_heading(console, heading)
    for candidate in judged:
        place = place_words(candidate)
        text = Text(f"{place}. " if place else "")
        text.append(candidate_name(candidate.measurement))
        text.append(f" {latency_words(candidate.measurement)}", style="dim")
        if candidate.measurement.verdict is not Verdict.OK:
            text.append(f" {candidate.measurement.verdict.value}", style="yellow")
        text.append(f"\n{sentences(candidate.lost_because, names)}")
        print_indented(console, hanging(text))


def _print_rest(console: Console, count: int) -> None:
    if count > 0:
        print_indented(console, Text(f"and {count} more: --all lists them", style="dim"))


def _print_left_out(console: Console, ranking: Ranking) -> None:
    if not ranking.left_out:
        return
    counted = held_back_words(ranking)
    print_heading(console, f"Left out: {counted}" if counted else "Left out")
    alike: dict[str, list[LeftOut]] = {}
    for left in ranking.left_out:
        alike.setdefault(_why_left_out(left).plain, []).append(left)
    for first, *others in alike.values():
        text = Text(f"{candidate_name(first.measurement)}: ").append_text(_why_left_out(first))
        if others:
            names = ", ".join(candidate_name(each.measurement) for each in others)
            text.append(f"\nso it is with {names}")
        print_indented(console, hanging(text))


def _why_left_out(left: LeftOut) -> Text:
    text, verdict = Text(), left.measurement.verdict
    # The others are left out for what is not known of them, not for how they ran.
    if is_told_with_verdict(left):
        text.append(verdict.value, style="red" if verdict is Verdict.FAILED else "yellow")
        text.append(", ")
    return text.append(left_out_words(left))


def _figures(measurement: Measurement) -> str:
    figures = [
        top1_figure(measurement),
        latency_words(measurement),
        memory_words(measurement),
        f"{measurement.weights.value} weights",
    ]
    if measurement.verdict is not Verdict.OK:
        figures.append(measurement.verdict.value)
    return ", ".join(filter(None, figures))
