"""The log of either side: an event a line, its facts as fields, and nothing that forges another."""

import logging
import os
import sys
from enum import Enum
from typing import Any, Final, TextIO, cast

import structlog
from structlog.stdlib import BoundLogger, ProcessorFormatter
from structlog.typing import EventDict, Processor

from protos.names import printable

_EARLY: Final[tuple[Processor, ...]] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
)
# Of a traceback alone the lines stay apart, where the format can tell them from another event's.
_OF_LINES: Final = "exception"

about = structlog.contextvars.bound_contextvars
"""Fields of every event under a block: `with about(job=job_id, attempt=attempt_id):`. Tasks and
threads of asyncio that begin there have them, too."""


class LogFormat(Enum):
    """How events are written where there is no terminal."""

    TEXT = "text"
    """`key=value`, as logfmt has it."""
    JSON = "json"
    """An object a line, on a terminal, too."""


def event_log(name: str) -> BoundLogger:
    """The log of a module.

    What is said to it is an event, a sentence that never changes, and fields with the facts of it:
    `log.info("connected", device=name)`. Standard logging carries it: without `log_to_stderr` its
    rules hold.
    """
    processors = (
        structlog.stdlib.filter_by_level,
        *_EARLY,
        ProcessorFormatter.wrap_for_formatter,
    )
    logger = structlog.wrap_logger(
        logging.getLogger(name), processors=processors, wrapper_class=BoundLogger
    )
    return cast(BoundLogger, logger)


def log_to_stderr(log_format: LogFormat) -> None:
    """Sends this process's log to its standard error, and that of its libraries."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(line_formatter(log_format, sys.stderr))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def line_formatter(log_format: LogFormat, stream: TextIO) -> logging.Formatter:
    """Writes each record as one line; on a terminal, for people, a traceback's lines follow."""
    return ProcessorFormatter(
        processors=(
            ProcessorFormatter.remove_processors_meta,
            _cleaned,
            _renderer(log_format, stream),
        ),
        foreign_pre_chain=_EARLY,
    )


def _renderer(log_format: LogFormat, stream: TextIO) -> Processor:
    if log_format is LogFormat.JSON:
        return structlog.processors.JSONRenderer()
    if stream.isatty():
        # Not what is there by default: with rich it prints the values of variables, secrets too.
        traceback = structlog.dev.plain_traceback
        has_colours = not os.environ.get("NO_COLOR")
        return structlog.dev.ConsoleRenderer(colors=has_colours, exception_formatter=traceback)
    return structlog.processors.LogfmtRenderer(
        key_order=("timestamp", "level", "event"), bool_as_flag=False
    )


def _cleaned(_logger: Any, _method: str, event: EventDict) -> EventDict:
    return {key: _plain(key, value) for key, value in event.items()}


def _plain(key: str, value: object) -> bool | int | float | str | None:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value.value if isinstance(value, Enum) else value)
    if key == _OF_LINES:
        return "\n".join(map(printable, text.splitlines()))
    return printable(text)
