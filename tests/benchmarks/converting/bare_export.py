"""Exports a backbone as a person does by hand: build it, load its weights, save its program.

Run as `python bare_export.py ARCHITECTURE INPUT_SIZE WEIGHTS PREFIX`, without edgerank.
"""

import importlib
import importlib.util
import sys
import types
from pathlib import Path

import paddle

# The packages' own `__init__` files pull in what crashes an export.
_PARENTS = ("paddleclas", "paddleclas.ppcls", "paddleclas.ppcls.arch", "paddleclas.ppcls.utils")


def main(architecture: str, input_size: int, weights: str, prefix: str) -> None:
    """Write `<prefix>.pdmodel` and `<prefix>.pdiparams`."""
    spec = importlib.util.find_spec("paddleclas")
    assert spec is not None
    assert spec.submodule_search_locations
    root = Path(next(iter(spec.submodule_search_locations)))
    for name in _PARENTS:
        module = types.ModuleType(name)
        module.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = module
    backbones = importlib.import_module("paddleclas.ppcls.arch.backbone")
    importlib.import_module("paddleclas.ppcls.utils.logger").init_logger()
    network = getattr(backbones, architecture)(pretrained=False)
    network.set_state_dict(paddle.load(weights))
    network.eval()
    shape = [1, 3, input_size, input_size]
    image = paddle.static.InputSpec(shape, "float32", "image")
    static = paddle.jit.to_static(network, input_spec=[image], full_graph=True)
    paddle.jit.save(static, prefix, clip_extra=False)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])
