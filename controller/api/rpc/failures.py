"""Turns the error catalogue into gRPC statuses at the server's edge."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NoReturn

import grpc

from controller.api.meters import ends_with
from controller.api.statuses import STATUSES
from controller.domain.errors import EdgerankError, Refused
from controller.views.reasons import sentences
from protos.codec import MessageInvalid
from protos.log_lines import event_log

log = event_log(__name__)


@asynccontextmanager
async def answered_failures(context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[None]:
    """Ends the call with the status and the sentence of what is raised under the block."""
    try:
        yield
    except Refused as refused:
        await end(context, STATUSES[refused.code], sentences(refused.reasons))
    except EdgerankError as error:
        await end(context, STATUSES[error.code], str(error))
    except MessageInvalid as error:
        await end(context, grpc.StatusCode.INVALID_ARGUMENT, str(error))
    except (grpc.aio.AbortError, GeneratorExit):
        raise
    except Exception:
        # The edge where a defect of ours must become a status: its traceback belongs into the
        # server's log, not onto a person's terminal.
        log.exception("a call failed")
        sentence = "the controller failed at this; its log says why"
        await end(context, grpc.StatusCode.INTERNAL, sentence)


async def end(
    context: grpc.aio.ServicerContext[Any, Any], status: grpc.StatusCode, sentence: str
) -> NoReturn:
    """Ends the call that goes on."""
    ends_with(status)
    await context.abort(status, sentence)
