"""Runtimes: what a device has, and what one is told."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final


class Runtime(Enum):
    """An inference library that an agent can measure with."""

    PADDLELITE = "paddlelite"
    ONNXRUNTIME = "onnxruntime"


RUNNER: Final = "edgerank-runner"
"""What measures without Python, as it calls itself; see agent/native/src/version.hpp."""

RUNNER_PROTOCOL: Final = 1
"""What an agent speaks with it."""

PADDLELITE_SHIM: Final = "libedgerank_paddlelite.so"
"""What the runner loads of Paddle Lite: ours, which loads Paddle Lite's own."""

_LIBRARIES: Final = {
    Runtime.ONNXRUNTIME: re.compile(r"libonnxruntime\.so(\.\d+)*"),
    Runtime.PADDLELITE: re.compile(re.escape(PADDLELITE_SHIM)),
}


def library_among(runtime: Runtime, paths: Iterable[Path]) -> Path | None:
    """What a runner loads of a runtime, among files; None where it is not there.

    Several names are often one file: the longest tells the version.

    Raises:
        OSError: the paths cannot be looked at.
    """
    named = [each for each in paths if _LIBRARIES[runtime].fullmatch(each.name)]
    there = [each for each in named if each.is_file()]
    return max(there, key=lambda each: (len(each.name), each.name), default=None)


class GraphOptimization(Enum):
    """How much ONNX Runtime rewrites a graph when it loads it."""

    DISABLED = "disabled"
    BASIC = "basic"
    EXTENDED = "extended"
    ALL = "all"


@dataclass(frozen=True, kw_only=True)
class RuntimeInfo:
    """A runtime that a device has.

    Attributes:
        runtime: which one.
        version: its version.
        build: what the library says of its own build; empty where it says nothing.
        execution_providers: of ONNX Runtime, by its own names; empty for others.
        last_words: of one that crashes when it is loaded, how it ends and what it says then, so
            that it is given no job; empty where it loads, or that is not known.
        extra_kernels: of Paddle Lite, whether it was built with its extra kernels; None is unknown.
    """

    runtime: Runtime
    version: str
    build: str = ""
    execution_providers: tuple[str, ...] = ()
    last_words: str = ""
    extra_kernels: bool | None = None


CPU_PROVIDER: Final = "CPUExecutionProvider"
"""ONNX Runtime's own, which takes what others do not have."""


@dataclass(frozen=True, kw_only=True)
class OnnxRuntimeOptions:
    """What ONNX Runtime alone is told.

    Attributes:
        execution_provider: by ONNX Runtime's own name; operators that it does not have run on the
            CPU.
        graph_optimization: how much it rewrites a graph.
        spinning: whether idle threads wait in a loop.
        arena: whether memory is kept for the next run.
    """

    execution_provider: str = CPU_PROVIDER
    graph_optimization: GraphOptimization = GraphOptimization.ALL
    spinning: bool = True
    arena: bool = True

    @property
    def delegates(self) -> bool:
        """Whether something else than the CPU is to compute, or a library of its own there."""
        return self.execution_provider != CPU_PROVIDER
