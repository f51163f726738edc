"""Reports that the controller has not committed yet; they survive restarts and power cuts."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from agent.link.kept.quarantine import Quarantine
from agent.link.kept.spool_file import is_damage, open_spool
from agent.state_folder import StateUnusable, reason_of

REFUSED: Final = "refused"
"""The folder beside it of reports that were set aside."""


class Spool:
    """Encoded reports by attempt, oldest first."""

    def __init__(self, path: Path) -> None:
        """Open it; a file that is damaged is set aside, with what can be read of it kept.

        Raises:
            StateUnusable: it cannot be opened.
        """
        self._path = path
        self._quarantine = Quarantine(path.parent / REFUSED)
        with self._told():
            self._database = open_spool(path)

    def put(self, attempt_id: str, report: bytes) -> None:
        """Keep a report; on disk when this returns. The first report of an attempt stays.

        Raises:
            StateUnusable: it could not be written.
        """
        with self._told():
            self._database.execute(
                "INSERT INTO report VALUES (?, ?) ON CONFLICT DO NOTHING", (attempt_id, report)
            )

    def get(self, attempt_id: str) -> bytes | None:
        """The report of an attempt, if it is kept.

        Raises:
            StateUnusable: it could not be read.
        """
        with self._told():
            row = self._database.execute(
                "SELECT content FROM report WHERE attempt_id = ?", (attempt_id,)
            ).fetchone()
        return row[0] if row else None

    def pending(self) -> tuple[str, ...]:
        """The attempts whose reports are kept, oldest first."""
        with self._told():
            rows = self._database.execute("SELECT attempt_id FROM report ORDER BY rowid").fetchall()
        return tuple(row[0] for row in rows)

    def forget(self, attempt_id: str) -> None:
        """Keep the report no longer; an unknown attempt is no error."""
        with self._told():
            self._database.execute("DELETE FROM report WHERE attempt_id = ?", (attempt_id,))

    def set_aside(self, attempt_id: str, report: bytes) -> Path:
        """Move a report into the quarantine beside; gives its file there.

        Raises:
            StateUnusable: it could not be written there; it stays here.
        """
        path = self._quarantine.keep(attempt_id, report)
        self.forget(attempt_id)
        return path

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            advice = (
                "start the agent again, which sets it aside and delivers what can still be read"
                if is_damage(error)
                else "make room or give another state folder"
            )
            raise StateUnusable(
                f"the spool of reports {self._path} cannot be used: {error}; {advice}"
            ) from error
        except OSError as error:
            raise StateUnusable(
                f"the spool of reports {self._path} is damaged and cannot be set aside: "
                f"{reason_of(error)}"
            ) from error
