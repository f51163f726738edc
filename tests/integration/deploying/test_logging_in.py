"""Who a board is, and whether somebody may log in there, is never taken for granted."""

import json
import os
import pty
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.access.conftest import Guarded
from tests.integration.deploying.conftest import Board, make_key, running_board
from tests.processes import COMMAND_TIMEOUT_S, EDGERANK, edgerank


def logs(board: Board, *options: str) -> subprocess.CompletedProcess[str]:
    """A command that only looks, and asks no controller."""
    return edgerank("deploy", "logs", "ssh", *board.named, *options)


def answered(board: Board, answer: str) -> tuple[int, str]:
    """The same on a terminal, with somebody there; its exit code and what it printed."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, f"{answer}\n".encode())
        done = subprocess.run(
            [*EDGERANK, "deploy", "logs", "ssh", *board.named],
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    return done.returncode, done.stdout


def test_an_unknown_host_is_refused_where_nobody_can_be_asked(board: Board) -> None:
    board.forget()
    done = logs(board)
    assert done.returncode == 4
    assert board.fingerprint() in done.stderr
    assert board.known() == ""


def test_a_host_is_known_once_its_fingerprint_is_named(board: Board) -> None:
    board.forget()
    wrong = logs(board, "--host-key", "SHA256:" + "A" * 43)
    assert (wrong.returncode, board.known()) == (4, "")
    assert logs(board, "--host-key", board.fingerprint()).returncode == 0
    assert board.known().startswith(f"[127.0.0.1]:{board.port} ssh-ed25519 ")
    assert logs(board).returncode == 0
    # What is known is held against what is named, too.
    assert logs(board, "--host-key", "SHA256:" + "A" * 43).returncode == 4


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 4), ("", 4)])
def test_on_a_terminal_somebody_is_shown_the_key_and_asked(
    board: Board, answer: str, code: int
) -> None:
    board.forget()
    ended, printed = answered(board, answer)
    assert (ended, bool(board.known())) == (code, code == 0), printed
    assert board.fingerprint() in printed


def test_a_changed_host_key_is_refused_also_when_it_is_named(board: Board, tmp_path: Path) -> None:
    make_key(tmp_path / "another")
    another = (tmp_path / "another.pub").read_text().split()
    path = board.person / ".ssh/known_hosts"
    known = f"[127.0.0.1]:{board.port} {another[0]} {another[1]}\n"
    path.write_text(known)
    for options in ((), ("--host-key", board.fingerprint())):
        done = logs(board, *options)
        assert done.returncode == 4
        (command,) = re.findall("'(ssh-keygen -R .*)', and run", done.stderr)
        # As any shell reads it, and not as a pattern.
        assert shlex.split(command)[2] == f"[127.0.0.1]:{board.port}"
        assert "-R [" not in command
    assert path.read_text() == known


def test_a_key_that_the_board_does_not_take_is_told(board: Board, tmp_path: Path) -> None:
    board.trust()
    make_key(tmp_path / "stranger")
    done = logs(board, "--identity", str(tmp_path / "stranger"))
    assert done.returncode == 4
    assert "ssh-copy-id" in done.stderr


def test_what_ssh_config_says_of_an_alias_holds(board: Board) -> None:
    board.trust()
    config = board.person / ".ssh/config"
    config.write_text(f"Host kitchen\n  HostName 127.0.0.1\n  Port {board.port}\n  User pi\n")
    try:
        assert edgerank("deploy", "logs", "ssh", "kitchen").returncode == 0
    finally:
        config.unlink()


def test_a_board_that_does_not_answer_is_told(person: Path, tmp_path: Path) -> None:
    with running_board(tmp_path / "gone", person) as gone:
        pass
    done = logs(gone)
    assert done.returncode == 4
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_board_without_python_is_told_what_it_lacks_and_how_it_stands(
    person: Path, fleet: Guarded, tmp_path: Path
) -> None:
    with running_board(tmp_path / "bare", person) as bare:
        bare.trust()
        done = edgerank("deploy", "ssh", *bare.named, address=fleet.local)
        asked = ("deploy", "status", "ssh", *bare.named, "--json")
        told = json.loads(edgerank(*asked, address=fleet.local).stdout)
    assert done.returncode == 4
    assert re.search("Python.*sudo apt install python3", done.stderr)
    assert not bare.base.exists()
    assert (told["deployed"], told["running"]) == (False, False)


def test_all_that_an_old_board_lacks_is_told_at_once(
    person: Path, fleet: Guarded, tmp_path: Path
) -> None:
    with running_board(tmp_path / "old", person) as old:
        old.trust()
        old.says("getconf", "case $1 in LONG_BIT) echo 32 ;; *) echo glibc 2.24 ;; esac")
        old.says("df", "echo; echo / 1 1 100000 1% /")
        done = edgerank("deploy", "ssh", *old.named, "--offline", address=fleet.local)
    assert done.returncode == 4
    for words in (
        *("programs are of 32 bits", "glibc is 2.24", "no Python 3.10", "102 MB are free"),
        "4 things",
    ):
        assert words in done.stderr


def test_an_archive_without_a_python_is_refused_before_anybody_logs_in(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(b"no archive")
    options = ("--python-archive", str(tmp_path / "a.tar.gz"))
    done = edgerank("deploy", "ssh", "pi@127.0.0.1", "--port", "1", *options)
    assert done.returncode == 2
    assert "python/bin/python3.N" in done.stderr


@pytest.mark.parametrize("written", ["pi@", "@board", "pi@-oProxyCommand=x", "a b", ""])
def test_what_is_no_board_is_refused(written: str) -> None:
    done = edgerank("deploy", "logs", "ssh", "--", written)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_the_agent_of_keys_is_asked(
    board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board.trust()
    key = board.person / ".ssh/id_ed25519"
    socket = tmp_path / "agent"
    keeper = subprocess.Popen(
        ["ssh-agent", "-D", "-a", socket], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        assert keeper.stdout is not None
        keeper.stdout.readline()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        subprocess.run(["ssh-add", "-q", key], check=True)
        # As it lies on a disk that others may see: with a passphrase.
        locked = Path(shutil.copy(key, tmp_path / "locked"))
        subprocess.run(
            ["ssh-keygen", "-q", "-p", "-P", "", "-N", "a secret", "-f", locked], check=True
        )
        key.rename(tmp_path / "away")
        assert logs(board).returncode == 0
        assert logs(board, "--identity", str(locked)).returncode == 0
        monkeypatch.delenv("SSH_AUTH_SOCK")
        unopened = logs(board, "--identity", str(locked))
        assert unopened.returncode == 4
        assert "ssh-add" in unopened.stderr
    finally:
        (tmp_path / "away").rename(key)
        keeper.terminate()
        keeper.wait()
