"""What of a contract breaks those who speak the version before."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)


def breaks(before: FileDescriptorSet, now: FileDescriptorSet) -> list[str]:
    """Every number that means something else now, or went without being reserved."""
    return [
        *_of_numbered(_messages(before), _messages(now)),
        *_of_numbered(_enums(before), _enums(now)),
        *_of_methods(_methods(before), _methods(now)),
    ]


@dataclass(frozen=True)
class _Numbered:
    """What of a message or an enum has numbers.

    Attributes:
        meanings: what each number stands for: its name, and all that the other side relies on.
        reserved_numbers: that are never to be given again.
        reserved_names: likewise.
        prefix: of the names, in sentences.
    """

    meanings: Mapping[int, tuple[str, object]]
    reserved_numbers: tuple[range, ...]
    reserved_names: frozenset[str]
    prefix: str


def _of_numbered(before: Mapping[str, _Numbered], now: Mapping[str, _Numbered]) -> Iterator[str]:
    for name, was in before.items():
        if name not in now:
            yield f"{name} is gone"
        else:
            yield from _of_one(was, now[name])


def _of_one(was: _Numbered, found: _Numbered) -> Iterator[str]:
    for number, meaning in was.meanings.items():
        told = f"{was.prefix}{meaning[0]}: {number}"
        if number in found.meanings:
            if found.meanings[number] != meaning:
                yield f"{told} means something else"
        elif not _is_in(number, found.reserved_numbers) or meaning[0] not in found.reserved_names:
            yield f"{told} is gone and not reserved"
    for number, (name, _) in found.meanings.items():
        if _is_in(number, was.reserved_numbers) or name in was.reserved_names:
            yield f"{was.prefix}{name}: {number} was reserved"


def _of_methods(
    before: Mapping[str, MethodDescriptorProto], now: Mapping[str, MethodDescriptorProto]
) -> Iterator[str]:
    for name, was in before.items():
        if name not in now:
            yield f"{name} is gone"
        elif _kind(now[name]) != _kind(was):
            yield f"{name} is called otherwise"


def _messages(files: FileDescriptorSet) -> dict[str, _Numbered]:
    return {
        name: _Numbered(
            meanings={
                field.number: (field.name, _meaning(message, field)) for field in message.field
            },
            # The end of a message's range is beyond it.
            reserved_numbers=tuple(range(each.start, each.end) for each in message.reserved_range),
            reserved_names=frozenset(message.reserved_name),
            prefix=f"{name}.",
        )
        for file in files.file
        for name, message in _nested(f"{file.package}.", file.message_type)
    }


def _nested(
    prefix: str, messages: Iterable[DescriptorProto]
) -> Iterator[tuple[str, DescriptorProto]]:
    for message in messages:
        yield f"{prefix}{message.name}", message
        yield from _nested(f"{prefix}{message.name}.", message.nested_type)


def _enums(files: FileDescriptorSet) -> dict[str, _Numbered]:
    return {
        f"{file.package}.{enum.name}": _Numbered(
            meanings={value.number: (value.name, None) for value in enum.value},
            # The end of an enum's range is in it.
            reserved_numbers=tuple(range(each.start, each.end + 1) for each in enum.reserved_range),
            reserved_names=frozenset(enum.reserved_name),
            prefix="",
        )
        for file in files.file
        for enum in file.enum_type
    }


def _methods(files: FileDescriptorSet) -> dict[str, MethodDescriptorProto]:
    return {
        f"{file.package}.{service.name}/{method.name}": method
        for file in files.file
        for service in file.service
        for method in service.method
    }


def _is_in(number: int, ranges: Iterable[range]) -> bool:
    return any(number in each for each in ranges)


def _meaning(message: DescriptorProto, field: FieldDescriptorProto) -> tuple[object, ...]:
    """All of a field, besides its name, that the other side relies on."""
    is_member = field.HasField("oneof_index") and not field.proto3_optional
    oneof = message.oneof_decl[field.oneof_index].name if is_member else None
    return field.type, field.type_name, field.label, field.proto3_optional, oneof


def _kind(method: MethodDescriptorProto) -> tuple[object, ...]:
    return (
        method.input_type,
        method.output_type,
        method.client_streaming,
        method.server_streaming,
    )
