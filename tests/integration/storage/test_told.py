"""What cannot be read is told where people ask, and in the controller's log."""

import sqlite3
from pathlib import Path

from tests.processes import edgerank, running_agent, running_controller


def test_a_device_that_cannot_be_read_is_counted_beside_the_others(tmp_path: Path) -> None:
    state = tmp_path / "controller"
    with running_controller(state) as (_controller, address):
        for name in ("pc", "board"):
            with running_agent(address, name, tmp_path / name):
                pass
    database = sqlite3.connect(state / "controller.sqlite")
    with database:
        database.execute("UPDATE devices SET profile = '{' WHERE name = 'board'")
    database.close()
    with running_controller(state) as (controller, address):
        told = edgerank("devices", address=address)
        assert told.returncode == 0
        assert "pc" in told.stdout
        board = (tmp_path / "board" / "device_id").read_text().strip()
        assert "1 device cannot be read" in told.stderr
        assert f"{board} (profile)" in told.stderr
        controller.output.wait_for(
            f"stored cannot be read, and is left out.* kind=device id={board}"
        )
        # Its agent says anew what it is.
        with running_agent(address, "board", tmp_path / "board"):
            assert edgerank("devices", "show", "board", address=address).returncode == 0
