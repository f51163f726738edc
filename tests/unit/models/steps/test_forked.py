"""A fork's result comes back; however it ends without one, its parent ends so, too."""

from __future__ import annotations

import subprocess
import sys

import pytest

from models.steps.forked import Forked
from models.steps.refusal import StepRefused, ToolRefused, refused_by_tool


def test_work_is_done_beside_and_its_result_comes_back() -> None:
    numbers = [1, 2]
    forked = Forked(lambda: sum(numbers))
    # What the fork has is its own.
    numbers.append(3)
    assert forked.result() == 3


def test_a_refusal_comes_back_as_one() -> None:
    def refuse() -> int:
        raise StepRefused("no room")

    with pytest.raises(StepRefused, match="no room"):
        Forked(refuse).result()


def test_what_a_tool_said_comes_back_with_its_refusal() -> None:
    def refuse() -> int:
        raise refused_by_tool("it cannot", "/a/b.cc:1 a::b(int) no kernel")

    with pytest.raises(ToolRefused, match="it cannot: no kernel") as refused:
        Forked(refuse).result()
    assert refused.value.said == "/a/b.cc:1 a::b(int) no kernel"


@pytest.mark.parametrize(
    ("work", "code", "words"),
    [
        ("os.kill(os.getpid(), 11)", -11, ""),
        ("int('none')", 1, "ValueError: invalid literal for int() with base 10: 'none'"),
        ("sys.exit(3)", 3, ""),
    ],
)
def test_the_parent_ends_as_its_fork_did(work: str, code: int, words: str) -> None:
    program = (
        "import os, sys; from models.steps.forked import Forked;"
        f"Forked(lambda: {work}).result(); print('went on')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.rstrip().endswith(words)
