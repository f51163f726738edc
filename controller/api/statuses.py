"""What stands beside an answer on the wire: its status, and what it leaves out."""

from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from controller.domain.errors import ErrorCode

LEFT_OUT_KEY: Final = "edgerank-left-out-bin"
"""Of trailing metadata: a sentence for each kind of stored row that cannot be read, UTF-8."""

DETAILS_KEY: Final = "grpc-status-details-bin"
"""Of trailing metadata: a `google.rpc.Status`, as libraries of many languages read it."""

DOMAIN: Final = "edgerank"
"""Whose reasons stand in a `google.rpc.ErrorInfo`: they are the names of `ErrorCode`."""

# Whoever is answered refuses headers of more than 8 KiB. Details hold the sentence once more.
_MOST_BYTES: Final = 7_000

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


def details_of(code: ErrorCode, sentence: str) -> tuple[tuple[str, bytes], ...]:
    """The trailing metadata that name a failure, beside its status and its sentence.

    Beside a sentence of some 2,800 letters there are none: its status alone names it.
    """
    told = status_pb2.Status(code=STATUSES[code].value[0], message=sentence)
    told.details.add().Pack(error_details_pb2.ErrorInfo(reason=code.name, domain=DOMAIN))
    content = told.SerializeToString()
    # In base 64, the sentence with each byte that is no ASCII as three.
    taken = len(content) * 4 // 3 + sum(map(letters_of, sentence))
    return ((DETAILS_KEY, content),) if taken <= _MOST_BYTES else ()


def letters_of(character: str) -> int:
    """As how many one travels: each byte that is no ASCII as three."""
    return 1 if character.isascii() and character != "%" else 3 * len(character.encode())


def code_of(call: grpc.Call) -> ErrorCode:
    """The kind of failure that a call ended with: by its details, or else by its status."""
    of_status = code_of_status(call.code())
    named = _named(dict(call.trailing_metadata() or ()).get(DETAILS_KEY))
    if named in (None, ErrorCode.REGRESSION) or STATUSES[named] is not call.code():
        return of_status
    return named


def _named(content: Any) -> ErrorCode | None:
    info = error_details_pb2.ErrorInfo()
    try:
        details = status_pb2.Status.FromString(content or b"").details
        if not (details and details[0].Unpack(info)) or info.domain != DOMAIN:
            return None
    except DecodeError:
        return None
    return ErrorCode.__members__.get(info.reason)


def code_of_status(status: grpc.StatusCode) -> ErrorCode:
    """The kind of failure behind a gRPC status; EXECUTION for one that we never send."""
    return next((code for code, sent in STATUSES.items() if sent is status), ErrorCode.EXECUTION)
