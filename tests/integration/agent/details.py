"""What an agent says of a failure besides its code."""

from protos.fleet import Failure


def detail_of(failure: Failure) -> str:
    """The words of a failure that has one reason; that they are one line is checked, too."""
    (told,) = failure.reasons
    detail = told.words["detail"]
    assert "\n" not in detail
    assert "Traceback" not in detail
    return detail
