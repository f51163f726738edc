"""Prints what a race found."""

from collections.abc import Iterable, Sequence

from rich.console import Console

from controller.cli.printing.rankings.device import print_ranking
from controller.cli.printing.telling import print_line
from controller.domain.jobs import JobOutcome
from controller.domain.rankings.finding import Found
from controller.views.counting import counted
from controller.views.wording import median_words

_NAMED = 8


def print_found(console: Console, found: Found, surroundings: Iterable[str]) -> None:
    """Print the answer as `best` does, then what it rests on and what it does not."""
    print_ranking(console, found.ranking, surroundings)
    measured = len(found.lost) + len(found.undecided) + len(found.decided)
    print_line(
        console,
        f"measured: {counted(measured, 'candidate')}, of which {len(found.lost)} left the race "
        f"early; 'edgerank results --sweep {found.sweep_id}' shows each",
    )
    if found.undecided:
        print_line(console, f"more time would decide: {_named(found.undecided)}")
    if found.failed:
        print_line(console, f"the answer does not rest on: {_named(found.failed)}")


def _named(outcomes: Sequence[JobOutcome]) -> str:
    told = [
        f"{each.backbone} ({each.runtime.value}, {counted(each.threads, 'thread')}{_median(each)})"
        for each in outcomes[:_NAMED]
    ]
    more = len(outcomes) - len(told)
    return ", ".join(told) + (f", and {more} more" if more else "")


def _median(outcome: JobOutcome) -> str:
    if outcome.median_ms is None:
        return ""
    return f", {median_words(outcome.median_ms, outcome.low_ms, outcome.high_ms)}"
