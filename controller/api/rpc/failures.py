"""Turns the error catalogue into gRPC statuses at the server's edge."""

import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from itertools import accumulate, takewhile
from typing import Any, Final, NoReturn, TypeAlias

import grpc

from controller.api.meters import ends_with
from controller.api.statuses import LEFT_OUT_KEY, STATUSES, details_of, letters_of
from controller.domain.errors import EdgerankError, ErrorCode, Refused
from controller.state.schema.unreadable import note_left_out
from controller.views.reasons import sentences
from controller.views.reasons.leaving_out import unread_words
from protos.codec import MessageInvalid
from protos.log_lines import event_log
from protos.names import printable

log = event_log(__name__)

MOST_LETTERS: Final = 6_000
"""Of a sentence as it travels: whoever is answered refuses headers of more than 8 KiB."""

BeforeFailing: TypeAlias = Callable[[grpc.StatusCode, str], Awaitable[None]]
_before_failing: ContextVar[BeforeFailing | None] = ContextVar("before_failing", default=None)


def before_failing(told: BeforeFailing) -> None:
    """Says what is waited for before the call that goes on is ended, with a status and why."""
    _before_failing.set(told)


@asynccontextmanager
async def answered_failures(context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[None]:
    """Ends the call with the status and the sentence of what is raised under the block.

    What the answer leaves out, since it cannot be read, is told behind it.
    """
    left_out = note_left_out()
    try:
        yield
        told = [(LEFT_OUT_KEY, each.encode()) for each in unread_words(left_out.rows)]
        if told:
            context.set_trailing_metadata(told)
    except Refused as refused:
        await end(context, refused.code, sentences(refused.reasons))
    except EdgerankError as error:
        await end(context, error.code, str(error))
    except MessageInvalid as error:
        # The call and its failure refer to each other, and would keep the message until they are
        # found, some hundred calls later.
        traceback.clear_frames(error.__traceback__)
        await end(context, ErrorCode.INVALID_INPUT, str(error))
    except (grpc.aio.AbortError, GeneratorExit):
        raise
    except Exception:
        # The edge where a defect of ours must become a status: its traceback belongs into the
        # server's log, not onto a person's terminal.
        log.exception("a call failed")
        sentence = "the controller failed at this; its log says why"
        await end(context, ErrorCode.EXECUTION, sentence)


async def end(
    context: grpc.aio.ServicerContext[Any, Any], code: ErrorCode, sentence: str
) -> NoReturn:
    """Ends the call that goes on; it may name what was asked, and is one line whatever that was.

    Of a long one its beginning is told.
    """
    status = STATUSES[code]
    ends_with(status)
    line = _fitting(printable(sentence))
    if (told := _before_failing.get()) is not None:
        await told(status, line)
    await context.abort(status, line, details_of(code, line))


def _fitting(line: str) -> str:
    ends = accumulate(map(letters_of, line))
    count = sum(1 for _ in takewhile(lambda end: end <= MOST_LETTERS, ends))
    return line if count == len(line) else f"{line[:count]}..."
