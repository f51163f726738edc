"""The sentences of reasons: the one place where a code becomes English."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from controller.views.reasons import comparing, failing, limits, measuring, planning, ranking
from controller.views.reasons.failing import REMEDIES
from protos.reasons import Reason, ReasonCode

SENTENCES: Final = MappingProxyType(
    {
        **measuring.SENTENCES,
        **failing.SENTENCES,
        **ranking.SENTENCES,
        **limits.SENTENCES,
        **comparing.SENTENCES,
        **planning.SENTENCES,
    }
)
"""How each code is written."""

_EXPLAINS: Final = ": "
_UNREADY: Final = (
    ReasonCode.NOT_READY,
    ReasonCode.STARTED_UNREADY,
    ReasonCode.UNREADY_LEFT_OUT,
)
_EXPLAINED: Final = (
    ReasonCode.PROFILE_FAILED,
    ReasonCode.SHIFTED_LEFT_OUT,
    ReasonCode.FAILED_IN_A_ROW,
    ReasonCode.WRONG_OUTPUT,
)
_NOBODY: Final[Mapping[str, str]] = MappingProxyType({})


def sentence(reason: Reason, names: Mapping[str, str] = _NOBODY) -> str:
    """Write one reason as a clause without a full stop.

    Args:
        reason: the code with its figures and words.
        names: of other measurements by their ids, where the reason speaks of one; an id that has
            none stands for itself.
    """
    words = {**reason.words}
    if "other" in words:
        words["other"] = names.get(words["other"], words["other"])
    try:
        return SENTENCES[reason.code](reason.figures, words)
    except (ArithmeticError, LookupError, TypeError, ValueError):
        # It was stored before the check that it has all that its sentence needs.
        return str(reason)


def sentences(reasons: Iterable[Reason], names: Mapping[str, str] = _NOBODY) -> str:
    """Write reasons as one sentence without a full stop; empty without any.

    What kept a job from starting comes with what people can do about it.
    """
    told = tuple(reasons)
    text = "".join(
        f"{_joint(before, each) if before else ''}{sentence(each, names)}"
        for before, each in zip((None, *told), told, strict=False)
    )
    if any(each.code is ReasonCode.NOT_READY for each in told):
        text += "".join(f"; {REMEDIES[each.code]}" for each in told if each.code in REMEDIES)
    return text


def clauses(reasons: Sequence[Reason]) -> tuple[tuple[Reason, ...], ...]:
    """Part reasons into those that are told together: one alone, or one with why it is so.

    What people can do about a job that could not start belongs to all of its reasons.
    """
    if any(each.code is ReasonCode.NOT_READY for each in reasons):
        return (tuple(reasons),)
    parts: list[tuple[Reason, ...]] = []
    for each in reasons:
        if parts and _joint(parts[-1][-1], each) == _EXPLAINS:
            parts[-1] += (each,)
        else:
            parts.append((each,))
    return tuple(parts)


def _joint(before: Reason, behind: Reason) -> str:
    """Return a colon where a reason says why the one before it is so."""
    explains = before.code in _EXPLAINED or (before.code in _UNREADY and behind.code in REMEDIES)
    return _EXPLAINS if explains else "; "
