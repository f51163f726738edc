"""Reports that the controller does not take: aside for a person, and only so many."""

import hashlib
from pathlib import Path
from typing import Final

from agent.state_folder import StateUnusable, put_in_place, reason_of
from protos.log_lines import event_log
from protos.names import is_name

log = event_log(__name__)

MAX_REPORTS: Final = 100
MAX_BYTES: Final = 64 * 1024**2


class Quarantine:
    """A folder with a file for each attempt, encoded as the controller was sent it."""

    def __init__(
        self, folder: Path, max_reports: int = MAX_REPORTS, max_bytes: int = MAX_BYTES
    ) -> None:
        self._folder = folder
        self._max_reports = max_reports
        self._max_bytes = max_bytes

    def keep(self, attempt_id: str, report: bytes) -> Path:
        """Keep a report, on disk when this returns; those that came first go for it.

        Returns:
            Its file.

        Raises:
            StateUnusable: it could not be written.
        """
        # The id is the controller's, and becomes a path here.
        known = is_name(attempt_id)
        name = attempt_id if known else hashlib.sha256(attempt_id.encode()).hexdigest()
        path = self._folder / f"{name}.report"
        try:
            self._folder.mkdir(exist_ok=True)
            beside = path.with_suffix(".part")
            beside.write_bytes(report)
            put_in_place(beside, path)
            self._make_room(path)
        except OSError as error:
            raise StateUnusable(
                f"no report can be set aside in {self._folder}: {reason_of(error)}"
            ) from error
        return path

    def _make_room(self, newest: Path) -> None:
        kept = [(path.stat(), path) for path in self._folder.iterdir() if path != newest]
        count, used = 1 + len(kept), newest.stat().st_size + sum(stat.st_size for stat, _ in kept)
        for stat, path in sorted(kept, key=lambda each: (each[0].st_mtime_ns, each[1])):
            if count <= self._max_reports and used <= self._max_bytes:
                return
            path.unlink()
            log.warning("a refused report is dropped: there is room for no more", path=path)
            count, used = count - 1, used - stat.st_size
