"""Tables of dataclasses, as notebooks like them: Arrow and pandas, a column a figure."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

from controller.domain.errors import EdgerankError, ErrorCode

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

ItemT = TypeVar("ItemT")
Read = Callable[[Any], Any]


class Table(Sequence[ItemT], Generic[ItemT]):
    """Dataclasses of one kind in an order, which are a table, too.

    A column is a field; of a dataclass within, each of its fields with the name before it, as in
    `latency_median_ms`. An enum is its value. What is a list of dataclasses, as raw samples are, is
    no column: the items themselves have it.
    """

    def __init__(self, kind: type[ItemT], items: Sequence[ItemT]) -> None:
        """`kind` says which columns there are, also where there are no items."""
        self._kind = kind
        self._items = tuple(items)

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[ItemT]:
        return iter(self._items)

    def __getitem__(self, position: Any) -> Any:
        """An item; of a slice, a table."""
        if isinstance(position, slice):
            return Table(self._kind, self._items[position])
        return self._items[position]

    def __repr__(self) -> str:
        return f"Table({len(self)} of {self._kind.__name__})"

    def to_arrow(self) -> pa.Table:
        """As an Arrow table; units stand in the names of its columns."""
        import pyarrow as pa  # noqa: PLC0415 - large, and not everybody wants tables

        columns = {
            name: pa.array([read(item) for item in self._items], _arrow_type(kind))
            for name, kind, read in _columns(self._kind)
        }
        return pa.table(columns)

    def to_pandas(self) -> pd.DataFrame:
        """As a DataFrame.

        Raises:
            EdgerankError: PRECONDITION where pandas is not installed.
        """
        try:
            import pandas  # noqa: F401, PLC0415 - of an extra
        except ImportError as error:
            raise EdgerankError(
                ErrorCode.PRECONDITION,
                "pandas is not installed here; install it in edgerank's folder with: "
                "pip install '.[notebooks]', or take to_arrow()",
            ) from error
        return self.to_arrow().to_pandas()


def _columns(
    kind: Any, prefix: str = "", read: Read = lambda item: item
) -> Iterator[tuple[str, Any, Read]]:
    """The name, the type and the way to it of each column."""
    hints = get_type_hints(kind)
    for field in dataclasses.fields(kind):
        name, declared = f"{prefix}{field.name}", _without_none(hints[field.name])
        reading = partial(_field, read, field.name)
        if dataclasses.is_dataclass(declared):
            yield from _columns(declared, f"{name}_", reading)
        elif not _is_of_dataclasses(declared):
            yield name, declared, partial(_told, reading)


def _field(read: Read, name: str, item: Any) -> Any:
    outer = read(item)
    return None if outer is None else getattr(outer, name)


def _told(read: Read, item: Any) -> Any:
    value = read(item)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [each.value if isinstance(each, Enum) else each for each in value]
    return value


def _without_none(declared: Any) -> Any:
    if get_origin(declared) in (Union, types.UnionType):
        kinds = [each for each in get_args(declared) if each is not type(None)]
        return kinds[0] if len(kinds) == 1 else str
    return declared


def _is_of_dataclasses(declared: Any) -> bool:
    return any(
        dataclasses.is_dataclass(each) or get_origin(each) is not None
        for each in map(_without_none, get_args(declared))
    )


def _arrow_type(declared: Any) -> pa.DataType | None:
    """The type of a column; None where its values tell it."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    if get_origin(declared) is tuple:
        element = _arrow_type(get_args(declared)[0])
        return None if element is None else pa.list_(element)
    if isinstance(declared, type) and issubclass(declared, Enum):
        return pa.string()
    # An own order: bool is an int, too.
    for kind, arrow in ((bool, pa.bool_()), (int, pa.int64()), (float, pa.float64())):
        if declared is kind:
            return arrow
    return pa.string() if declared is str else None
