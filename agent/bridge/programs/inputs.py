"""Writes what such a program computes on, which is brought before the phone is to rest."""

from pathlib import Path

from agent.child.inputs import make_inputs
from agent.child.programs.benchmark_bin.measuring import written
from agent.child.programs.perf_test.tensors import write_tensor
from protos.measuring import MeasureSettings
from protos.runtimes import Runtime


def write_inputs(settings: MeasureSettings, folder: Path) -> list[Path]:
    """The files, as the program's relay writes them again; in a folder of ours."""
    inputs = make_inputs(settings.takes, settings.input_seed)
    if settings.runtime is Runtime.PADDLELITE:
        return written(inputs.images, inputs.constants.values(), folder)
    path = folder / "input_0.pb"
    write_tensor(inputs.images, path)
    return [path]
