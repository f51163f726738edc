"""Runtimes: what a device has, and what one is told."""

from dataclasses import dataclass
from enum import Enum


class Runtime(Enum):
    """An inference library that an agent can measure with."""

    PADDLELITE = "paddlelite"
    ONNXRUNTIME = "onnxruntime"


class GraphOptimization(Enum):
    """How much ONNX Runtime rewrites a graph when it loads it."""

    DISABLED = "disabled"
    BASIC = "basic"
    EXTENDED = "extended"
    ALL = "all"


@dataclass(frozen=True, kw_only=True)
class RuntimeInfo:
    """A runtime that a device has."""

    runtime: Runtime
    version: str
    build: str = ""
    execution_providers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class OnnxRuntimeOptions:
    """What ONNX Runtime alone is told; the provider is named as it names it itself."""

    execution_provider: str = "CPUExecutionProvider"
    graph_optimization: GraphOptimization = GraphOptimization.ALL
    spinning: bool = True
    arena: bool = True
