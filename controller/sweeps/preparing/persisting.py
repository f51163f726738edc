"""Tries again what failed, for as long as it fails."""

from typing import Final

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential

from controller.domain.errors import EdgerankError
from protos.log_lines import event_log

log = event_log(__name__)

_LONGEST_WAIT_S: Final = 30.0


def persistent(event: str, kind: type[Exception] = EdgerankError) -> AsyncRetrying:
    """Tries a block again and again, and logs the event before each wait.

    A failure that is none of the catalogue of errors is a defect of ours, and the log has all of
    it; `kind` tells which failures are tried again.
    """

    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        wait_s = state.next_action.sleep if state.next_action else 0.0
        trace = None if isinstance(error, EdgerankError) else error
        log.error(event, error=error, wait_s=round(wait_s, 1), exc_info=trace)

    return AsyncRetrying(
        retry=retry_if_exception_type(kind),
        wait=wait_exponential(max=_LONGEST_WAIT_S),
        before_sleep=tell,
    )
