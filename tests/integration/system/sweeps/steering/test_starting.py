"""What is started is started once and its id told, whatever befalls the call that starts it."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tenacity import AsyncRetrying, retry_if_result, stop_after_delay, wait_fixed

from controller.client import QueryClient
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.profiles import ProfileProgress, ProfileSpec
from controller.domain.sweeps import StartedSweep, SweepSpec
from controller.domain.sweeps.editing import SweepEdit
from models.catalog.variants import WeightsKind
from protos.runtimes import Runtime
from tests.faults.proxy import Link
from tests.faults.schedules import BACKBONES
from tests.integration.controller.domain_samples import SPEC
from tests.integration.system.sweeps.steering.conftest import DEVICE, Served
from tests.processes import Running, running

ASKED = (
    *("--models", BACKBONES[0], "--devices", DEVICE),
    *("--weights", "synthetic", "--runtimes", "onnxruntime"),
)
WANTED = replace(SPEC, backbones=BACKBONES[:1], devices=(DEVICE,))
PROFILED = ProfileSpec(
    backbone=BACKBONES[0],
    device=DEVICE,
    runtime=Runtime.ONNXRUNTIME,
    threads=1,
    weights=WeightsKind.SYNTHETIC,
    run_count=10,
)
REQUEST = "0b8e5c1a-7d3f-4a52-9c64-1f2e3d4c5b6a"


class Way:
    """A way to the controller on which the answer to a call gets lost, once."""

    def __init__(self, served: Served, link: Link) -> None:
        self._served = served
        self._link = link
        self.lead()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._link.port}"

    def lead(self) -> None:
        """Leads to where the controller is now, and loses nothing."""
        host, port = self._served.address.split(":")
        self._link.target = host, int(port)
        self._link.heal()

    def lose_the_answer(self, to: str = "StartSweep") -> None:
        self._link.forgets = f"/{to}".encode()


@pytest.fixture
async def way(served: Served) -> AsyncIterator[Way]:
    link = Link()
    await link.open("127.0.0.1", 0)
    yield Way(served, link)
    await link.close()


def started(served: Served, spec: SweepSpec, request_id: str) -> StartedSweep:
    with QueryClient(served.address) as client:
        return client.start_sweep(spec, request_id)


def list_ids(served: Served) -> list[str]:
    with QueryClient(served.address) as client:
        return [sweep.sweep_id for sweep in client.list_sweeps()]


async def committed(served: Served) -> str:
    """The id of the only sweep, once there is one."""
    waiting = AsyncRetrying(
        retry=retry_if_result(lambda found: not found),
        stop=stop_after_delay(60),
        wait=wait_fixed(0.1),
    )
    found: list[str] = await waiting(asyncio.to_thread, list_ids, served)
    (sweep_id,) = found
    return sweep_id


async def told_id(command: Running, told_as: str = r"^sweep (\w+): 1 job") -> str:
    """The id that a person is told."""
    told = await asyncio.to_thread(command.output.wait_for, told_as)
    return told[1]


def profiled(served: Served, spec: ProfileSpec, request_id: str) -> str:
    """Asks for a profile; gives its id."""
    with QueryClient(served.address) as client:
        first = next(client.profile(spec, request_id))
    assert isinstance(first, ProfileProgress)
    return first.profile_id


def changes(served: Served) -> list[tuple[str, str]]:
    """What was changed and how, the newest first."""
    written = json.loads(served.command("audit", "--json"))
    return [(each["action"], each["subject"]) for each in written]


async def test_a_command_whose_connection_breaks_asks_again_and_is_told_of_the_same_sweep(
    served: Served, way: Way
) -> None:
    way.lose_the_answer()
    with running("sweep", *ASKED, "--controller", way.address) as command:
        sweep_id = await committed(served)
        way.lead()
        assert await told_id(command) == sweep_id
        assert any("asking again" in line for line in command.output.lines)
    assert list_ids(served) == [sweep_id]


async def test_so_it_is_by_a_controller_that_was_killed_when_it_had_committed(
    served: Served, way: Way
) -> None:
    way.lose_the_answer()
    with running("sweep", *ASKED, "--controller", way.address) as command:
        sweep_id = await committed(served)
        served.process.kill()
        await asyncio.to_thread(served.start)
        way.lead()
        assert await told_id(command) == sweep_id
    assert list_ids(served) == [sweep_id]


async def test_who_follows_nothing_is_told_the_id_and_let_go(served: Served) -> None:
    # No agent is there, so that it would be followed for ever.
    asked = ("sweep", *ASKED, "--no-follow")
    line = await asyncio.to_thread(served.command, *asked)
    begun = json.loads(await asyncio.to_thread(served.command, *asked, "--json"))
    assert line.startswith("sweep ")
    assert {line.split()[1].rstrip(":"), begun["sweep_id"]} == set(list_ids(served))
    assert begun["ended"] == []


async def test_who_stops_the_command_is_told_how_to_find_what_was_started(
    served: Served, way: Way
) -> None:
    way.lose_the_answer()
    with running("sweep", *ASKED, "--controller", way.address) as command:
        sweep_id = await committed(served)
        command.process.send_signal(signal.SIGINT)
        wait_for = command.output.wait_for
        found = await asyncio.to_thread(wait_for, r"'edgerank cancel (\w+)' ends it")
    await asyncio.to_thread(served.command, "cancel", found[1])
    assert served.listed(sweep_id)["phase"] == "cancelled"


async def test_the_same_request_is_the_same_sweep_at_once_later_and_after_a_kill(
    served: Served,
) -> None:
    asking = (asyncio.to_thread(started, served, WANTED, REQUEST) for _ in range(3))
    first, *others = await asyncio.gather(*asking)
    with QueryClient(served.address) as client:
        client.edit_sweep(SweepEdit(sweep_id=first.sweep_id, priority=3))
    others.append(started(served, WANTED, REQUEST))
    served.process.kill()
    served.start()
    others.append(started(served, WANTED, REQUEST))
    assert others == [first] * 4
    assert list_ids(served) == [first.sweep_id]
    assert started(served, WANTED, "another").sweep_id != first.sweep_id


def test_a_request_that_started_something_else_is_refused_with_its_sweep(served: Served) -> None:
    first = started(served, WANTED, REQUEST)
    with pytest.raises(EdgerankError, match=first.sweep_id) as refused:
        started(served, replace(WANTED, priority=1), REQUEST)
    assert refused.value.code is ErrorCode.NAME_TAKEN
    assert list_ids(served) == [first.sweep_id]


def test_an_id_that_no_request_may_have_is_refused(served: Served) -> None:
    with pytest.raises(EdgerankError, match="take a UUID") as refused:
        started(served, WANTED, "two words")
    assert refused.value.code is ErrorCode.INVALID_INPUT
    assert list_ids(served) == []


async def test_a_profile_whose_answer_is_lost_is_asked_for_again_and_is_the_same(
    served: Served, way: Way
) -> None:
    way.lose_the_answer(to="Profile")
    asked = (BACKBONES[0], "--device", DEVICE, "--weights", "synthetic")
    with running("profile", *asked, "--controller", way.address) as command:
        profile_id = await committed(served)
        way.lead()
        assert await told_id(command, r"^profile (\w+)") == profile_id
        assert any("asking again" in line for line in command.output.lines)
    assert list_ids(served) == [profile_id]


def test_the_same_request_is_the_same_profile_which_it_finds_too(served: Served) -> None:
    first = profiled(served, PROFILED, REQUEST)
    served.process.kill()
    served.start()
    assert profiled(served, PROFILED, REQUEST) == first
    with QueryClient(served.address) as client:
        followed = next(client.profile(REQUEST))
    assert isinstance(followed, ProfileProgress)
    assert followed.profile_id == first
    for spec in (replace(PROFILED, run_count=11), replace(PROFILED, threads=2)):
        with pytest.raises(EdgerankError, match=first) as refused:
            profiled(served, spec, REQUEST)
        assert refused.value.code is ErrorCode.NAME_TAKEN
    assert profiled(served, PROFILED, "") != first


def test_what_is_asked_for_again_stands_once_in_the_log_of_changes(served: Served) -> None:
    sweep_id = started(served, WANTED, REQUEST).sweep_id
    assert started(served, WANTED, REQUEST).sweep_id == sweep_id
    profile_id = profiled(served, PROFILED, "a-profile")
    assert profiled(served, PROFILED, "a-profile") == profile_id
    with QueryClient(served.address) as client:
        next(client.profile(profile_id))
        client.cancel_sweep(sweep_id)
        retried = [client.retry_sweep(sweep_id, only_failed=False)[0] for _ in range(2)]
    assert retried[0] == retried[1]
    other = started(served, WANTED, "another").sweep_id
    assert changes(served) == [
        ("StartSweep", other),
        ("RetrySweep", retried[0].sweep_id),
        ("CancelSweep", sweep_id),
        ("Profile", profile_id),
        ("StartSweep", sweep_id),
    ]
