"""What stands beside an answer on the wire: its status, and what it leaves out."""

from typing import Final

import grpc

from controller.domain.errors import ErrorCode

LEFT_OUT_KEY: Final = "edgerank-left-out-bin"
"""Of trailing metadata: a sentence for each kind of stored row that cannot be read, UTF-8."""

STATUSES = {
    ErrorCode.INVALID_INPUT: grpc.StatusCode.INVALID_ARGUMENT,
    ErrorCode.UNKNOWN_NAME: grpc.StatusCode.NOT_FOUND,
    ErrorCode.NAME_TAKEN: grpc.StatusCode.ALREADY_EXISTS,
    ErrorCode.NOTHING_FOUND: grpc.StatusCode.ABORTED,
    ErrorCode.PRECONDITION: grpc.StatusCode.FAILED_PRECONDITION,
    ErrorCode.OUT_OF_RANGE: grpc.StatusCode.OUT_OF_RANGE,
    ErrorCode.UNREACHABLE: grpc.StatusCode.UNAVAILABLE,
    ErrorCode.STORAGE: grpc.StatusCode.RESOURCE_EXHAUSTED,
    ErrorCode.DAMAGED: grpc.StatusCode.DATA_LOSS,
    ErrorCode.EXECUTION: grpc.StatusCode.INTERNAL,
    # Found by the command line in what it has read, so that no call ever ends with it: a status
    # of its own would let a broken controller pass for a slow one.
    ErrorCode.REGRESSION: grpc.StatusCode.INTERNAL,
    ErrorCode.UNKNOWN_CALLER: grpc.StatusCode.UNAUTHENTICATED,
    ErrorCode.NOT_ALLOWED: grpc.StatusCode.PERMISSION_DENIED,
    # As STORAGE, as which it is read: something has run out, the sentence says what, and asking
    # later may help.
    ErrorCode.LIMIT: grpc.StatusCode.RESOURCE_EXHAUSTED,
}


def code_of_status(status: grpc.StatusCode) -> ErrorCode:
    """The kind of failure behind a gRPC status; EXECUTION for one that we never send."""
    return next((code for code, sent in STATUSES.items() if sent is status), ErrorCode.EXECUTION)
