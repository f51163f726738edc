"""Repetitions that started although their device was not ready: pure functions."""

from collections.abc import Sequence

from protos.measuring import Repetition
from protos.reasons import Reason, ReasonCode, reason


def unready_starts(repetitions: Sequence[Repetition], code: ReasonCode) -> tuple[Reason, ...]:
    """Tell how many started unready, and what was in the way of the first; empty where none did.

    Args:
        repetitions: of one job.
        code: STARTED_UNREADY where they count, UNREADY_LEFT_OUT where they do not.
    """
    in_the_way = [taken.started_unready for taken in repetitions if taken.started_unready]
    if not in_the_way:
        return ()
    return reason(code, count=len(in_the_way), repetitions=len(repetitions)), in_the_way[0]
