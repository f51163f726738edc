"""Reports until the controller has them or refuses them, whatever the disk does meanwhile."""

from agent.link.kept.spool import Spool
from agent.link.wire import check_kept_report
from agent.state_folder import StateUnusable
from protos.codec import MessageInvalid
from protos.log_lines import event_log

log = event_log(__name__)


class Keeping:
    """The spool, and this process's memory where the disk takes nothing."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._unspooled: dict[str, bytes] = {}

    def pending(self) -> tuple[str, ...]:
        """The attempts whose reports are kept, oldest first."""
        return (*self._spool.pending(), *self._unspooled)

    def keep(self, attempt_id: str, report: bytes) -> None:
        """Keep a report; at least for as long as this process lives."""
        try:
            self._spool.put(attempt_id, report)
        except StateUnusable as error:
            log.error("a report is kept in memory only", attempt=attempt_id, error=error)
            self._unspooled[attempt_id] = report

    def find(self, attempt_id: str) -> bytes | None:
        """The report of an attempt, if it is kept.

        Raises:
            MessageInvalid: what is kept is no report of it any more, or cannot be read.
        """
        try:
            report = self._kept(attempt_id)
        except StateUnusable as error:
            raise MessageInvalid(str(error)) from error
        if report is not None:
            check_kept_report(attempt_id, report)
        return report

    def forget(self, attempt_id: str) -> None:
        """Keep a report no longer."""
        self._unspooled.pop(attempt_id, None)
        try:
            self._spool.forget(attempt_id)
        except StateUnusable as error:
            # It is sent once more at the next start, and committed once all the same.
            log.error("a report that was sent stays in the spool", attempt=attempt_id, error=error)

    def set_aside(self, attempt_id: str, why: str) -> None:
        """Let nobody send a report any more, and keep it for a person."""
        try:
            report = self._kept(attempt_id)
            if report is None:
                return
            path = self._spool.set_aside(attempt_id, report)
        except StateUnusable as error:
            # It is sent once more at the next start, and refused once more.
            log.error("a refused report stays in the spool", attempt=attempt_id, error=error)
        else:
            self._unspooled.pop(attempt_id, None)
            log.error(
                "a report is refused; it is set aside", attempt=attempt_id, why=why, path=path
            )

    def _kept(self, attempt_id: str) -> bytes | None:
        return self._unspooled.get(attempt_id) or self._spool.get(attempt_id)
