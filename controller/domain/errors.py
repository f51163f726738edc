"""The one catalogue of what can go wrong, with its exit code."""

from enum import Enum

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
    DAMAGED = "damaged"
    EXECUTION = "execution"
    REGRESSION = "regression"
    UNKNOWN_CALLER = "unknown_caller"
    NOT_ALLOWED = "not_allowed"
    LIMIT = "limit"


EXIT_CODES = {
    ErrorCode.INVALID_INPUT: 2,
    ErrorCode.UNKNOWN_NAME: 2,
    ErrorCode.NAME_TAKEN: 2,
    ErrorCode.NOTHING_FOUND: 3,
    ErrorCode.PRECONDITION: 4,
    ErrorCode.OUT_OF_RANGE: 2,
    ErrorCode.UNREACHABLE: 4,
    ErrorCode.STORAGE: 4,
    ErrorCode.DAMAGED: 4,
    ErrorCode.EXECUTION: 4,
    ErrorCode.REGRESSION: 5,
    ErrorCode.UNKNOWN_CALLER: 4,
    ErrorCode.NOT_ALLOWED: 4,
    ErrorCode.LIMIT: 4,
}


class EdgerankError(Exception):
    """A failure whose message is one sentence for a person: what, to what, what to do next."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def exit_code(self) -> int:
        """What a shell sees: 2 input, 3 nothing found, 4 execution, 5 regression."""
        return EXIT_CODES[self.code]


class Refused(EdgerankError):
    """What was asked for cannot be done, for reasons; whoever shows it writes their sentences."""

    def __init__(self, code: ErrorCode, reasons: tuple[Reason, ...]) -> None:
        super().__init__(code, ", ".join(map(str, reasons)))
        self.reasons = reasons
