"""Keeps the trace that the native runner leaves, as a Python child keeps its own."""

import gzip
import os

from agent.child.messages import Profiling
from agent.child.profiling import MAX_TRACE_BYTES
from agent.measuring.supervision import MeasuringFailed
from protos.reasons import ReasonCode


def keep_trace(profiling: Profiling) -> None:
    """Compress the trace of a profile that was answered.

    Raises:
        MeasuringFailed: it is not there, or longer than the runner leaves one; there is no room.
    """
    try:
        # By a link it would be another file of this user's.
        descriptor = os.open(profiling.uncompressed_path, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "rb") as file:
            trace = file.read(MAX_TRACE_BYTES + 1)
        if len(trace) > MAX_TRACE_BYTES:
            raise MeasuringFailed(ReasonCode.RUBBISH, "the runner left more than any trace has")
        profiling.trace_path.write_bytes(gzip.compress(trace, mtime=0))
    except OSError as error:
        raise MeasuringFailed(
            ReasonCode.RUNTIME_ERROR, f"the trace could not be kept: {error}"
        ) from error
