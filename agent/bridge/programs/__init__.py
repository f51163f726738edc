"""Programs that others wrote, run on a phone: Paddle Lite's, and ONNX Runtime's."""

from typing import Final

from protos.runtimes import Runtime

MODULES: Final = {
    Runtime.PADDLELITE: "agent.bridge.programs.benchmark_bin",
    Runtime.ONNXRUNTIME: "agent.bridge.programs.perf_test",
}
"""The relay of each, by runtime."""
