"""What a database is asked, and how it finds the answers."""

import re
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, event

from controller.state.database import Database

# It looks at every row, or makes itself an index of every row first. What it is given, it reads.
_WALKS = re.compile(r"SCAN (?!(?:\d+ )?CONSTANT|given\b)|AUTOMATIC")
# It reads everything that it finds before it gives the first.
_SORTS = "TEMP B-TREE FOR ORDER BY"


@dataclass(frozen=True)
class Statement:
    """One statement with what it was given, and the thread that asked."""

    text: str
    parameters: Any
    thread: str


@contextmanager
def heard(database: Database) -> Iterator[list[Statement]]:
    """Every statement from now on, until the block ends."""
    asked: list[Statement] = []

    def note(_connection: Connection, _cursor: object, text: str, given: Any, *_: object) -> None:
        asked.append(Statement(text, given, threading.current_thread().name))

    for engine in database.engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        for engine in database.engines:
            event.remove(engine, "before_cursor_execute", note)


def walking(database: Database, asked: list[Statement]) -> dict[str, list[str]]:
    """The steps of statements that look at more than they give, by statement."""
    found = {}
    with (
        closing(database.engine.raw_connection()) as connection,
        closing(connection.cursor()) as cursor,
    ):
        for statement in asked:
            if statement.text.split()[0] not in ("SELECT", "INSERT", "UPDATE", "DELETE"):
                continue
            many = isinstance(statement.parameters, list)
            given = statement.parameters[0] if many else statement.parameters
            cursor.execute(f"EXPLAIN QUERY PLAN {statement.text}", given)
            steps = [str(row[-1]) for row in cursor.fetchall()]
            is_first = "LIMIT" in statement.text
            walks = [step for step in steps if _WALKS.search(step) or (is_first and _SORTS in step)]
            if walks:
                found[statement.text] = walks
    return found
