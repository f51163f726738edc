"""Rows of which nothing can be made: left out and told by their ids, so that one spoils no answer.

What is stored was checked before; but disks rot, and a database may be older than a check.
"""

import asyncio
import functools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field, fields, is_dataclass
from types import UnionType
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

from sqlalchemy import RowMapping

from controller.state.schema.columns import Unreadable
from protos.log_lines import event_log
from protos.names import printable

log = event_log(__name__)

MAX_WHOLE: Final = 2**63 - 1
MAX_COUNT: Final = 2**32 - 1
# Of names with whole numbers that the contract has 64 bits for; all others have 32.
_WIDE: Final = re.compile(
    r".*_(ms|ns|bytes|khz|uj)|call_count|input_seed|quota_(period|throttled)_count"
)
# Names with whole numbers that may be below 0.
_SIGNED: Final = frozenset({"priority"})
MAX_SIGNED: Final = 2**31 - 1
MAX_TEXT: Final = 4_000_000
_SHOWN_ID: Final = 40
_REMEMBERED: Final = 1_024
_FITTED_AT_MOST: Final = 32
_WITH_NONE: Final = 2

MadeT = TypeVar("MadeT")
AnswerT = TypeVar("AnswerT")
_Fits = Callable[[Any], bool]


@dataclass
class LeftOut:
    """What is left out of one answer: by kind of row, why each is, by its id."""

    rows: dict[str, dict[str, str]] = field(default_factory=dict)


_of_answer: ContextVar[LeftOut | None] = ContextVar("left_out", default=None)


def note_left_out() -> LeftOut:
    """Begins to note what is left out of the answer that is made in this context, threads too."""
    noted = LeftOut()
    _of_answer.set(noted)
    return noted


async def answered_in(threads: ThreadPoolExecutor, answer: Callable[[], AnswerT]) -> AnswerT:
    """What a thread gives; what it leaves out is noted in the context of who asks."""
    in_context = functools.partial(copy_context().run, answer)
    return await asyncio.get_running_loop().run_in_executor(threads, in_context)


def readable(
    kind: str, key: str, rows: Iterable[RowMapping], make: Callable[[RowMapping], MadeT]
) -> Iterator[MadeT]:
    """What is made of rows, without those of which nothing can be made.

    Args:
        kind: of row, in words: `measurement`.
        key: the column of its id.
        rows: of one query.
        make: what makes a domain object of a row; what it raises says that it cannot.
    """
    for row in rows:
        try:
            made = make(row)
            why = misfit_of(made)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            why = first_unreadable(row.items()) or str(error) or type(error).__name__
        if why:
            _leave_out(kind, str(row[key]), why)
        else:
            yield made


def misfit_of(made: object) -> str:
    """The first field of a dataclass that holds what it is not declared to; empty when all fit.

    Whole numbers are those that are counted with, from 0 to what a message has room for; figures
    are finite.
    """
    made_type: Any = type(made)
    for name, fits in _declared(made_type):
        if not fits(getattr(made, name)):
            return name
    return ""


def finite(stored: object) -> float | None:
    """A figure that is one, as it is stored; None for whatever else is."""
    is_figure = isinstance(stored, int | float) and math.isfinite(stored)
    return float(stored) if is_figure else None  # type: ignore[arg-type]  # It was asked above.


def first_unreadable(stored: Iterable[tuple[object, object]]) -> str:
    """The name of the first of some named values that cannot be read; empty when all can."""
    return next((str(name) for name, value in stored if isinstance(value, Unreadable)), "")


def _leave_out(kind: str, row_id: str, why: str) -> None:
    shown = printable(row_id)[:_SHOWN_ID]
    _log_once(kind, shown, printable(why))
    noted = _of_answer.get()
    if noted is not None:
        noted.rows.setdefault(kind, {})[shown] = printable(why)


@functools.lru_cache(maxsize=_REMEMBERED)
def _log_once(kind: str, shown_id: str, why: str) -> None:
    log.warning("what is stored cannot be read, and is left out", kind=kind, id=shown_id, why=why)


