"""What is said of files that cannot be, and of those that another one answers for."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from models.conversion.work import ONNX
from models.processes.child import StepFailed

MAX_ONNX_WEIGHTS_BYTES: Final = 2**31 - 2**24
"""A protobuf holds 2 GiB; what is not weights (nodes, names, shapes) stays below 16 MiB."""


def check_protobuf_holds(size_bytes: int) -> None:
    """Raise `StepFailed` where weights of so many bytes are more than an ONNX file holds."""
    if size_bytes > MAX_ONNX_WEIGHTS_BYTES:
        raise StepFailed(
            ONNX.step,
            f"its weights have {size_bytes / 1e9:.1f} GB, and an ONNX file, being one protobuf, "
            f"holds {MAX_ONNX_WEIGHTS_BYTES / 1e9:.1f} GB",
            crashed=False,
        )


@contextmanager
def answering_for(twin: str) -> Iterator[None]:
    """Say of a failure inside that it is a twin's."""
    try:
        yield
    except StepFailed as failure:
        reason = f"its {twin} was refused: {failure.reason}"
        crashed, said = failure.crashed, failure.said
        raise StepFailed(failure.step, reason, crashed=crashed, said=said) from failure
