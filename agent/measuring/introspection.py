"""What the installed runtimes say of themselves, asked in processes of their own at the start."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

from agent.child.messages import Baseline, ChildRequest
from agent.measuring.children import Child, PythonChild
from agent.measuring.supervision import Cancellation, ChildAnswer, MeasuringFailed
from protos.inputs import InputKind, NetworkInput, square
from protos.log_lines import event_log
from protos.reasons import ReasonCode
from protos.runtimes import Runtime, RuntimeInfo

# Importing the largest runtime on the slowest board.
IMPORT_LIMIT_S = 30.0
_ONE_PIXEL = NetworkInput(size=square(1), kind=InputKind(channels=1))

# What ends alike whenever it is loaded.
_BROKEN = (ReasonCode.CRASHED, ReasonCode.NO_RUNTIME, ReasonCode.RUNTIME_ERROR)

_log = event_log(__name__)


def describe_runtimes(
    installed: Iterable[RuntimeInfo],
    *,
    command: tuple[str, ...],
    memory_limit_bytes: int,
    proc_root: Path,
    limit_s: float = IMPORT_LIMIT_S,
    children: Mapping[Runtime, Child] = MappingProxyType({}),
) -> tuple[RuntimeInfo, ...]:
    """The runtimes with their builds and execution providers.

    One that does not say them stays without, and is warned of. One that crashes when it is loaded
    has its last words, so that it is given no job; whether one that hangs, or finds no memory, does
    so again, nobody knows: a job that is given to it ends with the reason.

    Args:
        installed: what to ask.
        command: starts a child.
        memory_limit_bytes: of private writable memory, for each child.
        proc_root: where the kernel counts whom it killed for lack of memory.
        limit_s: wall time after which a child is killed.
        children: are asked in the place of those that `command` starts, by runtime.
    """

    def described(runtime: RuntimeInfo) -> RuntimeInfo:
        try:
            return describe_runtime(
                runtime,
                command=command,
                memory_limit_bytes=memory_limit_bytes,
                proc_root=proc_root,
                limit_s=limit_s,
                child=children.get(runtime.runtime),
            )
        except MeasuringFailed as error:
            _log.warning("a runtime does not say what it is", runtime=runtime.runtime, error=error)
            is_broken = error.failure.code in _BROKEN
            return replace(runtime, last_words=str(error)) if is_broken else runtime

    return tuple(map(described, installed))


def describe_runtime(
    runtime: RuntimeInfo,
    *,
    command: tuple[str, ...],
    memory_limit_bytes: int,
    proc_root: Path,
    limit_s: float = IMPORT_LIMIT_S,
    child: Child | None = None,
) -> RuntimeInfo:
    """The runtime with its build and execution providers; arguments as of `describe_runtimes`.

    Raises:
        MeasuringFailed: it crashes or hangs when it is loaded; with its last words.
    """
    request = ChildRequest(
        parent_pid=os.getpid(),
        memory_limit_bytes=memory_limit_bytes,
        runtime=runtime.runtime,
        takes=_ONE_PIXEL,
        input_seed=0,
    )
    answer = (child or PythonChild(command)).ask(
        partial(_asked, request),
        limit_s=limit_s,
        cancellation=Cancellation(),
        proc_root=proc_root,
    )
    return _described(runtime, answer)


def _asked(request: ChildRequest, _pid: int) -> ChildRequest:
    return request


def _described(runtime: RuntimeInfo, answer: ChildAnswer) -> RuntimeInfo:
    if not isinstance(answer, Baseline):
        raise MeasuringFailed(ReasonCode.RUBBISH, "the child answered another question")
    return replace(
        runtime,
        build=answer.build,
        version=answer.library_version or runtime.version,
        execution_providers=answer.execution_providers,
        extra_kernels=answer.extra_kernels,
    )
