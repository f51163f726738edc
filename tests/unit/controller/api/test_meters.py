"""What is counted is what happened, and a scrape asks how things stand when it comes."""

import asyncio
from dataclasses import replace

import grpc
import pytest

from controller.api.meters import Meters, Standing, ends_with
from controller.domain.jobs import JobState

QUIET = Standing(
    connected_devices=0,
    leases=0,
    outbox_lengths=(),
    conversions_running=0,
    conversions_queued=0,
    reports_committed=0,
    attempts_lost=0,
    open_jobs={},
)


def sample(meters: Meters, name: str, **labels: str) -> float | None:
    """The value of a sample, as a scrape has it."""
    return meters.registry.get_sample_value(name, labels)


def calls(meters: Meters, status: str) -> float | None:
    return sample(meters, "edgerank_rpcs_total", method="/m", status=status)


def test_a_call_is_open_while_it_goes_on_and_counted_by_how_it_ends() -> None:
    meters = Meters()
    with meters.call("/m"):
        assert sample(meters, "edgerank_rpcs_open", method="/m") == 1
        assert calls(meters, "OK") is None
    assert sample(meters, "edgerank_rpcs_open", method="/m") == 0
    assert calls(meters, "OK") == 1


@pytest.mark.parametrize(
    ("told", "raised", "status"),
    [
        (grpc.StatusCode.NOT_FOUND, ValueError, "NOT_FOUND"),
        (grpc.StatusCode.PERMISSION_DENIED, asyncio.CancelledError, "PERMISSION_DENIED"),
        (None, asyncio.CancelledError, "CANCELLED"),
        (None, ValueError, "UNKNOWN"),
    ],
)
def test_a_call_that_fails_is_counted_by_what_was_said(
    told: grpc.StatusCode | None, raised: type[BaseException], status: str
) -> None:
    meters = Meters()

    def fail() -> None:
        with meters.call("/m"):
            if told is not None:
                ends_with(told)
            raise raised

    with pytest.raises(raised):
        fail()
    assert calls(meters, status) == 1
    assert calls(meters, "OK") is None
    assert sample(meters, "edgerank_rpcs_open", method="/m") == 0


async def test_calls_that_go_on_at_once_do_not_end_for_each_other() -> None:
    meters = Meters()
    turn = asyncio.Event()

    async def fails() -> None:
        with meters.call("/m"):
            await turn.wait()
            ends_with(grpc.StatusCode.NOT_FOUND)

    async def succeeds() -> None:
        with meters.call("/m"):
            turn.set()
            await asyncio.sleep(0)

    await asyncio.gather(fails(), succeeds())
    assert (calls(meters, "OK"), calls(meters, "NOT_FOUND")) == (1, 1)


def test_a_scrape_asks_how_things_stand() -> None:
    meters = Meters()
    standing: Standing | None = None
    meters.watch(lambda: standing)
    assert sample(meters, "edgerank_devices_connected") is None
    standing = QUIET
    assert sample(meters, "edgerank_devices_connected") == 0
    assert sample(meters, "edgerank_outbox_longest") == 0
    standing = replace(
        QUIET,
        connected_devices=3,
        leases=2,
        outbox_lengths=(1, 4, 0),
        conversions_queued=5,
        reports_committed=7,
        attempts_lost=1,
        open_jobs={JobState.QUEUED: 9},
    )
    for name, value in {
        "edgerank_devices_connected": 3,
        "edgerank_leases": 2,
        "edgerank_outbox_messages": 5,
        "edgerank_outbox_longest": 4,
        "edgerank_reports_committed_total": 7,
        "edgerank_attempts_lost_total": 1,
    }.items():
        assert sample(meters, name) == value
    assert sample(meters, "edgerank_conversions", state="queued") == 5
    assert sample(meters, "edgerank_conversions", state="running") == 0
    assert sample(meters, "edgerank_jobs_open", state="queued") == 9


def test_times_are_counted_into_buckets() -> None:
    meters = Meters()
    meters.committed(0.03)
    meters.converted(3)
    name = "edgerank_report_commit_seconds"
    assert sample(meters, f"{name}_bucket", le="0.02") == 0
    assert sample(meters, f"{name}_bucket", le="0.05") == 1
    assert sample(meters, "edgerank_conversion_seconds_sum") == 3
