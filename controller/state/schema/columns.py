"""Kinds of columns, which take and give the domain's values and keep texts and bytes."""

import json
from collections.abc import Sequence
from enum import Enum
from typing import Any, TypeVar

import numpy as np
from cattrs import Converter
from sqlalchemy import JSON, LargeBinary, String, TypeDecorator

from protos.inputs import ImageSize

DocumentT = TypeVar("DocumentT")

_converter = Converter(detailed_validation=False)


def read_document(text: str, document_type: type[DocumentT]) -> DocumentT:
    """The dataclass of which this text was kept, for who reads many rows of the same one."""
    return _converter.structure(json.loads(text), document_type)


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

    def process_result_value(self, value: str | None, dialect: Any) -> Enum | None:
        """The member of which this was kept."""
        return None if value is None else self.enum_type(value)


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
        return None if value is None else _converter.structure(value, self.document_type)


class Sides(TypeDecorator[ImageSize]):
    """The size of an image, kept as a text that is found again: 224x224."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: ImageSize | None, dialect: Any) -> str | None:
        """What is kept of a size."""
        return None if value is None else f"{value.height}x{value.width}"

    def process_result_value(self, value: str | None, dialect: Any) -> ImageSize | None:
        """The size of which this was kept."""
        return None if value is None else ImageSize(*map(int, value.split("x")))


class Samples(TypeDecorator[Sequence[int]]):
    """Raw samples, kept for good: little-endian unsigned 64-bit integers, in their order."""

    impl = LargeBinary
    cache_ok = True
    _PACKED = "<u8"

    def process_bind_param(self, value: Sequence[int] | None, dialect: Any) -> bytes | None:
        """The samples as bytes."""
        return None if value is None else np.asarray(value, dtype=self._PACKED).tobytes()

    def process_result_value(self, value: bytes | None, dialect: Any) -> tuple[int, ...] | None:
        """The samples, which 64-bit integers hold exactly."""
        return None if value is None else tuple(np.frombuffer(value, dtype=self._PACKED).tolist())
