"""Why two measurements cannot be told apart, or are the same without measuring."""

from collections.abc import Mapping
from typing import Final

from controller.views.reasons.writing import Writer, Writers
from protos.reasons import ReasonCode


def _one_repetition(side: str) -> Writer:
    return lambda figures, _words: (
        f"{side} has one repetition, which tells nothing of how another process would have run; "
        f"measure with at least {figures['fewest']:.0f}"
    )


def _sides_in_doubt(_figures: Mapping[str, float], words: Mapping[str, str]) -> str:
    if len(words) == 2 and len(set(words.values())) == 1:
        are = f"A and B are {words['a']}"
    else:
        are = " and ".join(f"{side.upper()} is {words[side]}" for side in sorted(words))
    return f"{are}; measure again on a quiet machine, or judge it with --include-disturbed"


SENTENCES: Final[Writers] = {
    ReasonCode.SAME_MEASUREMENT: lambda *_: "A and B chose one measurement",
    ReasonCode.ONE_REPETITION_IN_A: _one_repetition("A"),
    ReasonCode.ONE_REPETITION_IN_B: _one_repetition("B"),
    ReasonCode.SIDES_IN_DOUBT: _sides_in_doubt,
    ReasonCode.INTERVAL_HOLDS_ONE: lambda figures, _: (
        "the interval holds 1 and reaches beyond what counts as the same, "
        f"±{figures['margin'] * 100:g} %; more repetitions would narrow it"
    ),
    ReasonCode.WITHOUT_PARTNER: lambda *_: "the other side has no figure of it",
}
