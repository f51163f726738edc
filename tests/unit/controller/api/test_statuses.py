"""Every kind of failure has one status on the wire, and is read back from it."""

import grpc
import pytest

from controller.api.statuses import STATUSES, code_of_status
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
