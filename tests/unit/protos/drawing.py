"""Reasons of any kind, for tests of what carries them."""

from hypothesis import strategies as st

from protos.fleet import Failure
from protos.reasons import Reason, ReasonCode


def reasons(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Reason]:
    """Any code with any figures that are numbers, and any words."""
    figures = st.floats(allow_nan=False, allow_infinity=False)
    return st.builds(
        Reason,
        code=st.sampled_from(ReasonCode),
        figures=st.dictionaries(texts, figures, max_size=3),
        words=st.dictionaries(texts, texts, max_size=3),
    )


def failures(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Failure]:
    """Failures with a reason or more."""
    told = st.lists(reasons(texts), min_size=1, max_size=3).map(tuple)
    return st.builds(Failure, reasons=told)
