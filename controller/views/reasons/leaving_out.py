"""What an answer leaves out, in words."""

from collections.abc import Mapping
from typing import Final

from controller.views.counting import counted, first_of

_NAMED: Final = 3


def unread_words(rows: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Write a sentence for each kind of row that cannot be read.

    Args:
        rows: by kind, why each of them cannot, by its id.
    """
    return [_sentence(kind, of_kind) for kind, of_kind in rows.items()]


def _sentence(kind: str, rows: Mapping[str, str]) -> str:
    named = [f"{row_id or 'one without an id'} ({why})" for row_id, why in rows.items()]
    is_left_out = "is" if len(rows) == 1 else "are"
    return (
        f"{counted(len(rows), kind)} cannot be read and {is_left_out} left out: "
        f"{first_of(named, _NAMED)}; the controller's log names each"
    )
