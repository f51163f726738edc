"""Content that tells whether it is still there."""

import weakref


class Content(bytes):
    """Bytes that tell by `mark` whether they are there."""

    mark: object


class Mark:
    """What lives as long as the content that has it."""


def content(encoded: bytes) -> tuple[Content, "weakref.ref[Mark]"]:
    """Bytes, and what is dead once they are."""
    made = Content(encoded)
    made.mark = mark = Mark()
    return made, weakref.ref(mark)
