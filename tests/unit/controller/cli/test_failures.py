"""What a command fails with is one sentence and an exit code."""

import click
import pytest

from controller.cli.options.failures import says_failures
from controller.domain.errors import EdgerankError, ErrorCode
from protos.codec import MessageInvalid


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (EdgerankError(ErrorCode.UNKNOWN_NAME, "no device is named 'pd'"), 2),
        (EdgerankError(ErrorCode.REGRESSION, "B is slower"), 5),
        (MessageInvalid("a Device message does not make sense"), 4),
    ],
    ids=lambda each: type(each).__name__,
)
def test_a_failure_keeps_its_sentence_and_has_its_exit_code(
    error: Exception, exit_code: int
) -> None:
    @says_failures
    def command() -> None:
        raise error

    with pytest.raises(click.ClickException) as caught:
        command()
    assert caught.value.format_message() == str(error)
    assert caught.value.exit_code == exit_code
