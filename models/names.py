"""Names that somebody may have meant."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable

_LONGEST = 500
"""Characters; nothing has a longer name, and to compare them would take long."""


def nearest(name: str, known: Iterable[str], likeness: float = 0.5) -> tuple[str, ...]:
    """Return up to three known names like this one, nearest first.

    Args:
        name: what was asked for.
        known: what there is.
        likeness: how alike two names must be, from 0 to 1 for the same.
    """
    if len(name) > _LONGEST:
        return ()
    # Case is the commonest mistake, so it does not count.
    by_folded: dict[str, list[str]] = {}
    for each in known:
        by_folded.setdefault(each.casefold(), []).append(each)
    near = difflib.get_close_matches(name.casefold(), by_folded, n=3, cutoff=likeness)
    return tuple(itertools.chain.from_iterable(by_folded[folded] for folded in near))[:3]
