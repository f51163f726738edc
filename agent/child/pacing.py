"""Inferences on a clock, as an application's that takes the frames of a camera."""

from collections.abc import Callable

from agent.child.sampling import ClockNs, Run
from protos.measuring import PacedSamples


def pace(
    run: Run,
    *,
    interval_ns: int,
    length_ns: int,
    settling_ns: int,
    clock_ns: ClockNs,
    sleep_ns: Callable[[int], None],
) -> PacedSamples:
    """Run once for each frame, and rest until the next; at least one inference is told.

    A frame comes every interval. One that comes while the one before is still computed is dropped,
    as by a camera that has no queue, so that inferences begin on the clock and nowhere else.

    Args:
        run: one inference.
        interval_ns: from a frame to the next.
        length_ns: how long frames come.
        settling_ns: for how long, from the first, inferences are not told.
        clock_ns: tells the time.
        sleep_ns: rests for so long.
    """
    latency_ns: list[int] = []
    delay_ns: list[int] = []
    first_ns = clock_ns()
    frame = 0
    while (since_first_ns := frame * interval_ns) < length_ns or not latency_ns:
        due_ns = first_ns + since_first_ns
        while (left_ns := due_ns - clock_ns()) > 0:
            sleep_ns(left_ns)
        begin_ns = clock_ns()
        run()
        end_ns = clock_ns()
        if since_first_ns >= settling_ns:
            latency_ns.append(end_ns - begin_ns)
            delay_ns.append(begin_ns - due_ns)
        # The next that has not come yet.
        frame = max(frame + 1, -((first_ns - end_ns) // interval_ns))
    return PacedSamples(latency_ns=tuple(latency_ns), delay_ns=tuple(delay_ns))
