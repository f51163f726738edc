"""What a measuring child does to itself before it loads a runtime."""

import contextlib
import ctypes
import os
import resource
import signal
import sys
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import BinaryIO

import agent
import protos
import sandbox
from sandbox.calls import cut_network, forbid_processes
from sandbox.files import hold_to_files
from sandbox.layers import Layer, enforceable
from sandbox.limits import limit

_PR_SET_PDEATHSIG = 1
_FILE_LIMIT_BYTES = 64 * 1024**2
PACKAGES = tuple(Path(package.__file__ or "").parent for package in (agent, protos, sandbox))
"""Folders of our own packages, which a confined process reads."""
# Written between two phases, see `agent.device.process_memory`.
_RESETS_PEAK = Path("/proc/self/clear_refs")
# What execution providers compute on, by Linux' and Android's names.
_ACCELERATORS = (
    *("accel", "adsprpc*", "apusys*", "ashmem*", "binder*", "dma_heap", "dri", "fastrpc*"),
    *("galcore", "hwbinder", "ion", "kfd", "kgsl*", "mali*", "nvhost*", "nvidia*", "nvmap"),
    *("rknpu*", "vndbinder"),
)


class CoresRefused(Exception):
    """The child cannot run where it should; the message says where it could."""


def set_stdout_aside() -> BinaryIO:
    """The pipe to the agent; from now on what libraries print on stdout goes to stderr."""
    sys.stdout.flush()
    pipe = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return pipe


def bind_to_parent(parent_pid: int) -> None:
    """Die when the agent dies, so that a killed agent leaves nothing that computes.

    The kernel means the thread that started this process; it waits for this process, so it lives
    as long as the agent does.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # The agent may have died before the call above took effect.
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), signal.SIGKILL)


def stay_on_cores(cores: tuple[int, ...]) -> None:
    """Run on these cores only, and so do the threads that start from now on; empty is as it is.

    Raises:
        CoresRefused: the kernel does not grant every one of them.
    """
    if not cores:
        return
    allowed = sorted(os.sched_getaffinity(0))
    # Of cores that it cannot grant the kernel says nothing as long as there is one that it can.
    with contextlib.suppress(OSError, OverflowError):
        os.sched_setaffinity(0, cores)
    if os.sched_getaffinity(0) != set(cores):
        raise CoresRefused(
            f"the kernel does not let the child run on the cores {_listed(cores)}; "
            f"the agent may use {_listed(allowed)}"
        )


def _listed(cores: Iterable[int]) -> str:
    return ", ".join(str(core) for core in cores)


def limit_memory(limit_bytes: int) -> None:
    """Limit private writable memory, and what is written into a file: stderr's, a trace."""
    limit(
        {
            resource.RLIMIT_DATA: limit_bytes,
            resource.RLIMIT_FSIZE: _FILE_LIMIT_BYTES,
            resource.RLIMIT_CORE: 0,
        }
    )


def confine(files: Collection[Path], folder: Path | None) -> None:
    """Hold this process to its files, without a network and without other processes.

    Before the runtime is loaded, whose threads are held with it; nothing of it is looked at when an
    inference computes. What this kernel cannot do is left out, and stands in the device's profile:
    the controller has looked at the artifact before.

    Args:
        files: what is read: an artifact and what its outputs are compared with, if anything is.
        folder: where a trace is written, if one is.

    Raises:
        OSError: the kernel says that it can do it, and does not.
    """
    layers = enforceable()
    if Layer.FILES in layers:
        hold_to_files(
            readable=files,
            writable=[_RESETS_PEAK, *([folder] if folder is not None else [])],
            devices=[each for pattern in _ACCELERATORS for each in Path("/dev").glob(pattern)],
            packages=PACKAGES,
        )
    if Layer.NETWORK in layers:
        cut_network()
    if Layer.PROCESSES in layers:
        forbid_processes()


def go_first_when_memory_ends(proc_root: Path) -> None:
    """Let the kernel kill this process, and not the agent, when the device runs out of memory."""
    with contextlib.suppress(OSError):
        (proc_root / "self" / "oom_score_adj").write_text("1000")
