"""An artifact that rots, wherever it is stored, is made or fetched again, and that is told."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from controller.client import QueryClient
from controller.domain.sweeps import SweepPhase
from tests.integration.storage.damaging import DAMAGES, flip
from tests.integration.system.conftest import QUICK_SWEEP
from tests.processes import Running, running, running_agent, running_controller

SWEEP = ("sweep", "--fresh", "--models", "PPLCNet_x0_25", "--runtimes", "onnxruntime", *QUICK_SWEEP)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rotten") / "controller"


@pytest.fixture(scope="module")
def served(state: Path) -> Iterator[tuple[Running, str]]:
    with running_controller(state) as (controller, address):
        yield controller, address


def stored_artifacts(state: Path) -> list[Path]:
    """What outputs are compared with, then the artifact."""
    found = [path for path in (state / "artifacts").glob("??/*") if len(path.name) == 64]
    return sorted(found, key=_size)


def _size(path: Path) -> int:
    return path.stat().st_size


def is_whole(path: Path) -> bool:
    return hashlib.sha256(path.read_bytes()).hexdigest() == path.name


class Sweep:
    """A sweep on one device, as a person starts and follows it."""

    def __init__(self, command: Running) -> None:
        self.process, self.output = command.process, command.output
        self.sweep_id = self.output.wait_for(r"^sweep (\w+):")[1]

    def wait_until_converted(self, address: str) -> None:
        with QueryClient(address) as client:
            for snapshot in client.watch_sweep(self.sweep_id):
                if snapshot.phase is SweepPhase.MEASURING:
                    return
        raise AssertionError(self.output.lines)

    def end(self) -> int:
        return self.process.wait(timeout=300)


@contextmanager
def sweeping(address: str, device: str) -> Iterator[Sweep]:
    with running(*SWEEP, "--devices", device, "--controller", address) as command:
        yield Sweep(command)


# Of every other damage, the tests of the controller hold that it is found and mended.
@pytest.mark.parametrize("kind", ["flipped", "gone"])
def test_a_sweep_ends_with_figures_although_its_stored_file_rots(
    served: tuple[Running, str], state: Path, tmp_path: Path, kind: str
) -> None:
    controller, address = served
    # A device of its own, which has fetched nothing before.
    device = kind
    with running_agent(address, device, tmp_path / "agent") as agent:
        assert agent.stop() == 0
    with sweeping(address, device) as sweep:
        sweep.wait_until_converted(address)
        blob = stored_artifacts(state)[-1]
        assert is_whole(blob)
        heard = len(controller.output.lines)
        DAMAGES[kind](blob)
        with running_agent(address, device, tmp_path / "agent"):
            assert sweep.end() == 0, sweep.output.lines
        assert is_whole(blob)
        sweep.output.wait_for("PPLCNet_x0_25: its stored file is damaged and made again")
    told = [line for line in controller.output.lines[heard:] if f"sha256={blob.name}" in line]
    assert any("backbones=PPLCNet_x0_25" in line for line in told), controller.output.lines


def test_what_outputs_are_compared_with_is_made_again_too(
    served: tuple[Running, str], state: Path, tmp_path: Path
) -> None:
    _controller, address = served
    with running_agent(address, "shelf", tmp_path / "agent") as agent:
        assert agent.stop() == 0
    with sweeping(address, "shelf") as sweep:
        sweep.wait_until_converted(address)
        reference, artifact = stored_artifacts(state)
        flip(reference)
        with running_agent(address, "shelf", tmp_path / "agent"):
            assert sweep.end() == 0, sweep.output.lines
        assert is_whole(reference)
        assert is_whole(artifact)
        sweep.output.wait_for("PPLCNet_x0_25: its stored file is damaged and made again")


def test_a_device_fetches_again_what_rots_in_its_cache(
    served: tuple[Running, str], tmp_path: Path
) -> None:
    _controller, address = served
    with running_agent(address, "board", tmp_path / "agent") as agent:
        with sweeping(address, "board") as sweep:
            assert sweep.end() == 0
        kept = max((tmp_path / "agent" / "artifacts").iterdir(), key=_size)
        flip(kept)
        with sweeping(address, "board") as sweep:
            assert sweep.end() == 0
        assert is_whole(kept)
        agent.output.wait_for(f"a cached artifact is damaged.* sha256={kept.name}")
