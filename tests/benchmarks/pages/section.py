"""What a benchmark gives: a section of docs/proof/benchmarks.md."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """A promise, the figures that it is held against, and whether it holds."""

    title: str
    promise: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    holds: bool

    def markdown(self) -> str:
        """The section as a page shows it."""
        verdict = "Holds" if self.holds else "Does not hold"
        lines = [
            f"## {self.title}",
            "",
            f"Promise: {self.promise} **{verdict}** in this run.",
            "",
            f"| {' | '.join(self.header)} |",
            f"|{' --- |' * len(self.header)}",
            *(f"| {' | '.join(row)} |" for row in self.rows),
        ]
        return "\n".join(lines)
