"""A file of boards is read, or refused with all that is wrong in it."""

from pathlib import Path

import pytest

from controller.cli.operating.deploying.hosts import Host, read_hosts
from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.deploying.ssh import Target

FINGERPRINT = "SHA256:" + "A" * 43


def written(folder: Path, text: str) -> Path:
    path = folder / "hosts.yaml"
    path.write_text(text)
    return path


def test_a_board_is_a_name_or_what_is_to_be_said_of_it(tmp_path: Path) -> None:
    file = f"""
hosts:
  - pi@kitchen
  - board: root@10.0.0.7
    port: 2222
    identity: /keys/lab
    host-key: {FINGERPRINT}
    name: jetson
    labels: {{room: lab}}
    paddlelite-python: /opt/lite/bin/python
    paddlelite-bin: /opt/lite/benchmark_bin
    runner-folder: ~/runners
"""
    plain, told = read_hosts(written(tmp_path, file))
    assert (plain.spelt, told.spelt) == ("pi@kitchen", "root@10.0.0.7:2222")
    assert plain == Host(board="pi@kitchen")
    assert told.paddlelite_python == "/opt/lite/bin/python"
    assert told.paddlelite_bin == "/opt/lite/benchmark_bin"
    assert told.runner_folder_or(Path("of all")) == Path("~/runners").expanduser()
    assert plain.runner_folder_or(Path("of all")) == Path("of all")
    assert (told.name, told.labels) == ("jetson", {"room": "lab"})
    assert told.target == Target(
        host="10.0.0.7", user="root", port=2222, identity=Path("/keys/lab"), host_key=FINGERPRINT
    )


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("hosts: []", 1),
        ("hosts: pi@board", 1),
        ("hosts: [pi@board]\nother: 1", 1),
        ("hosts: [pi@board, pi@board]", 1),
        ("hosts: ['', 'a b']", 2),
        ("hosts:\n- {board: pi@a, name: 'a b', host-key: MD5}\n- {board: pi@b, port: 0}", 3),
        ("hosts:\n- {name: a}", 1),
        ("hosts:\n- {board: pi@a, labels: {'a b': c}}", 1),
        ("hosts:\n- {board: pi@a, paddlelite-python: python3}", 1),
        ("hosts:\n- {board: pi@a, paddlelite-bin: benchmark_bin}", 1),
        ("hosts: [", 1),
    ],
)
def test_all_that_is_wrong_is_told_at_once(tmp_path: Path, text: str, count: int) -> None:
    with pytest.raises(EdgerankError) as refused:
        read_hosts(written(tmp_path, text))
    assert refused.value.code is ErrorCode.INVALID_INPUT
    assert len(str(refused.value).splitlines()) == count


def test_of_a_field_that_there_is_not_those_are_told_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(EdgerankError) as refused:
        read_hosts(written(tmp_path, "hosts:\n- {board: pi@a, prt: 1}\nothers: []"))
    of_board, of_file = str(refused.value).splitlines()
    assert "board 1, prt:" in of_board
    assert {"port,", "host-key,"} <= set(of_board.split())
    assert "others" in of_file
    assert of_file.endswith("one of hosts")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(EdgerankError) as refused:
        read_hosts(tmp_path / "none.yaml")
    assert refused.value.code is ErrorCode.STORAGE
