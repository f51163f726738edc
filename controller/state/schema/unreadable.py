"""Rows of which nothing can be made: left out and told by their ids, so that one spoils no answer.

What is stored was checked before; but disks rot, and a database may be older than a check.
"""

import asyncio
import functools
import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field, fields, is_dataclass
from itertools import chain, islice
from operator import attrgetter
from types import UnionType
from typing import Any, Final, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

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
_LOOKED_AT_TOGETHER: Final = 100

MadeT = TypeVar("MadeT")
AnswerT = TypeVar("AnswerT")
_Values: TypeAlias = Collection[Any]
_Fit: TypeAlias = Callable[[_Values], bool]
"""Whether all of some values are what a field may hold."""


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
    waiting = iter(rows)
    while some := list(islice(waiting, _LOOKED_AT_TOGETHER)):
        made = [_made(row, make) for row in some]
        # Of many that are alike it is found at once that all fit, which nearly always they do.
        if _all_fit(made):
            yield from made  # type: ignore[misc]  # None of them says why there is nothing.
            continue
        for row, each in zip(some, made, strict=True):
            why = each.why if isinstance(each, _Nothing) else misfit_of(each)
            if why:
                _leave_out(kind, str(row[key]), why)
            else:
                yield each  # type: ignore[misc]  # Likewise.


@dataclass(frozen=True, slots=True)
class _Nothing:
    """Stands for what could not be made of a row."""

    why: str


def _made(row: RowMapping, make: Callable[[RowMapping], MadeT]) -> MadeT | _Nothing:
    try:
        return make(row)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        return _Nothing(first_unreadable(row.items()) or str(error) or type(error).__name__)


def _all_fit(made: Sequence[object]) -> bool:
    of_type: Any = type(made[0])
    return _Nothing not in map(type, made) and _fits(of_type, MAX_COUNT)(made)


def misfit_of(made: object) -> str:
    """The first field of a dataclass that holds what it is not declared to; empty when all fit.

    Whole numbers are those that are counted with, from 0 to what a message has room for; figures
    are finite.
    """
    made_type: Any = type(made)
    for name, fit in _declared(made_type):
        if not fit((getattr(made, name),)):
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
def _declared(dataclass_type: Any) -> tuple[tuple[str, _Fit], ...]:
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


def _fits_field(name: str, hint: Any) -> _Fit:
    if is_signed(name):
        return _whole(-MAX_SIGNED, MAX_SIGNED)
    if name.endswith("_unix_ms"):
        # Of a clock that is wrong, whose moments may be before 1970.
        moment = _whole(-MAX_WHOLE, MAX_WHOLE)
        return _or_none(moment) if type(None) in get_args(hint) else moment
    return _fits(hint, MAX_WHOLE if is_wide(name) else MAX_COUNT)


@functools.cache
def _fits(hint: Any, most: int) -> _Fit:
    """Whether values are of what a field is declared to hold, whole numbers up to the most."""
    origin = get_origin(hint)
    if origin is not None:
        return _fits_generic(origin, get_args(hint), most)
    if hint is int:
        return _whole(0, most)
    if hint is str:
        return _are_texts
    if hint is float:
        return _are_figures
    if hasattr(hint, "_fields"):
        return _fits_named(hint)
    return _fits_object(hint)


def _fits_object(hint: Any) -> _Fit:
    """Of anything but a dataclass its kind is all that is asked."""

    def fit(values: _Values) -> bool:
        if not _are_all(hint, values):
            return False
        declared = _declared(hint)
        # What many share is looked at once.
        distinct = list({id(value): value for value in values}.values()) if declared else ()
        return not distinct or all(
            of_field(list(map(attrgetter(name), distinct))) for name, of_field in declared
        )

    return fit


def _fits_generic(origin: Any, parts: tuple[Any, ...], most: int) -> _Fit:
    if origin in (Union, UnionType):
        some = tuple(_fits(part, most) for part in parts if part is not type(None))
        fit = some[0] if len(some) == 1 else _any_of(some)
        return _or_none(fit) if type(None) in parts else fit
    if origin is Mapping:
        return _fits_items(*(_fits(part, most) for part in parts))
    if origin is tuple and parts[-1] is not Ellipsis:
        return lambda values: all(
            isinstance(value, tuple) and len(value) == len(parts) for value in values
        )
    # Samples are many, and whole numbers by the column that holds them.
    are_samples = parts[0] is int and most == MAX_WHOLE
    return _fits_each(None if are_samples else _fits(parts[0], most))


def _or_none(fit: _Fit) -> _Fit:
    return lambda values: fit([value for value in values if value is not None])


def _any_of(alternatives: tuple[_Fit, ...]) -> _Fit:
    return lambda values: all(any(fit((value,)) for fit in alternatives) for value in values)


def _fits_each(fit: _Fit | None) -> _Fit:
    return lambda values: (
        _are_all((tuple, list), values) and (fit is None or fit(list(chain.from_iterable(values))))
    )


def _fits_items(fit_key: _Fit, fit_value: _Fit) -> _Fit:
    return lambda values: (
        _are_all(Mapping, values)
        and fit_key(list(chain.from_iterable(values)))
        and fit_value([each for value in values for each in value.values()])
    )


def _fits_named(hint: Any) -> _Fit:
    parts = [_fits(part, MAX_COUNT) for part in get_type_hints(hint).values()]
    return lambda values: (
        _are_all(hint, values)
        and all(fit(column) for fit, column in zip(parts, zip(*values, strict=True), strict=False))
    )


def _are_all(kinds: Any, values: _Values) -> bool:
    """Whether each is of the kind, or of one of these; of many there are few types."""
    return all(issubclass(each, kinds) for each in set(map(type, values)))


def _whole(least: int, most: int) -> _Fit:
    return lambda values: (
        _are_all(int, values) and (not values or least <= min(values) <= max(values) <= most)
    )


def _are_figures(values: _Values) -> bool:
    if set(map(type, values)) <= {float}:
        return all(map(math.isfinite, values))
    return all(
        math.isfinite(value) if isinstance(value, float) else _is_whole(value) for value in values
    )


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and abs(value) <= MAX_WHOLE


def _are_texts(values: _Values) -> bool:
    return _are_all(str, values) and all(map(_is_text, set(values)))


def _is_text(value: str) -> bool:
    if len(value) > MAX_TEXT:
        return False
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        # Half of a pair, which no file or message can hold.
        return False
    return True
