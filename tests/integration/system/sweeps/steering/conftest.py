"""A controller whose artifacts are made, a fake agent on its one device, and the command line."""

import json
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from controller.client import QueryClient
from controller.domain.sweeps import SweepPhase
from protos.codec import to_message
from protos.v1 import fleet_pb2
from tests.faults.schedules import BACKBONES
from tests.faults.template import DEVICES, Template, hello, make_template
from tests.integration.controller.domain_samples import SPEC, failed_report, measured_report
from tests.integration.controller.fleet.fake_agent import FakeAgent, fake_agent
from tests.processes import edgerank, running_controller

DEVICE = DEVICES[0]


class Served:
    """A controller's process, which can be killed and started again on its state."""

    def __init__(self, state: Path, stack: ExitStack) -> None:
        self._state = state
        self._stack = stack
        self.start()

    def start(self) -> None:
        """Starts it, anew where there was one before."""
        self.process, self.address = self._stack.enter_context(running_controller(self._state))

    def sweep(self, *backbones: str, **asked: Any) -> str:
        """Starts a sweep of the device; gives its id once it can be measured, or has ended."""
        fewest = asked.pop("repetitions", 1)
        asked |= {"fewest_repetitions": fewest, "most_repetitions": fewest}
        spec = replace(SPEC, backbones=backbones or BACKBONES[:1], devices=(DEVICE,), **asked)
        with QueryClient(self.address) as client:
            sweep_id = client.start_sweep(spec).sweep_id
            watched = client.watch_sweep(sweep_id)
            next(each for each in watched if each.phase is not SweepPhase.CONVERTING)
        return sweep_id

    def command(self, *arguments: str) -> str:
        """What a command prints that does what it is asked."""
        done = edgerank(*arguments, address=self.address)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def listed(self, sweep_id: str) -> dict[str, Any]:
        """What `sweeps` tells of a sweep."""
        found = json.loads(self.command("sweeps", "--json"))
        return next(each for each in found if each["sweep_id"] == sweep_id)


class Device:
    """The fake agent of the device."""

    def __init__(self, agent: FakeAgent) -> None:
        self._agent = agent

    async def ready(self) -> None:
        """Asks for work, and goes on before any is given."""
        await self._agent.say(ready=fleet_pb2.Ready())

    async def lease(self) -> Any:
        """The work that it asked for."""
        return await self._agent.next("lease")

    async def report(self, lease: Any, *, fails: bool = False) -> None:
        """Reports a repetition; returns when that is committed."""
        make = failed_report if fails else measured_report
        made = to_message(make(lease.attempt_id, lease.job_id), fleet_pb2.Report)
        await self._agent.say(report=made)
        await self._agent.next("report_committed")

    async def measure(self, *, fails: tuple[str, ...] = ()) -> str:
        """Asks for one repetition and reports it; gives its backbone, which may fail."""
        await self.ready()
        lease = await self.lease()
        await self.report(lease, fails=lease.backbone in fails)
        return str(lease.backbone)


@asynccontextmanager
async def connected_device(served: Served) -> AsyncIterator[Device]:
    """The device, connected."""
    async with fake_agent(served.address, fleet_pb2) as agent:
        await agent.say(hello=to_message(hello(DEVICE), fleet_pb2.Hello))
        await agent.next("welcome")
        yield Device(agent)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return make_template(tmp_path_factory.mktemp("template") / "state")


@pytest.fixture
def served(template: Template, tmp_path: Path) -> Iterator[Served]:
    state = tmp_path / "controller"
    shutil.copytree(template.folder, state)
    with ExitStack() as stack:
        yield Served(state, stack)
