"""Wheels are asked for that the board can run, the newest kind first."""

from dataclasses import replace

from controller.server.deploying.brought.wheels import platforms, requirement
from protos.runtimes import Runtime
from tests.unit.controller.deploying.boards import RASPBERRY_PI


def test_no_wheel_wants_more_than_the_board_has() -> None:
    tags = platforms(RASPBERRY_PI)
    assert tags[0] == "manylinux_2_36_aarch64"
    assert "manylinux2014_aarch64" in tags
    assert "manylinux1_aarch64" not in tags
    assert "manylinux1_x86_64" in platforms(replace(RASPBERRY_PI, machine="x86_64"))


def test_an_agent_is_asked_for_with_its_runtimes() -> None:
    both = (Runtime.PADDLELITE, Runtime.ONNXRUNTIME)
    assert requirement("a.whl", both) == "a.whl[agent,onnxruntime,paddlelite]"
    assert requirement("a.whl", ()) == "a.whl[agent]"
