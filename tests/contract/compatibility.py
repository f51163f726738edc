"""What of a contract breaks those who speak the version before."""

from collections.abc import Iterable, Iterator, Mapping

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)


def breaks(before: FileDescriptorSet, now: FileDescriptorSet) -> list[str]:
    """Every number that means something else now, or went without being reserved."""
    return [
        *_of_messages(_messages(before), _messages(now)),
        *_of_enums(_enums(before), _enums(now)),
        *_of_methods(_methods(before), _methods(now)),
    ]


def _of_messages(
    before: Mapping[str, DescriptorProto], now: Mapping[str, DescriptorProto]
) -> Iterator[str]:
    for name, was in before.items():
        if name not in now:
            yield f"{name} is gone"
            continue
        found = now[name]
        # The end of a message's range is beyond it.
        reserved, reserved_before = (
            [range(each.start, each.end) for each in of.reserved_range] for of in (found, was)
        )
        fields = {field.number: _meaning(found, field) for field in found.field}
        for field in was.field:
            if field.number in fields:
                if fields[field.number] != _meaning(was, field):
                    yield f"{name}.{field.name}: {field.number} means something else"
            elif not _is_in(field.number, reserved) or field.name not in found.reserved_name:
                yield f"{name}.{field.name}: {field.number} is gone and not reserved"
        for field in found.field:
            if _is_in(field.number, reserved_before) or field.name in was.reserved_name:
                yield f"{name}.{field.name}: {field.number} was reserved"


def _of_enums(
    before: Mapping[str, EnumDescriptorProto], now: Mapping[str, EnumDescriptorProto]
) -> Iterator[str]:
    for name, was in before.items():
        if name not in now:
            yield f"{name} is gone"
            continue
        found = now[name]
        # The end of an enum's range is in it.
        reserved, reserved_before = (
            [range(each.start, each.end + 1) for each in of.reserved_range] for of in (found, was)
        )
        values = {value.number: value.name for value in found.value}
        for value in was.value:
            if value.number in values:
                if values[value.number] != value.name:
                    yield f"{value.name}: {value.number} means something else"
            elif not _is_in(value.number, reserved) or value.name not in found.reserved_name:
                yield f"{value.name}: {value.number} is gone and not reserved"
        for value in found.value:
            if _is_in(value.number, reserved_before) or value.name in was.reserved_name:
                yield f"{value.name}: {value.number} was reserved"


def _of_methods(
    before: Mapping[str, MethodDescriptorProto], now: Mapping[str, MethodDescriptorProto]
) -> Iterator[str]:
    for name, was in before.items():
        if name not in now:
            yield f"{name} is gone"
        elif _kind(now[name]) != _kind(was):
            yield f"{name} is called otherwise"


def _messages(files: FileDescriptorSet) -> dict[str, DescriptorProto]:
    return {
        name: message
        for file in files.file
        for name, message in _nested(f"{file.package}.", file.message_type)
    }


def _nested(
    prefix: str, messages: Iterable[DescriptorProto]
) -> Iterator[tuple[str, DescriptorProto]]:
    for message in messages:
        yield f"{prefix}{message.name}", message
        yield from _nested(f"{prefix}{message.name}.", message.nested_type)


def _enums(files: FileDescriptorSet) -> dict[str, EnumDescriptorProto]:
    return {f"{file.package}.{enum.name}": enum for file in files.file for enum in file.enum_type}


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
    """All of a field that the other side relies on."""
    is_member = field.HasField("oneof_index") and not field.proto3_optional
    oneof = message.oneof_decl[field.oneof_index].name if is_member else None
    return field.name, field.type, field.type_name, field.label, field.proto3_optional, oneof


def _kind(method: MethodDescriptorProto) -> tuple[object, ...]:
    return (
        method.input_type,
        method.output_type,
        method.client_streaming,
        method.server_streaming,
    )
