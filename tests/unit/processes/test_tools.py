"""Servers of steps that are forked are as those that are started by their command."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest
from tenacity import Retrying, stop_after_delay, wait_fixed

from models.processes.child import Cancellation, StepFailed, StepLimits, ask, run_step
from models.processes.forkserver import ForkServers
from models.processes.requests import FileAnswer, SimplifyRequest
from tests.processes.tools import running_servers, started_by_command

STEP, REQUEST = "simplify", SimplifyRequest("source.onnx", "made.onnx")


def failure(servers: ForkServers, folder: Path) -> str:
    limits = StepLimits(timeout_s=60)
    with pytest.raises(StepFailed) as caught:
        ask(
            STEP,
            REQUEST,
            FileAnswer,
            start=lambda stderr: servers.fork(STEP, bounds=limits.bounds(folder), stderr=stderr),
            timeout_s=limits.timeout_s,
            cancellation=Cancellation(),
        )
    return caught.value.reason


def failure_alone(folder: Path) -> str:
    with pytest.raises(StepFailed) as caught:
        run_step(
            STEP,
            REQUEST,
            FileAnswer,
            workdir=folder,
            limits=StepLimits(timeout_s=60),
            cancellation=Cancellation(),
        )
    return caught.value.reason


def test_what_a_fork_says_is_what_a_process_of_its_own_says(tmp_path: Path) -> None:
    before = set(psutil.Process().children())
    with ForkServers() as servers:
        said = {failure(servers, tmp_path), failure(servers, tmp_path), failure_alone(tmp_path)}
    # Of those before, one may have ended meanwhile.
    assert set(psutil.Process().children()) <= before
    with started_by_command():
        assert said == {failure_alone(tmp_path)}


def test_a_server_has_a_session_and_a_home_of_its_own_and_ends_with_whoever_asked() -> None:
    known = running_servers()
    with ForkServers() as servers:
        servers.ready([STEP])
        (server,) = (each for each in running_servers() if each not in known)
        # It is told of as it begins.
        for attempt in Retrying(stop=stop_after_delay(60), wait=wait_fixed(0.02), reraise=True):
            with attempt:
                assert os.getsid(server.pid) == server.pid
        assert Path(f"/proc/{server.pid}/cwd").readlink() == Path("/")
    assert server.wait(60) == -signal.SIGKILL
    assert running_servers() == known
