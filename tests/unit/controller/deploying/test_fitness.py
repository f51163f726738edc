"""Each thing of a board that does not serve is found, and told in a sentence."""

from dataclasses import replace
from typing import Any

import pytest

from controller.server.deploying.board import Python
from controller.server.deploying.fitness import (
    NEEDED_BYTES,
    Obstacle,
    Remark,
    chosen_python,
    obstacles,
    remarks,
)
from protos.runtimes import Runtime
from tests.unit.controller.deploying.boards import PLAIN, RASPBERRY_PI

ONNX = (Runtime.ONNXRUNTIME,)


def python(minor: int, bits: int = 64, *, makes: bool = True, pip: bool = True) -> Python:
    return Python((3, minor), bits, makes, makes and pip, f"/usr/bin/python3.{minor}")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, set()),
        ({"system": "Darwin"}, {Obstacle.SYSTEM}),
        ({"machine": "armv7l", "user_bits": 32}, {Obstacle.MACHINE}),
        ({"user_bits": 32}, {Obstacle.USERLAND}),
        ({"pythons": (python(11, 32),)}, {Obstacle.USERLAND}),
        ({"user_bits": 32, "pythons": (python(11, 32),)}, {Obstacle.USERLAND}),
        ({"machine": "armv7l", "pythons": (python(11, 32),)}, {Obstacle.MACHINE}),
        ({"user_bits": 32, "pythons": (python(9, 32),)}, {Obstacle.USERLAND, Obstacle.NO_PYTHON}),
        ({"glibc": None, "is_musl": True}, {Obstacle.MUSL}),
        ({"glibc": (2, 27)}, {Obstacle.GLIBC}),
        ({"glibc": (2, 28)}, set()),
        ({"pythons": ()}, {Obstacle.NO_PYTHON}),
        ({"pythons": (python(9), python(14))}, {Obstacle.NO_PYTHON}),
        ({"pythons": (python(11, makes=False),)}, {Obstacle.NO_VENV}),
        ({"pythons": (python(11, pip=False),)}, {Obstacle.NO_VENV}),
        ({"free_bytes": NEEDED_BYTES - 1}, {Obstacle.ROOM}),
        ({"free_bytes": None}, set()),
        ({"glibc": (2, 27), "free_bytes": 0}, {Obstacle.GLIBC, Obstacle.ROOM}),
    ],
)
def test_what_is_in_the_way_is_found(changes: dict[str, Any], found: set[Obstacle]) -> None:
    told = list(obstacles(replace(RASPBERRY_PI, **changes), ONNX, offline=False))
    assert {each.kind for each in told} == found
    assert all(each.sentence.isprintable() and ":" in each.sentence for each in told) or (
        found == {Obstacle.SYSTEM}
    )


def test_a_python_that_is_too_old_is_not_to_be_installed_once_more() -> None:
    (told,) = obstacles(replace(RASPBERRY_PI, pythons=(python(9),)), ONNX, offline=False)
    assert "3.9" in told.sentence
    assert "apt" not in told.sentence


def test_a_python_that_does_not_start_is_told_as_that() -> None:
    broken = replace(RASPBERRY_PI, pythons=(), broken_pythons=("/usr/bin/python3",))
    (told,) = obstacles(broken, ONNX, offline=False)
    assert "(none found, /usr/bin/python3 does not start)" in told.sentence
    assert "apt install python3 " not in told.sentence


def test_paddle_lite_is_for_one_python_on_one_processor() -> None:
    both = (Runtime.ONNXRUNTIME, Runtime.PADDLELITE)
    pc = replace(RASPBERRY_PI, machine="x86_64", pythons=(python(10),))
    assert not list(obstacles(pc, both, offline=False))
    for other in (RASPBERRY_PI, replace(pc, pythons=(python(12),))):
        assert [each.kind for each in obstacles(other, both, offline=True)] == [
            Obstacle.PADDLE_LITE
        ]


def test_the_first_python_that_serves_is_taken() -> None:
    board = replace(RASPBERRY_PI, pythons=(python(9), python(13, makes=False), python(12)))
    assert chosen_python(board, offline=False) == python(12)


def test_a_python_without_pip_serves_where_pip_is_brought_along() -> None:
    board = replace(RASPBERRY_PI, pythons=(python(11, pip=False), python(12)))
    assert chosen_python(board, offline=False) == python(12)
    assert chosen_python(board, offline=True) == python(11, pip=False)
    assert not list(obstacles(replace(board, pythons=board.pythons[:1]), ONNX, offline=True))


@pytest.mark.parametrize(("ahead_s", "words"), [(-100_000_000, "3 years"), (200_000, "2 days")])
def test_a_clock_that_is_wrong_is_told_and_is_no_obstacle(ahead_s: int, words: str) -> None:
    board = replace(RASPBERRY_PI, clock_ahead_s=ahead_s)
    [told] = remarks(board)
    assert told.kind is Remark.CLOCK
    assert words in told.sentence
    assert not list(obstacles(board, ONNX, offline=False))


def test_that_nothing_starts_it_with_the_board_is_told() -> None:
    assert [each.kind for each in remarks(PLAIN)] == [Remark.NO_SYSTEMD]
    assert not list(remarks(RASPBERRY_PI))
