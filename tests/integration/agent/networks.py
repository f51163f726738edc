"""The networks that these tests measure, and where their artifacts are."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from protos.inputs import ImageSize, InputKind, NetworkInput
from protos.measuring import MeasureSettings
from protos.runtimes import OnnxRuntimeOptions, Runtime

# `tiny` runs in well under a millisecond; `wide` has work for a second thread; `faint` multiplies
# its input, channel by channel, by 1e-20. The last three take what `tiny` takes and give as many
# numbers: with other weights, the same ones for every image, and none at all.
SHAPES = {
    "tiny": (1, 3, 32, 32),
    "wide": (1, 256, 56, 56),
    "faint": (1, 256, 56, 56),
    "altered": (1, 3, 32, 32),
    "constant": (1, 3, 32, 32),
    "nan": (1, 3, 32, 32),
}
_SUFFIXES = {Runtime.ONNXRUNTIME: ".onnx", Runtime.PADDLELITE: ".nb"}


def takes(network: str) -> NetworkInput:
    """What a network of `SHAPES` is given."""
    batch, channels, height, width = SHAPES[network]
    kind = InputKind(channels=channels)
    return NetworkInput(size=ImageSize(height, width), batch=batch, kind=kind)


@dataclass(frozen=True)
class Artifacts:
    """A folder with each network in each runtime's format."""

    folder: Path

    def path(self, network: str, runtime: Runtime) -> Path:
        return self.folder / f"{network}{_SUFFIXES[runtime]}"

    def reference(self, network: str) -> Path:
        """What a network is to give, as Paddle computed it."""
        return self.folder / f"{network}.outputs"


def made_artifacts(folder: Path) -> Artifacts:
    """All of them, made by the real tools."""
    command = [sys.executable, "-m", "tests.integration.agent.make_artifacts", str(folder)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return Artifacts(folder)


def settings(
    runtime: Runtime,
    network: str = "tiny",
    *,
    threads: int = 1,
    relative_half_width: float = 0.5,
    time_budget_ms: int = 5_000,
    cores: tuple[int, ...] = (),
    flush_denormals: bool = False,
    onnxruntime: OnnxRuntimeOptions | None = None,
    sustained_minutes: int = 0,
    paced_fps: float = 0,
) -> MeasureSettings:
    """Settings that end soon: half of the median either way is precise enough."""
    return MeasureSettings(
        runtime=runtime,
        threads=threads,
        relative_half_width=relative_half_width,
        time_budget_ms=time_budget_ms,
        takes=takes(network),
        input_seed=1,
        cores=cores,
        flush_denormals=flush_denormals,
        onnxruntime=onnxruntime,
        sustained_minutes=sustained_minutes,
        paced_fps=paced_fps,
    )
