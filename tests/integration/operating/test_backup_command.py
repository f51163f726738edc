"""A controller's state is backed up while it serves, and comes back with its devices' keys."""

import json
from pathlib import Path

from tests.integration.access.conftest import guarded_controller
from tests.processes import edgerank, running
from tests.processes.ports import kept_port

# Every address of this machine.
HOST = "0.0.0.0"


def test_a_fleet_comes_back_from_a_backup(tmp_path: Path) -> None:
    backup = tmp_path / "backup.tar.gz"
    with kept_port(HOST) as port, kept_port(HOST) as fleet_port:
        places = ("--host", HOST, "--port", str(port), "--fleet-port", str(fleet_port))
        with guarded_controller(tmp_path, *places) as guarded:
            token = guarded.token()
            with guarded.agent("board", token):
                served = str(tmp_path / "controller")
                made = edgerank("backup", str(backup), "--state", served)
                assert made.returncode == 0, made.stderr
                refused = edgerank("restore", str(backup), "--state", served)
                assert (refused.returncode, refused.stderr.count("error:")) == (4, 1)
                guarded.command("devices", "rename", "board", "renamed")
                put_off = edgerank("restore", str(backup), "--state", served, "--at-next-start")
                assert put_off.returncode == 0, put_off.stderr
                assert _devices(port) == ["renamed"]
        with running("controller", *places, "--state", served) as again:
            again.output.wait_for(r"listening on")
            assert _devices(port) == ["board"]
        restored = edgerank("restore", str(backup), "--state", str(tmp_path / "anew"))
        assert restored.returncode == 0, restored.stderr
        with running("controller", *places, "--state", str(tmp_path / "anew")) as anew:
            anew.output.wait_for(r"listening on")
            # Without its token: by the certificate that the old folder's key signed.
            with running("agent", "--name", "board", "--state", str(tmp_path / "board")) as agent:
                agent.output.wait_for("connected to .* as board")
                assert _devices(port) == ["board"]


def _devices(port: int) -> list[str]:
    done = edgerank("devices", "--json", address=f"127.0.0.1:{port}")
    assert done.returncode == 0, done.stderr
    return [each["name"] for each in json.loads(done.stdout)]


def test_a_backup_of_nothing_is_told(tmp_path: Path) -> None:
    done = edgerank("backup", str(tmp_path / "backup"), "--state", str(tmp_path))
    assert (done.returncode, done.stderr.count("error:")) == (2, 1)
    assert list(tmp_path.iterdir()) == []
