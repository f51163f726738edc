"""How a process ended is told by its code, or by the signal's name where it has one."""

import signal

import pytest

from sandbox.endings import ending_of


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "exited with code 0"),
        (3, "exited with code 3"),
        (-signal.SIGSEGV, "died by SIGSEGV"),
        (-signal.SIGRTMIN - 1, f"died by signal {signal.SIGRTMIN + 1}"),
    ],
)
def test_an_ending(code: int, words: str) -> None:
    assert ending_of(code) == words
