"""Kinds of columns, which take and give the domain's values and keep texts and bytes.

What is stored may be of before a check, or rotten: a value of which nothing can be made comes back
as `Unreadable`, and the rows beside it as they are.
"""

import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeVar

import numpy as np
from cattrs import Converter
from cattrs.errors import StructureHandlerNotFoundError
from pydantic import TypeAdapter
from sqlalchemy import JSON, Boolean, LargeBinary, String, TypeDecorator
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from protos.inputs import ImageSize

_converter = Converter(detailed_validation=False)

# A specification of every backbone takes 30 KB.
_SHARED_AT_MOST: Final = 128

MadeT = TypeVar("MadeT")


@dataclass(frozen=True)
class Unreadable:
    """Stands for a stored value of which nothing can be made."""


def read_json(text: str | bytes) -> Any:
    """What a JSON text says; `Unreadable` where it is none."""
    return _read(json.loads, text)


def read_document(text: str, document_type: type[MadeT]) -> MadeT | Unreadable | None:
    """The dataclass of which this text was kept, for who reads many rows of the same one."""
    return _read(lambda kept: _converter.structure(json.loads(kept), document_type), text)


class IsJson(FunctionElement[bool]):
    """Whether a column's text is JSON, of which a path can be asked."""

    inherit_cache = True
    type = Boolean()


@compiles(IsJson)
def _is_json(_element: IsJson, _compiler: Any, **_options: Any) -> str:
    # A database that has a type for it has looked at it before.
    return "true"


@compiles(IsJson, "sqlite")
def _is_json_in_sqlite(element: IsJson, compiler: Any, **options: Any) -> str:
    return f"json_valid({compiler.process(element.clauses, **options)})"


def _read(make: Callable[[Any], MadeT], value: Any) -> MadeT | Unreadable | None:
    if value is None or isinstance(value, Unreadable):
        return value
    try:
        return make(value)
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        StructureHandlerNotFoundError,
        TypeError,
        ValueError,
    ):
        return Unreadable()


class Member(TypeDecorator[Enum]):
    """A member of an enum, kept as its value."""

    impl = String
    cache_ok = True

    def __init__(self, enum_type: type[Enum]) -> None:
        super().__init__()
        self.enum_type = enum_type

    def process_bind_param(self, value: Enum | None, dialect: Any) -> str | None:
        """What is kept of a member."""
        return None if value is None else value.value

    def result_processor(self, dialect: Any, coltype: Any) -> Callable[[Any], Any]:
        """The member of which this was kept; it is in memory already, as rows are many."""
        make = functools.partial(_read, self.enum_type)
        known = {each.value: each for each in self.enum_type}
        return lambda value: known[value] if value in known else make(value)


class Document(TypeDecorator[Any]):
    """A frozen dataclass, or a tuple of them, kept as JSON."""

    impl = JSON
    cache_ok = True

    def __init__(self, document_type: Any) -> None:
        super().__init__(none_as_null=True)
        self.document_type = document_type

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        """What is kept of a dataclass."""
        return None if value is None else _converter.unstructure(value)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        """The dataclass of which this was kept."""
        return _read(self._structured, value)

    def result_processor(self, dialect: Any, coltype: Any) -> Callable[[Any], Any]:
        """The same of a text: there are many in a row, each of which goes through one call."""
        make = super().result_processor(dialect, coltype)
        assert make is not None
        read = functools.partial(_read, self._of_text)

        def made(value: Any) -> Any:
            if value is None:
                return None
            return read(value) if isinstance(value, str) else make(value)

        return made

    def _of_text(self, text: str) -> Any:
        value = json.loads(text)
        return None if value is None else self._structured(value)

    def _structured(self, value: Any) -> Any:
        return _converter.structure(value, self.document_type)


class FigureDocument(Document):
    """A dataclass of figures, which each row has of its own: made of its text without a dict.

    Pydantic makes it, of a database's own type for JSON, too, and is stricter than what makes other
    documents: one with 3.7 for an integer, or with a number for a text, is `Unreadable`.
    """

    cache_ok = True

    def __init__(self, document_type: Any) -> None:
        super().__init__(document_type)
        # Not before one is read: putting an adapter together takes as long as starting the rest.
        self._adapter = functools.cache(lambda: TypeAdapter(document_type))

    def _of_text(self, text: str) -> Any:
        # What was kept as None is no document.
        return None if text == "null" else self._adapter().validate_json(text)

    def _structured(self, value: Any) -> Any:
        return self._adapter().validate_python(value)


class SharedDocument(Document):
    """A document that many rows have alike, as what jobs are told: made of the same text once.

    Its text is made of it once, too, as a sweep of 100,000 jobs is told few things.
    """

    cache_ok = True

    def bind_processor(self, dialect: Any) -> Callable[[Any], Any]:
        """The text of which the document is made again, the same for all rows that have it."""
        make = super().bind_processor(dialect)
        assert make is not None
        shared = functools.lru_cache(maxsize=_SHARED_AT_MOST)(make)

        def kept(value: Any) -> Any:
            try:
                return shared(value)
            except TypeError:
                # What has a mapping inside, as reasons have, has no hash.
                return make(value)

        return kept

    def result_processor(self, dialect: Any, coltype: Any) -> Callable[[Any], Any]:
        """The dataclass that all rows with this text share, which nobody can change."""
        make = super().result_processor(dialect, coltype)
        assert make is not None
        shared = functools.lru_cache(maxsize=_SHARED_AT_MOST)(make)
        # A database with a type for JSON gives what it says, and no text.
        return lambda value: shared(value) if isinstance(value, str) else make(value)


class Sides(TypeDecorator[ImageSize]):
    """The size of an image, kept as a text that is found again: 224x224."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: ImageSize | None, dialect: Any) -> str | None:
        """What is kept of a size."""
        return None if value is None else f"{value.height}x{value.width}"

    def process_result_value(self, value: str | None, dialect: Any) -> Any:
        """The size of which this was kept."""
        return _read(_size, value)


class Samples(TypeDecorator[Sequence[int]]):
    """Raw samples, kept for good: little-endian unsigned 64-bit integers, in their order."""

    impl = LargeBinary
    cache_ok = True
    PACKED = "<u8"

    def process_bind_param(self, value: Sequence[int] | None, dialect: Any) -> bytes | None:
        """The samples as bytes."""
        return None if value is None else np.asarray(value, dtype=self.PACKED).tobytes()

    def result_processor(self, dialect: Any, coltype: Any) -> Callable[[Any], Any]:
        """The samples, which 64-bit integers hold exactly.

        Of what is there: a number would be made that many bytes before.
        """
        return functools.partial(_read, _samples)


@functools.lru_cache(maxsize=_SHARED_AT_MOST)
def _size(text: str) -> ImageSize:
    return ImageSize(*map(int, text.split("x")))


def _samples(packed: bytes) -> tuple[int, ...]:
    samples = np.frombuffer(packed, dtype=Samples.PACKED)
    if samples.size and samples.max() >= 2**63:
        raise ValueError("a sample that no inference takes")
    return tuple(samples.tolist())
