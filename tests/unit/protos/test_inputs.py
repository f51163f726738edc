"""What a network takes is within limits, whoever says it, and is written as it is read."""

import pytest
from google.protobuf.message import Message
from hypothesis import given

from protos import inputs
from protos.codec import MessageInvalid, from_message
from protos.inputs import ImageSize, InputKind, Layout, NetworkInput, parse_size, square
from protos.v1 import types_pb2
from tests.unit.protos.drawing import image_sizes

FLOAT32 = types_pb2.ELEMENT_TYPE_FLOAT32
UINT8 = types_pb2.ELEMENT_TYPE_UINT8
INT32 = types_pb2.ELEMENT_TYPE_INT32
NCHW = types_pb2.LAYOUT_NCHW


@given(image_sizes)
def test_a_size_is_read_as_it_is_written(size: ImageSize) -> None:
    assert parse_size(str(size)) == size
    assert ("x" in str(size)) is (size.height != size.width)


def test_the_shape_follows_the_layout() -> None:
    takes = NetworkInput(size=ImageSize(48, 192), batch=2, kind=InputKind(channels=1))
    assert takes.shape == (2, 1, 48, 192)
    last = NetworkInput(size=square(64), kind=InputKind(layout=Layout.NHWC))
    assert last.shape == (1, 64, 64, 3)


@pytest.mark.parametrize(
    "message",
    [
        types_pb2.ImageSize(height=0, width=1),
        types_pb2.ImageSize(height=1, width=1025),
        types_pb2.InputValues(name="x", values=[1] * 65),
        types_pb2.InputValues(values=[1]),
        types_pb2.ConstantInput(name="x", element_type=FLOAT32, shape=[2], values=[1]),
        types_pb2.ConstantInput(name="x", element_type=UINT8, values=[256]),
        types_pb2.ConstantInput(name="x", element_type=UINT8, values=[0.5]),
        types_pb2.InputKind(layout=NCHW, element_type=INT32, channels=3),
        types_pb2.InputKind(layout=NCHW, element_type=FLOAT32, channels=10_000),
        types_pb2.InputKind(
            layout=NCHW,
            element_type=FLOAT32,
            channels=3,
            constants=[types_pb2.ConstantInput(name="x", element_type=FLOAT32, values=[1])] * 5,
        ),
        types_pb2.NetworkInput(
            size=types_pb2.ImageSize(height=1, width=1),
            batch=65,
            kind=types_pb2.InputKind(layout=NCHW, element_type=FLOAT32, channels=3),
        ),
    ],
)
def test_an_input_beyond_its_limits_is_refused(message: Message) -> None:
    with pytest.raises(MessageInvalid):
        from_message(message, getattr(inputs, type(message).__name__))
