"""The measuring child with something wrong: started with the name of a fault.

`leak` keeps memory at every run; `clock` finds the clock set forward by an hour meanwhile.
"""

import sys
import time
from itertools import count
from typing import Final

from agent.child import __main__ as child
from agent.runtimes import onnxruntime

LEAK_BYTES: Final = 256 * 1024
STEP_S: Final = 3_600
_kept: list[bytes] = []


def leak() -> None:
    """Let every run of the network keep memory."""
    run = onnxruntime.OnnxNetwork.run

    def leaking_run(network: onnxruntime.OnnxNetwork) -> object:
        _kept.append(b"x" * LEAK_BYTES)
        return run(network)

    onnxruntime.OnnxNetwork.run = leaking_run  # type: ignore[method-assign, assignment]


def clock() -> None:
    """Let the clock be an hour ahead from the second time that it is asked."""
    asked, now_ns = count(), time.time_ns
    time.time_ns = lambda: now_ns() + (STEP_S * 10**9 if next(asked) else 0)


if __name__ == "__main__":
    {"leak": leak, "clock": clock}[sys.argv[1]]()
    child.main()
