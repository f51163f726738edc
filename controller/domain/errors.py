"""The one catalogue of what can go wrong, with its gRPC status and exit code."""

from enum import Enum
from typing import NamedTuple

import grpc

from protos.reasons import Reason


class ErrorCode(Enum):
    """Kinds of failure that people and programs can tell apart."""

    INVALID_INPUT = "invalid_input"
    UNKNOWN_NAME = "unknown_name"
    NAME_TAKEN = "name_taken"
    NOTHING_FOUND = "nothing_found"
    PRECONDITION = "precondition"
    OUT_OF_RANGE = "out_of_range"
    UNREACHABLE = "unreachable"
    STORAGE = "storage"
    EXECUTION = "execution"
    REGRESSION = "regression"


class Consequence(NamedTuple):
    """What an error is outside: a gRPC status on the wire, an exit code in a shell."""

    status: grpc.StatusCode
    exit_code: int


CONSEQUENCES = {
    ErrorCode.INVALID_INPUT: Consequence(grpc.StatusCode.INVALID_ARGUMENT, 2),
    ErrorCode.UNKNOWN_NAME: Consequence(grpc.StatusCode.NOT_FOUND, 2),
    ErrorCode.NAME_TAKEN: Consequence(grpc.StatusCode.ALREADY_EXISTS, 2),
    ErrorCode.NOTHING_FOUND: Consequence(grpc.StatusCode.ABORTED, 3),
    ErrorCode.PRECONDITION: Consequence(grpc.StatusCode.FAILED_PRECONDITION, 4),
    ErrorCode.OUT_OF_RANGE: Consequence(grpc.StatusCode.OUT_OF_RANGE, 2),
    ErrorCode.UNREACHABLE: Consequence(grpc.StatusCode.UNAVAILABLE, 4),
    ErrorCode.STORAGE: Consequence(grpc.StatusCode.RESOURCE_EXHAUSTED, 4),
    ErrorCode.EXECUTION: Consequence(grpc.StatusCode.INTERNAL, 4),
    # Found by the command line in what it has read, so that no call ever ends with it: a status
    # of its own would let a broken controller pass for a slow one.
    ErrorCode.REGRESSION: Consequence(grpc.StatusCode.INTERNAL, 5),
}


class EdgerankError(Exception):
    """A failure whose message is one sentence for a person: what, to what, what to do next."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def exit_code(self) -> int:
        """What a shell sees: 2 input, 3 nothing found, 4 execution, 5 regression."""
        return CONSEQUENCES[self.code].exit_code


def code_of_status(status: grpc.StatusCode) -> ErrorCode:
    """The kind of failure behind a gRPC status; EXECUTION for one that we never send."""
    for code, consequence in CONSEQUENCES.items():
        if consequence.status is status:
            return code
    return ErrorCode.EXECUTION


class Refused(EdgerankError):
    """What was asked for cannot be done, for reasons; whoever shows it writes their sentences."""

    def __init__(self, code: ErrorCode, reasons: tuple[Reason, ...]) -> None:
        super().__init__(code, ", ".join(map(str, reasons)))
        self.reasons = reasons
