"""What a step's process does to itself before it reads what strangers made.

What this kernel cannot hold it to is left out: models of people are not adopted there, see
`models.conversion.own_inspection`, and the catalog's are converted all the same.
"""

from __future__ import annotations

import resource
from pathlib import Path

import models
import protos
import sandbox
from models.processes.requests import Bounds
from sandbox.calls import cut_network, forbid_processes
from sandbox.files import hold_to_files
from sandbox.layers import Layer, enforceable
from sandbox.limits import limit

FORKING = frozenset({"export", "parity_onnx", "parity_paddle_lite"})
"""Steps that fork once, before which they read nothing of a stranger's, and start nothing after."""

_PACKAGES = tuple(Path(package.__file__ or "").parent for package in (models, protos, sandbox))


def hold_forks(bounds: Bounds) -> None:
    """Hold every fork that this process makes from now on to a step's files.

    By the one that forks and not in the fork, where a thread of a library's may run already: Paddle
    has one that it begins again in each fork, and a thread that runs is not held.

    Raises:
        OSError: the kernel says that it can do it, and does not.
    """
    if Layer.FILES in enforceable():
        hold_to_files(
            readable=map(Path, bounds.readable),
            writable=[Path(bounds.workdir)],
            packages=_PACKAGES,
        )


def confine(step: str, bounds: Bounds) -> None:
    """Limit this process with all of its threads, and cut it off the network.

    An allocation beyond its memory fails in this process only.

    Raises:
        OSError: the kernel says that it can do it, and does not.
    """
    limit(
        {
            resource.RLIMIT_DATA: bounds.memory_bytes,
            resource.RLIMIT_FSIZE: bounds.file_bytes,
            resource.RLIMIT_CPU: bounds.cpu_s,
            resource.RLIMIT_CORE: 0,
        }
    )
    layers = enforceable()
    if Layer.NETWORK in layers:
        cut_network()
    if Layer.PROCESSES in layers and step not in FORKING:
        forbid_processes()


def hold_memory(memory_bytes: int) -> None:
    """Lower what this process may have of private writable memory; never raise it."""
    limit({resource.RLIMIT_DATA: memory_bytes})


def start_no_more() -> None:
    """Deny this process new processes from here on, where the kernel can."""
    if Layer.PROCESSES in enforceable():
        forbid_processes()
