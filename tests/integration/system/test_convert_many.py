"""Converting many backbones outlives the crash of a child, of the controller, and Ctrl-C."""

import signal
import sqlite3
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import psutil
import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from controller.client import QueryClient
from controller.domain.conversions import ConversionOutcome, ConversionResult, ConversionSpec
from models.catalog.variants import WeightsKind
from tests.processes import START_TIMEOUT_S, Running, edgerank, running, running_controller

# Started by its command, so that the servers of its steps are its children.
BY_COMMAND = ("env",)
NAMES = (
    "PPLCNet_x0_25",
    "MobileNetV1_x0_25",
    "MobileNetV2_x0_25",
    "ShuffleNetV2_x0_25",
)
CONVERT = ("convert", *NAMES, "--weights", "synthetic")


def exports_of(controller: psutil.Process) -> list[psutil.Process]:
    """The exporting children that run now: each a fork of a fork, which watches it, of a server."""
    found = []
    for server in controller.children():
        # It, or what it forked, may end just now.
        with suppress(psutil.NoSuchProcess):
            if "export" in server.cmdline():
                forks = [fork for watcher in server.children() for fork in watcher.children()]
                found += [fork for fork in forks if fork.status() != psutil.STATUS_ZOMBIE]
    return found


def first_export(controller: psutil.Process) -> psutil.Process:
    """An exporting child, as soon as there is one."""
    looking = Retrying(
        retry=retry_if_result(lambda found: not found),
        wait=wait_fixed(0.01),
        stop=stop_after_delay(START_TIMEOUT_S),
    )
    found: list[psutil.Process] = looking(exports_of, controller)
    return found[0]


def converting(address: str) -> AbstractContextManager[Running]:
    """The command under way."""
    return running(*CONVERT, "--controller", address)


def stored(state_dir: Path) -> dict[str, int]:
    """When each artifact was made, by its conversion key."""
    with sqlite3.connect(state_dir / "controller.sqlite") as connection:
        rows = connection.execute("SELECT conversion_key, created_at_unix_ms FROM artifacts")
        return dict(rows.fetchall())


def failed_of(outcomes: list[ConversionOutcome]) -> set[str]:
    """The backbones that failed."""
    return {o.backbone for o in outcomes if o.result is ConversionResult.FAILED}


def test_a_child_that_is_killed_fails_its_backbone_and_the_others_go_on(tmp_path: Path) -> None:
    outcomes: list[ConversionOutcome] = []
    spec = ConversionSpec(backbones=NAMES, weights=WeightsKind.SYNTHETIC)
    with (
        running_controller(tmp_path, before=BY_COMMAND) as (controller, address),
        QueryClient(address) as client,
    ):
        killed = set[psutil.Process]()
        for snapshot in client.convert(spec):
            outcomes += snapshot.ended
            # One that was at its end already has done its work: the next one dies instead.
            if not failed_of(outcomes):
                last = exports_of(psutil.Process(controller.process.pid))[-1:]
                for export in last:
                    # Or has gone just now.
                    with suppress(psutil.NoSuchProcess):
                        export.kill()
                killed.update(last)
    failed = failed_of(outcomes)
    assert 0 < len(failed) <= len(killed)
    assert len(failed) < len(NAMES)
    assert len(outcomes) == 3 * len(NAMES)
    for outcome in outcomes:
        if outcome.backbone in failed:
            assert "the child died by SIGKILL" in outcome.reason
        else:
            assert outcome.result is ConversionResult.STORED


def test_after_the_controller_was_killed_nothing_is_made_twice_and_the_table_is_whole(
    tmp_path: Path,
) -> None:
    state_dir, page_path = tmp_path / "state", tmp_path / "page.md"
    with (
        running_controller(state_dir) as (controller, address),
        converting(address) as command,
    ):
        command.output.wait_for("^stored", timeout_s=120)
        controller.kill()
        assert command.process.wait(START_TIMEOUT_S) == 4
        command.output.wait_for("the controller at .* went away")
    before = stored(state_dir)
    assert 0 < len(before) < 3 * len(NAMES)
    with running_controller(state_dir) as (_controller, address):
        done = edgerank(*CONVERT, "--table", str(page_path), address=address)
    assert done.returncode == 0, done.stderr
    after = stored(state_dir)
    assert len(after) == 3 * len(NAMES)
    assert before.items() <= after.items()
    assert f"{len(after)} ok ({len(after) - len(before)} made now, {len(before)} found)" in (
        done.stdout
    )
    page = page_path.read_text()
    assert f"{len(NAMES)} of the {len(NAMES)} backbones that can be built (100.0 %)" in page
    for name in NAMES:
        assert page.count(f" {name} | 224 | ok, ") == 1


def test_ctrl_c_ends_the_children_and_keeps_what_was_made(tmp_path: Path) -> None:
    with (
        running_controller(tmp_path, before=BY_COMMAND) as (controller, address),
        converting(address) as command,
    ):
        command.output.wait_for("^stored", timeout_s=120)
        command.process.send_signal(signal.SIGINT)
        assert command.process.wait(START_TIMEOUT_S) == 130
        command.output.wait_for("^stopped; what was made is kept")
        # Servers of steps and all that they forked: nothing else is below a controller.
        running = psutil.Process(controller.process.pid).children(recursive=True)
        _gone, alive = psutil.wait_procs(running, timeout=START_TIMEOUT_S)
        assert alive == []
    assert stored(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((*CONVERT, "--precisions", "int4"), "no precision is named 'int4'; there are fp32"),
        ((*CONVERT, "--input-size", "0"), "'0' is no input size"),
        ((*CONVERT, "--batch", "65"), "are no batches from 1 to 64"),
        ((*CONVERT, "--all"), "name backbones, or a tier with --tier, or all with --all"),
        (("convert",), "name backbones, or a tier with --tier, or all with --all"),
        ((*CONVERT, "--table", "/nowhere/page.md"), "there is no folder /nowhere"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_starts(
    arguments: tuple[str, ...], sentence: str
) -> None:
    # Nobody listens there, so that whatever started would end otherwise.
    done = edgerank(*arguments, address="127.0.0.1:1")
    assert done.returncode == 2
    assert sentence in " ".join(done.stderr.split())
