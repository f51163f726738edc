"""Puts together what the runner and the agent read of a device."""

from dataclasses import replace

from protos.device import DeviceState


def laid_under(told: DeviceState, read: DeviceState) -> DeviceState:
    """What the runner told of a moment, and beneath it what only the agent read of it.

    Args:
        told: moment, clocks, load and waiting, which change fast.
        read: the rest, which changes slowly.
    """
    return replace(
        read,
        taken_at_unix_ms=told.taken_at_unix_ms,
        clocks=told.clocks or read.clocks,
        load_average=told.load_average if told.load_average is not None else read.load_average,
        waiting_share=told.waiting_share,
    )
