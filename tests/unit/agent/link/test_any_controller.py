"""Whatever a controller says is understood, refused by a report, or passed over."""

from contextlib import suppress

import pytest
from google.protobuf.message import DecodeError, Message
from hypothesis import given

from agent.link.incoming import FromController, OfTheLine, UnreadableLease
from agent.link.session import (
    HeartbeatDue,
    Instruction,
    KeepReport,
    SendReport,
    Session,
    StartJob,
)
from agent.link.wire import decode_from_controller, encode_report
from protos.codec import to_message
from protos.fleet import Lease, Welcome
from protos.inputs import ConstantInput, ElementType, ImageSize, InputKind, NetworkInput
from protos.measuring import MeasureSettings, StartGate
from protos.runtimes import OnnxRuntimeOptions, Runtime
from protos.v1 import fleet_pb2
from tests.contract.drawing import FUZZED, changed, messages, spoiled
from tests.contract.growing import FUTURE_NUMBER, say_more
from tests.contract.versions import future

NOW_UNIX_MS = 5
LEASE = Lease(
    attempt_id="a",
    job_id="j",
    artifact_sha256="0" * 64,
    artifact_size_bytes=9,
    backbone="PPLCNet_x1_0",
    ordinal=1,
    process_spread=0.02,
    settings=MeasureSettings(
        runtime=Runtime.ONNXRUNTIME,
        threads=1,
        relative_half_width=0.02,
        time_budget_ms=1_000,
        input_seed=1,
        cores=(0, 1),
        onnxruntime=OnnxRuntimeOptions(),
        gate=StartGate(max_celsius=60, deadline_ms=1_000),
        takes=NetworkInput(
            size=ImageSize(32, 48),
            kind=InputKind(
                constants=(
                    ConstantInput(
                        name="scale", element_type=ElementType.FLOAT32, shape=(1,), values=(1.0,)
                    ),
                )
            ),
        ),
    ),
)
SOUND = to_message(LEASE, fleet_pb2.Lease)


def decoded(response: fleet_pb2.ConnectResponse) -> FromController | None:
    return decode_from_controller(response, lambda: NOW_UNIX_MS)


def heard(response: fleet_pb2.ConnectResponse) -> tuple[Instruction, ...]:
    """What a connected agent does about it."""
    session = Session(unsent=["unsent"])
    session.handle(Welcome(heartbeat_interval_ms=1))
    said = decoded(response)
    if said is None or isinstance(said, OfTheLine):
        return ()
    instructions = session.handle(said)
    for each in instructions:
        if isinstance(each, KeepReport):
            assert encode_report(each.report)
    session.handle(HeartbeatDue())
    return instructions


@FUZZED
@given(messages(fleet_pb2.ConnectResponse))
def test_any_message_is_understood_or_passed_over(response: fleet_pb2.ConnectResponse) -> None:
    heard(response)


@FUZZED
@given(changed(SOUND))
def test_a_lease_of_which_some_became_anything_is_started_or_refused_by_a_report(
    lease: fleet_pb2.Lease,
) -> None:
    first, *_ = heard(fleet_pb2.ConnectResponse(lease=lease))
    assert isinstance(first, StartJob | KeepReport | SendReport)


@FUZZED
@given(spoiled(fleet_pb2.ConnectResponse(lease=SOUND)))
def test_bytes_that_are_a_message_all_the_same_are_heard(content: bytes) -> None:
    # Of what is none, gRPC ends the stream.
    with suppress(DecodeError):
        heard(fleet_pb2.ConnectResponse.FromString(content))


def newer(lease: Message) -> fleet_pb2.ConnectResponse:
    """A lease of a newer controller, as this version reads it."""
    return fleet_pb2.ConnectResponse.FromString(
        future().ConnectResponse(lease=lease).SerializeToString()
    )


def test_what_a_newer_controller_tells_beside_the_settings_is_passed_over() -> None:
    lease = future().Lease.FromString(SOUND.SerializeToString())
    lease.future_text = "new"
    lease.future_inner.text = "new"
    assert decoded(newer(lease)) == LEASE


@pytest.mark.parametrize(
    ("way", "name"),
    [
        ((), "MeasureSettings"),
        (("gate",), "StartGate"),
        (("onnxruntime",), "OnnxRuntimeOptions"),
        (("takes", "size"), "ImageSize"),
        (("takes", "kind", "constants"), "ConstantInput"),
    ],
)
def test_what_it_asks_for_in_the_settings_is_refused_by_name(
    way: tuple[str, ...], name: str
) -> None:
    lease = future().Lease.FromString(SOUND.SerializeToString())
    asked = lease.settings
    for step in way:
        asked = getattr(asked, step)
    say_more(asked[0] if way[-1:] == ("constants",) else asked)
    said = decoded(newer(lease))
    assert isinstance(said, UnreadableLease)
    assert (said.attempt_id, said.job_id, said.received_at_unix_ms) == ("a", "j", NOW_UNIX_MS)
    assert f"field {FUTURE_NUMBER} of a {name} " in said.detail


@pytest.mark.parametrize(
    ("field", "told"), [("runtime", "Runtime 1001"), ("layout", "Layout 1001")]
)
def test_so_is_a_value_that_is_not_known(field: str, told: str) -> None:
    lease = future().Lease.FromString(SOUND.SerializeToString())
    within = lease.settings if field == "runtime" else lease.settings.takes.kind
    setattr(within, field, FUTURE_NUMBER)
    said = decoded(newer(lease))
    assert isinstance(said, UnreadableLease)
    assert told in said.detail
