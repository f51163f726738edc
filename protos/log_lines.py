"""Log lines of which none can be forged by what came over a wire."""

import logging

from protos.names import printable


class LineFormatter(logging.Formatter):
    """One line a message, whatever is in it; a traceback of ours follows on lines of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The line."""
        record.message = printable(record.message)
        return super().formatMessage(record)


def log_to_stderr() -> None:
    """Sends this process's log to its standard error, a line a message."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
