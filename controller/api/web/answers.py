"""Answers for programs: the same JSON documents as every `--json` prints."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from fastapi import Response

from controller.state.schema.unreadable import LeftOut
from controller.views.documents import to_document
from controller.views.reasons.leaving_out import unread_words
from protos.names import printable

AnsweredT = TypeVar("AnsweredT")
ItemT = TypeVar("ItemT")


@dataclass(frozen=True, kw_only=True)
class Page(Generic[ItemT]):
    """Some of what was asked for.

    Attributes:
        items: these.
        next_cursor: what to ask the next ones with; None where these are the last.
    """

    items: tuple[ItemT, ...]
    next_cursor: str | None = None


class Answer(Response, Generic[AnsweredT]):
    """A document, or a sequence of them."""

    media_type = "application/json"


async def answer(
    answered: AnsweredT, left_out: LeftOut, headers: Mapping[str, str] | None = None
) -> Answer[AnsweredT]:
    """The document of what was found, made beside the event loop; what it leaves out is a header.

    Args:
        answered: a dataclass, or a sequence of them.
        left_out: what `note_left_out` gave before anything was read.
        headers: more of the answer's.
    """
    told = {"Edgerank-Left-Out": "; ".join(map(_of_header, unread_words(left_out.rows)))}
    content = await asyncio.to_thread(_written, answered)
    all_headers = {name: value for name, value in told.items() if value} | dict(headers or {})
    return Answer(content, headers=all_headers)


def _written(answered: object) -> bytes:
    return json.dumps(to_document(answered), ensure_ascii=False, allow_nan=False).encode()


def _of_header(sentence: str) -> str:
    return printable(sentence).encode("ascii", "replace").decode("ascii")
