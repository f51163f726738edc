"""State folders are their owner's alone; and nobody serves one that is gone or is another's."""

import shutil
import stat
from pathlib import Path

import pytest

from controller.domain.errors import EdgerankError, ErrorCode
from controller.state.database import Database
from tests.processes import running, running_agent, running_controller


def open_to_others(folder: Path) -> list[Path]:
    paths = [folder, *folder.rglob("*")]
    return [path for path in paths if stat.S_IMODE(path.stat().st_mode) & 0o077]


def remove_at_once(folder: Path) -> None:
    """No moment is between its first file and itself, and whoever works in it puts none there."""
    shutil.rmtree(folder.rename(folder.with_name(f"{folder.name} that was")))


def test_folders_are_made_and_mended_for_their_owner_alone(tmp_path: Path) -> None:
    served, joined = tmp_path / "controller", tmp_path / "agent"
    # As an older edgerank left it.
    joined.mkdir()
    joined.chmod(0o755)
    (joined / "device_id").write_text("4f0c5f0e-5f3c-4b57-9a3e-2f4a6d9a6f11\n")
    (joined / "device_id").chmod(0o644)
    with (
        running_controller(served) as (_, address),
        running_agent(address, "board", joined) as agent,
    ):
        for path in (joined, joined / "device_id"):
            agent.output.wait_for(f'event="open to other users until now" .*path={path}( |$)')
    assert open_to_others(served) == open_to_others(joined) == []


def test_whoever_loses_its_folder_ends_with_a_word(tmp_path: Path) -> None:
    served, joined = tmp_path / "controller", tmp_path / "agent"
    with running_controller(served) as (controller, address):
        with running_agent(address, "board", joined) as agent:
            remove_at_once(joined)
            assert agent.process.wait(timeout=30) == 4
            agent.output.wait_for(f"^error: {joined} was removed")
        remove_at_once(served)
        assert controller.process.wait(timeout=30) == 4
        controller.output.wait_for(f"^error: {served} was removed")


def test_nothing_is_acknowledged_that_went_into_a_removed_file(
    database: Database, tmp_path: Path
) -> None:
    # A connection stays open, as of every controller that serves: no other file gets its inode.
    with database.transaction():
        pass
    (tmp_path / "controller.sqlite").unlink()
    with pytest.raises(EdgerankError, match="was removed") as lost, database.transaction():
        pass
    assert lost.value.code is ErrorCode.STORAGE


def test_two_agents_with_one_identity_are_both_told(tmp_path: Path) -> None:
    with running_controller(tmp_path / "controller") as (_, address):
        first = tmp_path / "first"
        with running_agent(address, "board", first):
            pass
        shutil.copytree(first, tmp_path / "copied")
        copy = ("--controller", address, "--state", str(tmp_path / "copied"))
        with (
            running_agent(address, "board", first) as original,
            running("agent", *copy, "--name", "board") as copied,
        ):
            # The first comes back after the copy took its place.
            assert original.process.wait(timeout=60) == 2
            for agent in (original, copied):
                agent.output.wait_for("two agents run with the identity")
            # What helps where a name is taken does not help here.
            original.output.wait_for("token create', too$")
