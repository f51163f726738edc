"""Tries again what the catalogue of errors has, for as long as it fails."""

from typing import Final

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential

from controller.domain.errors import EdgerankError
from protos.log_lines import event_log

log = event_log(__name__)

_LONGEST_WAIT_S: Final = 30.0


def persistent(event: str) -> AsyncRetrying:
    """Tries a block again and again, and logs the event before each wait."""

    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        wait_s = state.next_action.sleep if state.next_action else 0.0
        log.error(event, error=error, wait_s=round(wait_s, 1))

    return AsyncRetrying(
        retry=retry_if_exception_type(EdgerankError),
        wait=wait_exponential(max=_LONGEST_WAIT_S),
        before_sleep=tell,
    )
