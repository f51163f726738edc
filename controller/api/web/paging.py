"""Pages of what is in an order, by a cursor that nobody needs to understand."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from controller.api.web.answers import Page
from controller.domain.errors import EdgerankError, ErrorCode

_KIND: Final = b"after:"

ItemT = TypeVar("ItemT")


def page_of(
    items: Sequence[ItemT], key: Callable[[ItemT], str], cursor: str | None, limit: int
) -> Page[ItemT]:
    """The items behind the one that a cursor tells of, the first ones without it.

    Args:
        items: all of them, in their order.
        key: what tells one from the others.
        cursor: the `next_cursor` of the page before.
        limit: how many at most.

    Raises:
        EdgerankError: INVALID_INPUT for a cursor of nothing that is there.
    """
    start = 0 if cursor is None else _after(items, key, _read(cursor))
    some = tuple(items[start : start + limit])
    is_last = start + limit >= len(items)
    return Page(items=some, next_cursor=None if is_last else _written(key(some[-1])))


def _after(items: Sequence[ItemT], key: Callable[[ItemT], str], last: str) -> int:
    for position, item in enumerate(items):
        if key(item) == last:
            return position + 1
    raise _invalid()


def _written(key: str) -> str:
    return base64.urlsafe_b64encode(_KIND + key.encode()).decode("ascii").rstrip("=")


def _read(cursor: str) -> str:
    try:
        content = base64.b64decode(
            cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True
        ).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise _invalid() from error
    if not content.startswith(_KIND.decode()):
        raise _invalid()
    return content.removeprefix(_KIND.decode())


def _invalid() -> EdgerankError:
    return EdgerankError(
        ErrorCode.INVALID_INPUT,
        "this cursor belongs to no page of this; ask without one for the first page",
    )
