"""What the runner tells of a moment lies over what the agent read of it."""

from agent.measuring.native.state import laid_under
from protos.device import CpuClock, DeviceState, Temperature

READ = DeviceState(
    taken_at_unix_ms=1,
    clocks=(CpuClock(cpu=0, frequency_khz=1_000_000),),
    temperatures=(Temperature(zone="cpu", celsius=50.0),),
    load_average=1.0,
)


def test_what_changes_fast_is_the_runners() -> None:
    clocks = (CpuClock(cpu=0, frequency_khz=2_000_000),)
    told = DeviceState(taken_at_unix_ms=2, clocks=clocks, load_average=2.0, waiting_share=0.1)
    both = laid_under(told, READ)
    assert (both.taken_at_unix_ms, both.load_average, both.waiting_share) == (2, 2.0, 0.1)
    assert both.clocks == clocks
    assert both.temperatures == READ.temperatures


def test_what_it_does_not_tell_is_what_was_read() -> None:
    both = laid_under(DeviceState(taken_at_unix_ms=2), READ)
    assert (both.clocks, both.load_average) == (READ.clocks, READ.load_average)
