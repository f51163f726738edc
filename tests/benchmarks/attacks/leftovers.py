"""What attackers may have of a processor that they share with what they attack."""

import os

# Beside a process of ordinary niceness it has 15 parts of 1,039, by the kernel's weights.
NICENESS = 19


def take_leftovers() -> None:
    """Lets this process have what nobody else wants of the last core."""
    os.nice(NICENESS)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
