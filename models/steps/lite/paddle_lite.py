"""Step: optimise a program into a Paddle Lite `.nb` file."""

from __future__ import annotations

from pathlib import Path

from paddlelite.lite import Opt

from models.catalog.precisions import Precision
from models.processes.requests import FileAnswer, PaddleLiteRequest
from models.steps.refusal import ToolGaveNothing

# A `.nb` file starts with its format's version, two bytes, and the tool's as text in sixteen.
_FORMAT_VERSION = 2
_VERSION_START = 2
_VERSION_END = 18


def run(request: PaddleLiteRequest) -> FileAnswer:
    """Write the `.nb` file.

    Raises:
        ToolGaveNothing: the tool ended without writing one.
    """
    output = Path(request.output_path)
    opt = Opt()
    opt.set_model_file(f"{request.program_prefix}.pdmodel")
    opt.set_param_file(f"{request.program_prefix}.pdiparams")
    if request.precision is Precision.FP16:
        # The places take it in: after them it changes nothing.
        opt.enable_fp16()
    opt.set_valid_places(request.place)
    opt.set_model_type("naive_buffer")
    # The tool appends `.nb` by itself.
    opt.set_optimize_out(str(output.with_suffix("")))
    if request.precision is Precision.INT8_DYNAMIC:
        opt.set_quant_model(True)
        opt.set_quant_type("QUANT_INT8")
    opt.run()
    if not output.is_file() or output.stat().st_size == 0:
        raise ToolGaveNothing("Paddle Lite's optimiser ended without writing a .nb file")
    _clear_version_padding(output)
    return FileAnswer(size_bytes=output.stat().st_size)


def _clear_version_padding(path: Path) -> None:
    """Zero what follows the version's text in its field of fixed length.

    The tool leaves whatever its stack held there, so that one program would give another digest
    each time.
    """
    with path.open("r+b") as stream:
        header = stream.read(_VERSION_END)
        if int.from_bytes(header[:_VERSION_START], "little") != _FORMAT_VERSION:
            return
        text = header[_VERSION_START:].split(b"\0")[0]
        stream.seek(_VERSION_START)
        stream.write(text.ljust(_VERSION_END - _VERSION_START, b"\0"))
