"""Prints what a race found."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.text import Text

from controller.cli.printing.ledger import Column, Ledger
from controller.cli.printing.rankings.device import print_ranking
from controller.cli.printing.telling import print_line
from controller.domain.jobs import JobOutcome
from controller.domain.rankings.finding import Found, JudgedSetting, OnlyPredicted
from controller.domain.rankings.tuning import is_without_weights
from controller.views.counting import counted
from controller.views.reasons.folding import left_out_lines
from controller.views.reasons.predicting import judged_words, latency_words
from controller.views.wording import median_words

_NAMED = 8
_MOST_PREDICTED = 12
_EVERYBODY = "every candidate{who} was measured; nothing was left to a prediction"


def print_found(
    console: Console, found: Found, surroundings: Iterable[str], confidence: float
) -> None:
    """Print the answer as `best` does, then what it rests on and what it does not.

    `confidence` is that of the intervals of what was only predicted.
    """
    print_ranking(console, found.ranking, surroundings)
    for line in _precision_lines(found):
        print_line(console, line)
    print_line(
        console,
        f"measured: {counted(len(found.measured), 'candidate')}, of which {len(found.lost)} left "
        f"the race early; 'edgerank results --sweep {found.sweep_id}' shows each",
    )
    if found.is_won_from_outside:
        failed = ", in which it failed" if found.has_winner_failed else ""
        print_line(console, f"the winner's figure is an earlier one, not of this race{failed}")
    _print_unmeasured(console, found, confidence)
    for each in found.judged:
        told = counted(each.errors.count, "candidate")
        them = "it" if each.errors.count == 1 else "them"
        print_line(
            console,
            f"{_setting(each, found)}: {told} predicted before this race measured {them}, "
            f"{judged_words(each.errors)}",
        )
    if found.undecided:
        print_line(console, f"more time would decide: {_named(found.undecided, found)}")
    if found.not_rested_on:
        print_line(console, f"the answer does not rest on: {_named(found.not_rested_on, found)}")
    for line in left_out_lines(found.left_out):
        print_line(console, line)


def _precision_lines(found: Found) -> Iterator[str]:
    """In which precisions was raced, where these are several, and in which one the winner is."""
    raced = [each.value for each in found.precisions]
    if len(raced) < 2:
        return
    winner = found.ranking.winner
    won = "" if winner is None else f"; the winner is in {winner.measurement.precision.value}"
    yield f"raced in {', '.join(raced)}{won}"


def none_words(found: Found) -> str:
    """Say why there is no winner, and what would change that."""
    ranking = found.ranking
    if not found.measured and is_without_weights(found.failed):
        return (
            "no candidate can be measured without its weights, which are not available; "
            "'--weights synthetic' needs none"
        )
    if not found.measured:
        told = f"no candidate was measured on {ranking.device!r}"
        more = "; more --time may find one" if found.is_open else ""
        return told + ("; what the answer does not rest on says why" if found.failed else more)
    if ranking.constraints.max_latency_ms is not None and ranking.other_count:
        told = f"no candidate that was measured on {ranking.device!r} keeps the limit"
        more = "more --time or " if found.is_open else ""
        return f"{told}; {more}a higher --max-latency may"
    return (
        f"no measured candidate on {ranking.device!r} is ranked; "
        f"'edgerank best --device {ranking.device}' says why"
    )


def _print_unmeasured(console: Console, found: Found, confidence: float) -> None:
    """What was not measured, apart from all figures that were."""
    if not found.unmeasured_count:
        if found.measured:
            print_line(console, _EVERYBODY.format(who=" that could be" if found.failed else ""))
        return
    hopeful = [each for each in found.predicted if each.may_change_answer]
    why = "" if hopeful or found.untold_count else ", since the answer does not need them"
    print_line(console, f"not measured: {counted(found.unmeasured_count, 'candidate')}{why}")
    if found.earlier_count:
        earlier = counted(found.earlier_count, "candidate")
        print_line(console, f"measured by earlier sweeps, and ranked by that: {earlier} of these")
    if found.untold_count:
        untold = counted(found.untold_count, "candidate")
        print_line(
            console,
            f"of {untold} of these nothing is predicted by what was measured; 'edgerank predict "
            f"--device {found.ranking.device}' says why",
        )
    # Those that may change the answer first: they are what more time is for.
    shown = sorted(found.predicted, key=lambda each: not each.may_change_answer)[:_MOST_PREDICTED]
    if not shown:
        return
    title = f"Only predicted on {found.ranking.device}; {confidence:.0%} intervals"
    console.print(Text(title, style="bold"))
    ledger = Ledger(
        "Predicted",
        Column("latency", is_right=True),
        Column("interval", is_right=True),
        Column("setting"),
    )
    for each in shown:
        ledger.add_row(each.backbone, *latency_words(each.latency_ms), _setting(each, found))
    console.print(ledger)
    if len(found.predicted) > len(shown):
        more = len(found.predicted) - len(shown)
        print_line(console, f"and {more} more; 'edgerank predict' shows each")
    if hopeful:
        print_line(console, f"only predicted, and may be of the answer: {_named(hopeful, found)}")


def _setting(each: OnlyPredicted | JudgedSetting | JobOutcome, found: Found) -> str:
    """Name where a candidate was, with its precision where several raced."""
    precision = [each.precision.value] if len(found.precisions) > 1 else []
    return ", ".join((each.runtime.value, counted(each.threads, "thread"), *precision))


def _named(candidates: Sequence[OnlyPredicted | JobOutcome], found: Found) -> str:
    told = [
        f"{each.backbone} ({_setting(each, found)}{_median(each)})" for each in candidates[:_NAMED]
    ]
    more = len(candidates) - len(told)
    return ", ".join(told) + (f", and {more} more" if more else "")


def _median(candidate: OnlyPredicted | JobOutcome) -> str:
    if isinstance(candidate, OnlyPredicted) or candidate.median_ms is None:
        return ""
    return f", {median_words(candidate.median_ms, candidate.low_ms, candidate.high_ms)}"
