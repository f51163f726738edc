"""Reasons that several tests expect, and how their figures are compared."""

from collections.abc import Mapping
from typing import cast

import pytest

from protos.reasons import Reason, ReasonCode, reason

TAKEN = reason(ReasonCode.CORES_TAKEN, load_by_others=1.9, most=1.25)
CRASHED = reason(ReasonCode.CRASHED, {"detail": "the child died by SIGSEGV"})
WIDE = reason(ReasonCode.NOISE_STAYS, reached=0.09, wanted=0.01)
OLDER_COUNTS = reason(ReasonCode.OLDER_COUNTS)


def about(code: ReasonCode, words: Mapping[str, str] | None = None, /, **figures: float) -> Reason:
    """A reason that equals one with the same code and words, and nearly the same figures."""
    nearly = cast(Mapping[str, float], pytest.approx(figures))
    return Reason(code=code, figures=nearly, words=words or {})
