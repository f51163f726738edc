"""Files that are missing, unreadable, or that lie, give nothing, and never an exception."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.device.kernel_files import Roots, cpu_numbers, read_text, read_whole
from agent.device.profile import read_device_profile
from agent.device.state import read_device_state
from protos.device import DeviceProfile, DeviceState
from tests.unit.agent.device.test_profile import HOST
from tests.unit.agent.trees import PC, PHONE, RASPBERRY_PI, plant

NOBODY = 65_534
DEVICES = pytest.mark.parametrize(
    "files", [PHONE, RASPBERRY_PI, PC], ids=["phone", "raspberry_pi", "pc"]
)
LIES = ("", "\0", "-1", "many", "nan", "1000000000000000000000", "0x", "\n\n", "9" * 5_000, "٣")
NOTHING = DeviceState(taken_at_unix_ms=0)


def profile(roots: Roots) -> DeviceProfile:
    return read_device_profile(roots, HOST, ())


def state(roots: Roots) -> DeviceState:
    return read_device_state(roots, lambda: 0)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read everything; nobody may not."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


@DEVICES
def test_files_that_may_not_be_read_are_unknown(files: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        roots = plant(Path(folder), files)
        with as_nobody():
            assert state(roots) != NOTHING
        for name in files:
            (Path(folder) / name).chmod(0)
        with as_nobody():
            assert state(roots) == NOTHING
            assert profile(roots) == profile(Roots(top=Path("/nowhere")))


@DEVICES
def test_folders_that_may_not_be_listed_are_unknown(files: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        roots = plant(Path(folder), files)
        Path(folder).chmod(0)
        with as_nobody():
            assert state(roots) == NOTHING
            assert profile(roots) == profile(Roots(top=Path("/nowhere")))
        Path(folder).chmod(0o700)


@DEVICES
def test_folders_in_the_place_of_files_are_unknown(tmp_path: Path, files: dict[str, str]) -> None:
    for name in files:
        (tmp_path / name).mkdir(parents=True)
    assert state(Roots(top=tmp_path)) == NOTHING


@DEVICES
@pytest.mark.parametrize("lie", LIES)
def test_a_device_whose_every_figure_lies_has_none(
    tmp_path: Path, files: dict[str, str], lie: str
) -> None:
    roots = plant(tmp_path, {name: lie for name in files if name.startswith(("sys/", "proc/"))})
    told = state(roots)
    assert all(clock.frequency_khz is None for clock in told.clocks)
    assert told.temperatures == ()
    assert told.load_average is None
    assert (told.throttle_counters, told.active_limits) == ((), ())
    assert (told.battery, told.power) == (None, ())
    found = profile(roots)
    assert (found.clusters, found.caches) == ((), ())
    assert (found.logical_cores, found.memory_bytes) == (0, 0)


def test_this_device_tells_what_it_is_without_an_exception() -> None:
    assert profile(Roots()).logical_cores == os.cpu_count()
    assert {each.name for each in fields(DeviceState)} == set(vars(state(Roots())))


def test_a_file_that_never_ends_is_unknown() -> None:
    assert read_text(Path("/dev/zero")) is None


@given(st.text())
def test_a_list_of_cores_is_read_or_empty(text: str) -> None:
    numbers = cpu_numbers(text)
    assert list(numbers) == sorted(set(numbers))


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("0", (0,)), ("0-3,8", (0, 1, 2, 3, 8)), ("3-0", ()), ("0-99999999", ()), ("0-9999", ())],
)
def test_lists_of_cores(text: str, numbers: tuple[int, ...]) -> None:
    assert cpu_numbers(text) == numbers


@given(st.text(), st.integers(), st.integers())
def test_a_whole_number_is_between_its_bounds(text: str, lowest: int, highest: int) -> None:
    with tempfile.NamedTemporaryFile("w", errors="replace") as file:
        file.write(text)
        file.flush()
        number = read_whole(Path(file.name), lowest, highest)
    assert number is None or lowest <= number <= highest
