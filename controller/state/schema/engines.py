"""Engines of the state's database: how its connections are set up, and what each keeps of pages."""

import functools
import operator
import time
from typing import Final

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.pool import ConnectionPoolEntry

from controller.state.schema.columns import read_json

_CACHE_KB: Final = 16_384
# Of groups of agents, statements come in several lengths.
_STATEMENTS_KEPT: Final = 512
# Pages that are written beside the file before they are put in their places: those that each report
# touches are put there once for many reports then.
_PAGES_BESIDE: Final = 4_000


def connected_engine(url: str, kept_s: float, connections: int) -> Engine:
    """An engine for the database at `url`, which keeps up to so many `connections` open.

    Where SQLite is it, a connection that is handed back lets go of the pages that it has read if it
    last did `kept_s` ago.
    """
    is_sqlite = make_url(url).get_backend_name() == "sqlite"
    kept = {"cached_statements": _STATEMENTS_KEPT} if is_sqlite else {}
    # By turns: what came back last would be taken again, and the others would keep their pages.
    engine = create_engine(
        url,
        json_deserializer=read_json,
        connect_args=kept,
        pool_size=connections,
        pool_use_lifo=False,
    )
    if is_sqlite:
        event.listen(engine, "connect", _tune_sqlite)
        event.listen(engine, "checkin", functools.partial(_let_go_of_pages, kept_s))
    return engine


def _tune_sqlite(connection: object, _record: object) -> None:
    # A text of which a disk made none would end every query of it.
    text = operator.methodcaller("decode", "utf-8", "replace")
    connection.text_factory = text  # type: ignore[attr-defined]
    # WAL lets readers go on while a report is written; FULL makes a committed report survive a
    # power cut, which is what ReportCommitted promises to the agent.
    cursor = connection.cursor()  # type: ignore[attr-defined]
    # Of a large fleet, pages that each report touches are more than the 2 MB that SQLite keeps.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=30000",
        f"cache_size=-{_CACHE_KB}",
        f"wal_autocheckpoint={_PAGES_BESIDE}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _let_go_of_pages(kept_s: float, connection: object, record: ConnectionPoolEntry) -> None:
    """Frees what a connection that is handed back keeps of pages.

    Each of several would keep as much of a history as its cache takes, which nobody reads again.
    """
    now_s = time.monotonic()
    if connection is None or now_s - record.info.setdefault("shrunk_s", now_s) < kept_s:
        return
    record.info["shrunk_s"] = now_s
    connection.execute("PRAGMA shrink_memory")  # type: ignore[attr-defined]