@functools.cache
def _declared(dataclass_type: Any) -> tuple[tuple[str, _Fits], ...]:
    """What each field of a dataclass may hold; of anything else nothing is declared."""
    if not is_dataclass(dataclass_type):
        return ()
    hints = get_type_hints(dataclass_type)
    names = [each.name for each in fields(dataclass_type)]
    return tuple((name, _fits_field(name, hints[name])) for name in names)


def is_wide(name: str) -> bool:
    """Whether a field of this name may hold more than 32 bits."""
    return _WIDE.fullmatch(name) is not None


def is_signed(name: str) -> bool:
    """Whether a field of this name may hold less than 0."""
    return name in _SIGNED


def _fits_field(name: str, hint: Any) -> _Fits:
    if is_signed(name):
        return lambda value: isinstance(value, int) and abs(value) <= MAX_SIGNED
    if name.endswith("_unix_ms"):
        return _fits_moment(hint)
    return _fits(hint, MAX_WHOLE if is_wide(name) else MAX_COUNT)


def _fits_moment(hint: Any) -> _Fits:
    """Of a clock that is wrong, whose moments may be before 1970."""
    is_optional = type(None) in get_args(hint)
    return lambda value: (
        (value is None and is_optional) or (isinstance(value, int) and abs(value) <= MAX_WHOLE)
    )


@functools.cache
def _fits(hint: Any, most: int) -> _Fits:
    """Whether a value is of what a field is declared to hold, whole numbers up to the most."""
    origin = get_origin(hint)
    if origin is not None:
        return _fits_generic(origin, get_args(hint), most)
    if hint is int:
        return lambda value: isinstance(value, int) and 0 <= value <= most
    if hasattr(hint, "_fields"):
        return _fits_named(hint)
    if hint in _SCALARS:
        return _SCALARS[hint]
    if any(map(is_dataclass, get_type_hints(hint).values() if is_dataclass(hint) else ())):
        return _fits_shared(hint)
    # Of anything but a dataclass its kind is all that is asked.
    return lambda value: isinstance(value, hint) and not misfit_of(value)


def _fits_shared(hint: Any) -> _Fits:
    """As any dataclass, of a large one that many rows share: what fitted last is looked at once."""
    fitting: dict[int, object] = {}

    def fits(value: Any) -> bool:
        if fitting.get(id(value)) is value:
            return True
        if not isinstance(value, hint) or misfit_of(value):
            return False
        if len(fitting) >= _FITTED_AT_MOST:
            fitting.clear()
        fitting[id(value)] = value
        return True

    return fits


def _fits_generic(origin: Any, parts: tuple[Any, ...], most: int) -> _Fits:
    if origin in (Union, UnionType):
        return _fits_any(tuple(_fits(part, most) for part in parts))
    if origin is Mapping:
        return _fits_items(*(_fits(part, most) for part in parts))
    if origin is tuple and parts[-1] is not Ellipsis:
        return lambda value: isinstance(value, tuple) and len(value) == len(parts)
    # Samples are many, and whole numbers by the column that holds them.
    are_samples = parts[0] is int and most == MAX_WHOLE
    return _fits_each(None if are_samples else _fits(parts[0], most))


def _fits_any(alternatives: tuple[_Fits, ...]) -> _Fits:
    if len(alternatives) == _WITH_NONE:
        first, second = alternatives
        return lambda value: first(value) or second(value)
    return lambda value: any(fits(value) for fits in alternatives)


def _fits_each(fits: _Fits | None) -> _Fits:
    return lambda value: isinstance(value, tuple | list) and (fits is None or all(map(fits, value)))


def _fits_items(fits_key: _Fits, fits_value: _Fits) -> _Fits:
    return lambda value: (
        isinstance(value, Mapping)
        and all(fits_key(key) and fits_value(each) for key, each in value.items())
    )


def _fits_named(hint: Any) -> _Fits:
    parts = [_fits(part, MAX_COUNT) for part in get_type_hints(hint).values()]
    return lambda value: (
        isinstance(value, hint) and all(fits(each) for fits, each in zip(parts, value, strict=True))
    )


def _is_text(value: object) -> bool:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        return False
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        # Half of a pair, which no file or message can hold.
        return False
    return True


_SCALARS: Final[Mapping[Any, _Fits]] = {
    str: _is_text,
    float: lambda value: finite(value) is not None,
}
