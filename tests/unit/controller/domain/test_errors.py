"""Every kind of failure has one status on the wire and one exit code in the shell."""

import grpc
import pytest

from controller.domain.errors import CONSEQUENCES, EdgerankError, ErrorCode, code_of_status


def test_every_code_has_a_consequence() -> None:
    assert set(CONSEQUENCES) == set(ErrorCode)


@pytest.mark.parametrize("code", [code for code in ErrorCode if code is not ErrorCode.REGRESSION])
def test_a_code_survives_the_wire(code: ErrorCode) -> None:
    assert code_of_status(CONSEQUENCES[code].status) is code


@pytest.mark.parametrize("status", grpc.StatusCode)
def test_no_failure_of_a_controller_reads_as_a_regression(status: grpc.StatusCode) -> None:
    assert code_of_status(status) is not ErrorCode.REGRESSION


def test_a_status_that_we_never_send_is_an_execution_failure() -> None:
    assert code_of_status(grpc.StatusCode.DATA_LOSS) is ErrorCode.EXECUTION


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        (ErrorCode.UNKNOWN_NAME, 2),
        (ErrorCode.NOTHING_FOUND, 3),
        (ErrorCode.UNREACHABLE, 4),
        (ErrorCode.REGRESSION, 5),
    ],
)
def test_a_shell_sees_what_kind_it_was(code: ErrorCode, exit_code: int) -> None:
    assert EdgerankError(code, "a sentence").exit_code == exit_code
