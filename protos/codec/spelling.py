"""How the contract spells what dataclasses have: enums, figures, and which fields hold numbers."""

import math
import re
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Final

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

_FRACTIONS: Final = frozenset({FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE})
_NUMBERS: Final = _FRACTIONS | {
    FieldDescriptor.CPPTYPE_INT32,
    FieldDescriptor.CPPTYPE_INT64,
    FieldDescriptor.CPPTYPE_UINT32,
    FieldDescriptor.CPPTYPE_UINT64,
    FieldDescriptor.CPPTYPE_BOOL,
}


def is_number(field: FieldDescriptor) -> bool:
    """Whether a field holds a number, or several."""
    return field.cpp_type in _NUMBERS


def is_fraction(field: FieldDescriptor) -> bool:
    """Whether a field holds a number that may have no figure: infinite, or none at all."""
    return field.cpp_type in _FRACTIONS


def is_map(field: FieldDescriptor) -> bool:
    """Whether a field holds values by keys."""
    of_entries = field.message_type is not None and field.message_type.GetOptions().map_entry
    return bool(of_entries)


def figure(value: float) -> float:
    """A number that is one.

    Raises:
        ValueError: it is infinite, or not a number.
    """
    if not math.isfinite(value):
        raise ValueError(f"{value} is no figure")
    return value


@cache
def numbers_of(enum_type: type[Enum], in_contract: EnumDescriptor) -> Mapping[Enum, int]:
    """The contract's number of each member that it has."""
    known = in_contract.values_by_name
    prefix = _prefix(enum_type)
    return {
        each: known[prefix + each.name].number for each in enum_type if prefix + each.name in known
    }


@cache
def members_of(enum_type: type[Enum], in_contract: EnumDescriptor) -> Mapping[int, Enum]:
    """The member of each of the contract's numbers that has one."""
    return {number: each for each, number in numbers_of(enum_type, in_contract).items()}


def unknown_member(number: int, enum_type: type[Enum], in_contract: EnumDescriptor) -> ValueError:
    """What says that a number means no member: one of another version, or the unspecified one."""
    if number not in in_contract.values_by_number:
        return ValueError(f"{enum_type.__name__} {number} is not known")
    name = in_contract.values_by_number[number].name
    return ValueError(repr(name.removeprefix(_prefix(enum_type))))


@cache
def _prefix(enum_type: type[Enum]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", enum_type.__name__).upper() + "_"
