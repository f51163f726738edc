"""Every kind of failure has one exit code in the shell."""

import pytest

from controller.domain.errors import EXIT_CODES, EdgerankError, ErrorCode


def test_every_code_has_an_exit_code() -> None:
    assert set(EXIT_CODES) == set(ErrorCode)


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
