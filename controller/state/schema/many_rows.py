"""Statements that write many rows: what each row gives is looked at once, not once for each row.

Where SQLite is the database, the rows of a group go into one statement: between two steps of a
statement the driver lets other threads go on and waits until they let it go on again, which takes
longer than a step where these have much to do.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import chain, repeat
from typing import Any, Final, TypeAlias, TypeVar

from sqlalchemy import Connection, Delete, Dialect, Insert, Update

ItemT = TypeVar("ItemT")
_Kept: TypeAlias = Callable[[Any], Any]
_Written: TypeAlias = Insert | Update | Delete
# Of each kind of database one, and of each statement that is written here.
_PUT_TOGETHER_AT_MOST: Final = 128
# A statement of thousands is read anew each time, as it is hardly ever kept.
_VALUES_AT_ONCE: Final = 8_192
# The first SQLite that changes rows by those of another table, and takes more than 999 values.
_TAKES_MANY_ROWS: Final = (3, 33)
_PLACE: Final = "?"


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

    @property
    def rows_at_once(self) -> int:
        """How many rows one statement takes."""
        return max(1, _VALUES_AT_ONCE // max(1, len(self._names)))

    def adding(self, count: int) -> str:
        """The statement, an INSERT that ends in its VALUES, for so many rows."""
        return self.text + f", {self._row}" * (count - 1)

    def changing(self, count: int) -> str:
        """The statement, an UPDATE, for so many rows."""
        change, which = self._change
        return f"{change} FROM (VALUES {', '.join([self._row] * count)}) AS given WHERE {which}"

    @cached_property
    def _row(self) -> str:
        return f"({', '.join([_PLACE] * len(self._names))})"

    @cached_property
    def _change(self) -> tuple[str, str]:
        """What is changed and of which rows, by the columns of the table that is given."""
        parts = self.text.split(_PLACE)
        columns = (f"given.column{number}" for number in range(1, len(parts)))
        told = "".join(chain.from_iterable(zip(parts, chain(columns, [""]), strict=True)))
        change, which = told.split(" WHERE ")
        return change, which


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
    values = put.values(rows)
    if not isinstance(statement, Insert) or not _takes_many_rows(transaction.dialect):
        return transaction.exec_driver_sql(put.text, values).rowcount
    written = 0
    for some in _parts(values, put.rows_at_once):
        written += transaction.exec_driver_sql(put.adding(len(some)), _flat(some)).rowcount
    return written


def change_rows(
    transaction: Connection, statement: Update, rows: Sequence[Mapping[str, object]]
) -> int:
    """Executes a change as `write_rows` does, where no two rows change the same one of the table.

    Args:
        transaction: the caller's, which writes.
        statement: as there, and with a single condition and no query in it.
        rows: as there.

    Returns:
        How many rows were changed.
    """
    if len(rows) == 1 or not _takes_many_rows(transaction.dialect):
        return write_rows(transaction, statement, rows)
    put = _put_together(statement, tuple(rows[0]), transaction.dialect)
    changed = 0
    for some in _parts(put.values(rows), put.rows_at_once):
        given = in_few_lengths(some)
        text = put.changing(len(given))
        changed += transaction.exec_driver_sql(text, _flat(given)).rowcount
    return changed


def in_few_lengths(items: Sequence[ItemT]) -> list[ItemT]:
    """The items, the last of them so often that few lengths come to be: powers of 2.

    A list that is as long as one before makes the same statement, which the driver has kept.
    """
    if not items:
        return []
    length = 1 << (len(items) - 1).bit_length()
    return [*items, *repeat(items[-1], length - len(items))]


@lru_cache(maxsize=_PUT_TOGETHER_AT_MOST)
def _put_together(statement: _Written, columns: tuple[str, ...], dialect: Dialect) -> _PutTogether:
    return _PutTogether(statement, columns, dialect)


def _takes_many_rows(dialect: Dialect) -> bool:
    version = getattr(dialect.dbapi, "sqlite_version_info", (0,))
    return dialect.name == "sqlite" and version >= _TAKES_MANY_ROWS


def _parts(values: Sequence[ItemT], at_once: int) -> Iterator[Sequence[ItemT]]:
    for begin in range(0, len(values), at_once):
        yield values[begin : begin + at_once]


def _flat(rows: Iterable[Iterable[Any]]) -> tuple[Any, ...]:
    return tuple(chain.from_iterable(rows))


def _each_made(kept: _Kept | None, values: Sequence[Any]) -> Iterable[Any]:
    if kept is None:
        return values
    # Most columns of a group have the very same in each row: a state, or nothing.
    if len(set(map(id, values))) == 1:
        return repeat(kept(values[0]), len(values))
    return _each_once(kept, values)


def _each_once(kept: _Kept, values: Sequence[Any]) -> Iterator[Any]:
    """What is kept of each value, made once of one that stands in rows after each other."""
    last, made = values[0], kept(values[0])
    for value in values:
        if value is not last:
            last, made = value, kept(value)
        yield made


def _made(kept: _Kept | None, value: Any) -> Any:
    return value if kept is None else kept(value)
