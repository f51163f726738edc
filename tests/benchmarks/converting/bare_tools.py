"""The conversion tools as a person calls them by hand, each a command of its own."""

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from models.catalog.variants import Target

_BIN = Path(sys.executable).parent
_EXPORT = Path(__file__).with_name("bare_export.py")


def export_s(architecture: str, input_size: int, weights: Path, folder: Path) -> float:
    """Seconds that exporting to `folder`/program takes."""
    return _run_s(
        (
            sys.executable,
            _EXPORT,
            architecture,
            str(input_size),
            weights,
            folder / "program",
        ),
        folder,
    )


def convert_s(target: Target, folder: Path) -> float:
    """Seconds that the format's own tool takes for the program in `folder`."""
    return _run_s(_commands(folder)[target], folder)


def _commands(folder: Path) -> Mapping[Target, tuple[str | Path, ...]]:
    model, params = folder / "program.pdmodel", folder / "program.pdiparams"
    optimiser = (
        _BIN / "paddle_lite_opt",
        f"--model_file={model}",
        f"--param_file={params}",
        "--optimize_out_type=naive_buffer",
    )
    return {
        Target.ARM: (*optimiser, "--valid_targets=arm", f"--optimize_out={folder / 'arm'}"),
        Target.X86: (*optimiser, "--valid_targets=x86", f"--optimize_out={folder / 'x86'}"),
        Target.ANY: (
            _BIN / "paddle2onnx",
            f"--model_dir={folder}",
            "--model_filename=program.pdmodel",
            "--params_filename=program.pdiparams",
            "--opset_version=14",
            f"--save_file={folder / 'model.onnx'}",
        ),
    }


def _run_s(command: tuple[str | Path, ...], folder: Path) -> float:
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=folder)
    return time.perf_counter() - begin
