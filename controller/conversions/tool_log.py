"""What tools said goes to the controller's log, each text once, under an id that sentences name."""

import functools
import hashlib

from protos.log_lines import event_log

log = event_log(__name__)

_ID_LENGTH = 8
_REMEMBERED = 256


def logged(said: str) -> str:
    """The id under which the log has what a tool said; empty where it said nothing."""
    return _logged_once(said) if said else ""


@functools.lru_cache(maxsize=_REMEMBERED)
def _logged_once(said: str) -> str:
    log_id = hashlib.sha256(said.encode(errors="replace")).hexdigest()[:_ID_LENGTH]
    log.warning("what a tool said", log_id=log_id, said=said)
    return log_id
