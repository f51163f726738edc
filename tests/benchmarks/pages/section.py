"""What a benchmark gives: a section of docs/proof/benchmarks.md."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """A promise, the figures that it is held against, and whether it holds.

    Whether it does is None where these are too few to say.
    """

    title: str
    promise: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    holds: bool | None

    def markdown(self) -> str:
        """The section as a page shows it."""
        verdict = {
            True: "**Holds** in this run",
            False: "**Does not hold** in this run",
            None: "This run is **too short to say** whether it holds",
        }[self.holds]
        lines = [
            f"## {self.title}",
            "",
            f"Promise: {self.promise} {verdict}.",
            "",
            f"| {' | '.join(self.header)} |",
            f"|{' --- |' * len(self.header)}",
            *(f"| {' | '.join(row)} |" for row in self.rows),
        ]
        return "\n".join(lines)
