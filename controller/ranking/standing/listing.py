"""How much of a ranking is told: the front and the ties whole, of the rest what was asked for."""

from dataclasses import replace

from controller.domain.rankings import Ranking


def listed(ranking: Ranking, most: int | None) -> Ranking:
    """Return a ranking with at most so many others, and so many of what is left out.

    Args:
        ranking: with all of them.
        most: of each; None is all.
    """
    return replace(
        ranking,
        others=ranking.others[:most],
        left_out=ranking.left_out[:most],
        other_count=len(ranking.others),
        left_out_count=len(ranking.left_out),
    )
