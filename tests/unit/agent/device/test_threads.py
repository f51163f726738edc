"""Threads are counted by the CPU time that the kernel credits to each."""

from pathlib import Path

import pytest

from agent.device.threads import (
    ThreadMeter,
    ThreadWork,
    busy_threads,
    cpu_time_ns_by_thread,
    waiting_ns_by_thread,
    waiting_share,
)


def plant_task(process: Path, thread: int, files: dict[str, str]) -> None:
    task = process / "task" / str(thread)
    task.mkdir(parents=True)
    for name, content in files.items():
        (task / name).write_text(content)


def test_nanoseconds_where_the_kernel_counts_them(tmp_path: Path) -> None:
    plant_task(tmp_path, 7, {"schedstat": "123456789 55 12\n"})
    assert cpu_time_ns_by_thread(tmp_path) == {7: 123_456_789}


def test_clock_ticks_where_it_does_not(tmp_path: Path) -> None:
    stat = "7 (python) :) x) S 1 7 7 0 -1 0 0 0 0 0 150 50 0 0 20 0 1 0 1\n"
    plant_task(tmp_path, 7, {"stat": stat})
    assert cpu_time_ns_by_thread(tmp_path) == {7: 2_000_000_000}


def test_a_thread_that_ended_meanwhile_is_left_out(tmp_path: Path) -> None:
    plant_task(tmp_path, 7, {})
    assert cpu_time_ns_by_thread(tmp_path) == {}


def test_threads_that_only_woke_up_now_and_then_do_not_count() -> None:
    before = {1: 1_000, 2: 0, 3: 500}
    after = {1: 101_000, 2: 90_000, 3: 5_500, 4: 60_000}
    assert busy_threads(before, after) == 3


def test_nobody_computed() -> None:
    assert busy_threads({1: 5}, {1: 5}) == 0


def test_a_meter_tells_what_threads_did_since_it_began(tmp_path: Path) -> None:
    plant_task(tmp_path, 7, {"schedstat": "1000 50 12\n"})
    plant_task(tmp_path, 8, {"schedstat": "2000 0 1\n"})
    moments = iter((100, 300))
    meter = ThreadMeter(tmp_path, lambda: next(moments))
    (tmp_path / "task/7/schedstat").write_text("9000 100 20\n")
    assert meter.stop() == ThreadWork(busy_threads=1, waiting_share=0.25)


def test_waiting_is_read_where_the_kernel_counts_it(tmp_path: Path) -> None:
    plant_task(tmp_path, 7, {"schedstat": "123456789 55 12\n"})
    plant_task(tmp_path, 8, {"schedstat": "rubbish\n"})
    plant_task(tmp_path, 9, {})
    assert waiting_ns_by_thread(tmp_path) == {7: 55}


@pytest.mark.parametrize(
    ("before", "after", "span_ns", "share"),
    [
        ({1: 100, 2: 0}, {1: 350, 2: 100}, 1_000, 0.25),
        # A thread that began meanwhile has waited before, too.
        ({1: 100}, {1: 100, 2: 900}, 1_000, 0.0),
        ({1: 0}, {1: 5_000}, 1_000, 1.0),
        ({}, {}, 1_000, None),
        ({1: 0}, {1: 0}, 0, None),
    ],
)
def test_the_thread_that_waited_longest_tells(
    before: dict[int, int], after: dict[int, int], span_ns: int, share: float | None
) -> None:
    assert waiting_share(before, after, span_ns) == share
