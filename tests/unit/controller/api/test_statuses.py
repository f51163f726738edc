"""Every kind of failure has one status on the wire, and is read back from it."""

import grpc
import pytest

from controller.api.statuses import DETAILS_KEY, STATUSES, code_of, code_of_status, details_of
from controller.domain.errors import EXIT_CODES, ErrorCode


def test_every_code_has_a_status() -> None:
    assert set(STATUSES) == set(ErrorCode)


SHARING = {ErrorCode.REGRESSION, ErrorCode.LIMIT}


@pytest.mark.parametrize("code", [code for code in ErrorCode if code not in SHARING])
def test_a_code_survives_the_wire(code: ErrorCode) -> None:
    assert code_of_status(STATUSES[code]) is code


def test_a_limit_reads_as_something_that_has_run_out() -> None:
    read = code_of_status(STATUSES[ErrorCode.LIMIT])
    assert EXIT_CODES[read] == EXIT_CODES[ErrorCode.LIMIT]


@pytest.mark.parametrize("status", grpc.StatusCode)
def test_no_failure_of_a_controller_reads_as_a_regression(status: grpc.StatusCode) -> None:
    assert code_of_status(status) is not ErrorCode.REGRESSION


def test_a_status_that_we_never_send_is_an_execution_failure() -> None:
    assert code_of_status(grpc.StatusCode.UNIMPLEMENTED) is ErrorCode.EXECUTION


class Ended(grpc.Call):
    """A call as a client has it when it has ended."""

    def __init__(self, status: grpc.StatusCode, trailing: tuple[tuple[str, bytes], ...]) -> None:
        self._status = status
        self._trailing = trailing

    def code(self) -> grpc.StatusCode:
        return self._status

    def trailing_metadata(self) -> tuple[tuple[str, bytes], ...]:
        return self._trailing

    def initial_metadata(self) -> tuple[tuple[str, bytes], ...]:
        return ()

    def details(self) -> str:
        return ""

    def is_active(self) -> bool:
        return False

    def time_remaining(self) -> float:
        return 0.0

    def cancel(self) -> bool:
        return False

    def add_callback(self, callback: object) -> bool:  # noqa: ARG002 - the interface's signature
        return False


@pytest.mark.parametrize("code", [code for code in ErrorCode if code is not ErrorCode.REGRESSION])
def test_details_name_a_failure_exactly(code: ErrorCode) -> None:
    assert code_of(Ended(STATUSES[code], details_of(code, "why"))) is code


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no message",
        dict(details_of(ErrorCode.REGRESSION, ""))[DETAILS_KEY],
        dict(details_of(ErrorCode.UNKNOWN_NAME, ""))[DETAILS_KEY],
    ],
    ids=["empty", "rubbish", "a regression", "of another status"],
)
def test_details_that_do_not_fit_count_for_nothing(content: bytes) -> None:
    ended = Ended(grpc.StatusCode.INTERNAL, ((DETAILS_KEY, content),))
    assert code_of(ended) is ErrorCode.EXECUTION


def test_a_long_sentence_travels_alone() -> None:
    assert details_of(ErrorCode.UNKNOWN_NAME, "x" * 5_000) == ()
