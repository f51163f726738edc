"""A sweep outlives the crash of its agent and of its controller."""

import json
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path

from controller.client import QueryClient
from controller.domain.measurements import MeasurementFilter
from tests.integration.system.conftest import QUICK
from tests.processes import edgerank, running, running_agent, running_controller
from tests.processes.ports import kept_port

SWEEP = ("sweep", "--models", "PPLCNet_x0_25", *QUICK, "--time-budget", "1s", "--threads", "1,2")


def test_a_sweep_ends_although_agent_and_controller_were_killed(
    converted: Path, tmp_path: Path
) -> None:
    shutil.copytree(converted, tmp_path / "controller")
    with (
        kept_port() as port,
        running_controller(tmp_path / "controller", port) as (controller, address),
        ExitStack() as stack,
    ):
        with running_agent(address, "pc", tmp_path / "agent") as agent:
            sweep = stack.enter_context(running(*SWEEP, "--controller", address))
            sweep_id = sweep.output.wait_for(r"^sweep (\w+): 4 jobs")[1]
            agent.output.wait_for("event=measuring .*PPLCNet_x0_25", timeout_s=120)
            agent.kill()
        with running_agent(address, "pc", tmp_path / "agent") as agent:
            agent.output.wait_for("event=measuring .*PPLCNet_x0_25", timeout_s=120)
            controller.kill()
            sweep.process.wait(timeout=60)
            sweep.output.wait_for("the controller at .* went away")
            with running_controller(tmp_path / "controller", port):
                done = edgerank("follow", sweep_id, "--json", address=address)
                assert done.returncode == 0, done.stderr
                jobs = json.loads(done.stdout)["ended"]
                assert [job["is_sentinel"] for job in jobs].count(True) == 1
                jobs = [job for job in jobs if not job["is_sentinel"]]
                assert len(jobs) == len({job["job_id"] for job in jobs}) == 4
                assert {job["verdict"] for job in jobs} <= {"ok", "wide", "disturbed", "throttled"}
                with QueryClient(address) as client:
                    found = list(client.list_measurements(MeasurementFilter(sweep_id=sweep_id)))
                assert {figure.job_id for figure in found} == {job["job_id"] for job in jobs}
            assert agent.stop() == 0


def test_a_device_that_was_set_up_anew_is_taken_over_when_both_sides_agree(tmp_path: Path) -> None:
    with running_controller(tmp_path / "controller") as (_controller, address):

        def join(state: str, *options: str) -> subprocess.CompletedProcess[str]:
            arguments = ("--controller", address, "--name", "board", "--state", tmp_path / state)
            return edgerank("agent", *map(str, arguments), *options)

        with running_agent(address, "board", tmp_path / "old"):
            allowed = edgerank("devices", "replace", "board", address=address)
            assert allowed.returncode == 4, allowed.stdout
        told = join("new")
        assert told.returncode == 2
        assert "edgerank devices replace board" in told.stderr
        assert "--replace" in told.stderr
        assert join("new", "--replace").returncode == 2
        allowed = edgerank("devices", "replace", "board", address=address)
        assert "10 minutes" in allowed.stdout, allowed.stderr
        with running_agent(address, "board", tmp_path / "new", "--replace"):
            known = edgerank("devices", "--json", address=address)
            (device,) = json.loads(known.stdout)
            assert device["device_id"] == (tmp_path / "old" / "device_id").read_text().strip()
            assert device["connected"]
        assert "taken over" in join("old").stderr
