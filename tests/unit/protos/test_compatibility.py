"""Who speaks the last released contract is understood by this one, and the other way round."""

from collections.abc import Callable, Mapping

import pytest
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorSet,
)
from google.protobuf.message import Message

from protos.v1 import fleet_pb2
from tests.contract.compatibility import breaks
from tests.contract.versions import frozen_files, future_files, present_files


def test_this_contract_breaks_nothing_of_the_last_one() -> None:
    assert breaks(frozen_files(), present_files()) == []


def test_what_a_later_one_may_add_breaks_nothing() -> None:
    assert breaks(present_files(), future_files()) == []


def message(files: FileDescriptorSet, name: str) -> DescriptorProto:
    return next(each for file in files.file for each in file.message_type if each.name == name)


def enum(files: FileDescriptorSet, name: str) -> EnumDescriptorProto:
    return next(each for file in files.file for each in file.enum_type if each.name == name)


def field(files: FileDescriptorSet, name: str, of: str) -> FieldDescriptorProto:
    return next(each for each in message(files, of).field if each.name == name)


def retype(files: FileDescriptorSet) -> None:
    field(files, "artifact_size_bytes", "Lease").type = FieldDescriptorProto.TYPE_SINT64


def rename(files: FileDescriptorSet) -> None:
    field(files, "backbone", "Lease").name = "device"


def renumber(files: FileDescriptorSet) -> None:
    field(files, "backbone", "Lease").number = 99


def repeat(files: FileDescriptorSet) -> None:
    field(files, "ordinal", "Lease").label = FieldDescriptorProto.LABEL_REPEATED


def lose_presence(files: FileDescriptorSet) -> None:
    field(files, "load_average", "DeviceState").proto3_optional = False


def leave_oneof(files: FileDescriptorSet) -> None:
    field(files, "failure", "Report").ClearField("oneof_index")


def remove(files: FileDescriptorSet) -> None:
    message(files, "Lease").field.remove(field(files, "backbone", "Lease"))


def reserve_number_alone(files: FileDescriptorSet) -> None:
    remove(files)
    message(files, "Lease").reserved_range.add(start=5, end=6)


def use_reserved_number(files: FileDescriptorSet) -> None:
    field(files, "waiting_for", "Progress").number = 3


def use_reserved_name(files: FileDescriptorSet) -> None:
    message(files, "Progress").field.add(
        name="repetitions_done", number=9, type=FieldDescriptorProto.TYPE_UINT32
    )


def remove_message(files: FileDescriptorSet) -> None:
    for file in files.file:
        if message(files, "Cancel") in file.message_type:
            file.message_type.remove(message(files, "Cancel"))
            return


def reuse_enum_number(files: FileDescriptorSet) -> None:
    value = next(each for each in enum(files, "Runtime").value if each.number == 1)
    value.name = "RUNTIME_OTHER"


def remove_enum_value(files: FileDescriptorSet) -> None:
    del enum(files, "StopReason").value[-1]


def answer_otherwise(files: FileDescriptorSet) -> None:
    services = {service.name: service for file in files.file for service in file.service}
    services["Fleet"].method[0].server_streaming = False


def remove_method(files: FileDescriptorSet) -> None:
    services = {service.name: service for file in files.file for service in file.service}
    del services["Query"].method[0]


PLANTED: Mapping[Callable[[FileDescriptorSet], None], str] = {
    retype: "Lease.artifact_size_bytes: 4",
    rename: "Lease.backbone: 5",
    renumber: "Lease.backbone: 5",
    repeat: "Lease.ordinal: 7",
    lose_presence: "DeviceState.load_average: ",
    leave_oneof: "Report.failure: 4",
    remove: "Lease.backbone: 5",
    reserve_number_alone: "Lease.backbone: 5",
    use_reserved_number: "Progress.waiting_for: 3",
    use_reserved_name: "Progress.repetitions_done: 9",
    remove_message: "Cancel",
    reuse_enum_number: "RUNTIME_PADDLELITE: 1",
    remove_enum_value: "STOP_REASON_",
    answer_otherwise: "Fleet/Connect",
    remove_method: "Query/ListDevices",
}


@pytest.mark.parametrize(
    ("plant", "told"), PLANTED.items(), ids=[plant.__name__ for plant in PLANTED]
)
def test_a_change_that_breaks_it_is_told(
    plant: Callable[[FileDescriptorSet], None], told: str
) -> None:
    files = present_files()
    plant(files)
    assert any(told in each for each in breaks(frozen_files(), files))


def test_a_field_that_went_and_left_number_and_name_reserved_breaks_nothing() -> None:
    files = present_files()
    remove(files)
    message(files, "Lease").reserved_range.add(start=5, end=6)
    message(files, "Lease").reserved_name.append("backbone")
    assert breaks(frozen_files(), files) == []


@pytest.mark.parametrize(
    ("whole", "envelope"),
    [
        (fleet_pb2.ConnectRequest, fleet_pb2.ConnectEnvelope),
        (fleet_pb2.Report, fleet_pb2.ReportEnvelope),
    ],
)
def test_an_envelope_has_every_part_of_what_it_stands_for(
    whole: type[Message], envelope: type[Message]
) -> None:
    parts, weighed = (
        {each.number: each for each in kind.DESCRIPTOR.fields} for kind in (whole, envelope)
    )
    assert parts.keys() == weighed.keys()
    for number, part in parts.items():
        is_message = part.type == FieldDescriptorProto.TYPE_MESSAGE
        wanted = FieldDescriptorProto.TYPE_BYTES if is_message else part.type
        assert (weighed[number].name, weighed[number].type) == (part.name, wanted)
