"""The rest of a ranking by pages: the others, and what is left out."""

from dataclasses import dataclass, field
from typing import Final, TypeAlias

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.rankings import Candidate, Constraints, LeftOut
from models.catalog.catalog import IMAGENET

MOST_ON_PAGE: Final = 1_000
"""About 2 KB each, so that a page is below the 4 MB that gRPC takes."""

OtherPlace: TypeAlias = tuple[float, str]
"""Where one of the others stands: its median latency, ms, and its measurement's id."""
LeftOutPlace: TypeAlias = tuple[str, str, int, str, int, str, str]
"""Where what is left out stands: backbone, runtime, threads, precision, batch, weights, id."""


@dataclass(frozen=True, kw_only=True)
class RankingPageQuestion:
    """Which page of a ranking is asked for.

    Attributes:
        device: its name.
        constraints: as for the whole ranking.
        accuracy_dataset: whose accuracy counts.
        of_left_out: whether of what is left out, and not of the others.
        most: at most so many.
        after: the `last` of the page before; None is the first page. It tells of a place in the
            order, and not of who stands there: it stays good when that one is measured again, moves
            to the front or the ties, or is gone.
    """

    device: str
    constraints: Constraints = field(default_factory=Constraints)
    accuracy_dataset: str = IMAGENET
    of_left_out: bool = False
    most: int = MOST_ON_PAGE
    after: str | None = None


@dataclass(frozen=True, kw_only=True)
class RankingPage:
    """Some of the others, or of what is left out, in the order of the ranking.

    Attributes:
        others: as in the ranking.
        left_out: as in the ranking.
        last: what the next page is behind; None where there is none.
    """

    others: tuple[Candidate, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    last: str | None = None


def check_page(question: RankingPageQuestion) -> None:
    """Refuse a page that there cannot be.

    Raises:
        EdgerankError: INVALID_INPUT.
    """
    if not 1 <= question.most <= MOST_ON_PAGE:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"a page of a ranking has 1 to {MOST_ON_PAGE:,}, not {question.most:,}",
        )
