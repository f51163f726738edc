"""All that is examined of an agent's set-up, one check after the other."""

import asyncio
import platform
import resource
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from agent.clock import now_unix_ms
from agent.device.kernel_files import Roots
from agent.device.state import read_device_state
from agent.device.temperatures import processor_celsius
from agent.doctor.device import governor_found, runtimes_found, temperatures_found
from agent.doctor.place import (
    folder_found,
    identity_found,
    refused_found,
    spool_found,
)
from agent.doctor.way import certificate_found, way_found
from agent.errors import AgentError
from agent.measuring.introspection import describe_runtime
from agent.measuring.measurer import CHILD_COMMAND, most_of_available_memory
from agent.measuring.native.finding import FOLDER, NativeOptions, RunnerRefused, choose
from agent.runtimes import available_runtimes
from agent.threads import check_threads
from protos.checks import (
    CheckedSide,
    CheckOutcome,
    Finding,
    broken,
    clock_found,
    confinement_found,
    descriptors_found,
    fine,
    platform_found,
)
from protos.runtimes import RuntimeInfo
from sandbox.layers import Layer, enforceable
from sandbox.ownership import newest_unix_ms

# A stream, a child's pipes, the spool, sensors and libraries.
DESCRIPTORS = 256


def examine(folder: Path, controller: str | None) -> Iterator[Finding]:
    """Everything of the agent whose state folder this is; nothing is changed.

    Args:
        folder: the agent's, which may not be there yet.
        controller: HOST:PORT, instead of where it joined.
    """
    roots = Roots()
    version = (sys.version_info.major, sys.version_info.minor)
    yield platform_found(CheckedSide.AGENT, platform.system(), platform.release(), version)
    yield threads_found()
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield descriptors_found(CheckedSide.AGENT, limit, DESCRIPTORS, DESCRIPTORS)
    yield clock_found(CheckedSide.AGENT, now_unix_ms(), newest_unix_ms(folder))
    yield from _runtimes_found(folder, roots)
    missing = [layer.value for layer in Layer if layer not in enforceable()]
    yield confinement_found(CheckedSide.AGENT, missing, "measuring goes on without it")
    state = read_device_state(roots, now_unix_ms)
    yield governor_found(state.clocks)
    yield temperatures_found(processor_celsius(state.temperatures), state.temperatures)
    of_folder = tuple(folder_found(folder))
    yield from of_folder
    identity = None
    # Whoever may not write there may mostly not read either.
    if of_folder[0].outcome is not CheckOutcome.FAILED:
        yield spool_found(folder)
        yield refused_found(folder)
        told, identity = identity_found(folder)
        yield told
    if identity is not None:
        yield certificate_found(identity, datetime.now(timezone.utc))
    yield asyncio.run(way_found(identity, controller))


def _runtimes_found(folder: Path, roots: Roots) -> Iterator[Finding]:
    """Whether each runtime loads, those of a native runner in the state folder included."""
    try:
        chosen = choose(available_runtimes(), NativeOptions(), folder / FOLDER)
    except RunnerRefused as error:
        found, _, advice = str(error).partition(": ")
        yield broken(CheckedSide.AGENT, "runtimes", found, advice)
        return

    def describe(runtime: RuntimeInfo) -> RuntimeInfo:
        return describe_runtime(
            runtime,
            command=CHILD_COMMAND,
            memory_limit_bytes=most_of_available_memory(),
            proc_root=roots.proc,
            child=chosen.children.get(runtime.runtime),
        )

    yield from runtimes_found(chosen.runtimes, describe)


def threads_found() -> Finding:
    """Whether the agent can start what it needs."""
    try:
        check_threads()
    except AgentError as error:
        found, _, advice = str(error).partition(": ")
        return broken(CheckedSide.AGENT, "threads", found, advice)
    return fine(CheckedSide.AGENT, "threads", "enough threads can be started")
