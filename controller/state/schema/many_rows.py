"""Statements that write many rows: what each row gives is looked at once, not once for each row."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import repeat
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, Delete, Dialect, Insert, Update

_Kept: TypeAlias = Callable[[Any], Any]
_Written: TypeAlias = Insert | Update | Delete
# Of each kind of database one, and of each statement that is written here.
_PUT_TOGETHER_AT_MOST: Final = 128


class _PutTogether:
    """A statement as a kind of database takes it, and what it makes of each value."""

    def __init__(self, statement: _Written, columns: tuple[str, ...], dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(columns))
        self.text = str(compiled)
        # What has no name there is asked for by its place.
        self._names = tuple(compiled.positiontup or compiled.bind_names.values())
        self._is_positional = compiled.positiontup is not None
        self._kept = [
            (name, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect))
            for name in self._names
        ]
        given = frozenset(columns)
        # What the statement itself says, alike in all rows.
        self._said = {
            name: _made(kept, compiled.params[name])
            for name, kept in self._kept
            if name not in given
        }

    def values(self, rows: Sequence[Mapping[str, object]]) -> list[Any]:
        """What the driver is given of rows, column by column, as many have the same in them."""
        columns = [
            repeat(self._said[name], len(rows))
            if name in self._said
            else _each_made(kept, [row[name] for row in rows])
            for name, kept in self._kept
        ]
        by_row = zip(*columns, strict=True)
        if self._is_positional:
            return list(by_row)
        return [dict(zip(self._names, values, strict=True)) for values in by_row]


def write_rows(
    transaction: Connection, statement: _Written, rows: Sequence[Mapping[str, object]]
) -> int:
    """Executes a statement for each of some rows.

    SQLAlchemy asks of each row by itself what becomes of which value, which takes longer than a
    database takes to write it.

    Args:
        transaction: the caller's, which writes.
        statement: put together once, without lists of which each row gives another number.
        rows: at least one; what each gives, by the names of columns and parameters, alike in all.

    Returns:
        How many rows were written.
    """
    put = _put_together(statement, tuple(rows[0]), transaction.dialect)
    return transaction.exec_driver_sql(put.text, put.values(rows)).rowcount


@lru_cache(maxsize=_PUT_TOGETHER_AT_MOST)
def _put_together(statement: _Written, columns: tuple[str, ...], dialect: Dialect) -> _PutTogether:
    return _PutTogether(statement, columns, dialect)


def _each_made(kept: _Kept | None, values: Sequence[Any]) -> Iterable[Any]:
    return values if kept is None else _each_once(kept, values)


def _each_once(kept: _Kept, values: Sequence[Any]) -> Iterator[Any]:
    """What is kept of each value, made once of one that stands in rows after each other."""
    last, made = values[0], kept(values[0])
    for value in values:
        if value is not last:
            last, made = value, kept(value)
        yield made


def _made(kept: _Kept | None, value: Any) -> Any:
    return value if kept is None else kept(value)
