"""Build PaddleClas architectures without running PaddleClas' own `__init__` files."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

from models.steps.refusal import StepRefused

_PARENTS = ("paddleclas", "paddleclas.ppcls", "paddleclas.ppcls.arch", "paddleclas.ppcls.utils")


def build(architecture: str) -> Any:
    """Return the untrained network (a `paddle.nn.Layer`) in evaluation mode.

    Raises:
        StepRefused: PaddleClas is not installed, has no such architecture or cannot build it.
    """
    _stand_in_for_parents()
    backbones = importlib.import_module("paddleclas.ppcls.arch.backbone")
    # Some architectures warn while they are built, through a logger that is None until then.
    importlib.import_module("paddleclas.ppcls.utils.logger").init_logger()
    factory = getattr(backbones, architecture, None)
    if factory is None:
        raise StepRefused(f"PaddleClas has no architecture named {architecture!r}")
    try:
        network = factory()
    except KeyError as error:
        # The package looks its weights' address up even when none are asked for.
        raise StepRefused(f"PaddleClas cannot build {architecture}: no entry {error}") from error
    network.eval()
    return network


def _stand_in_for_parents() -> None:
    """Register empty parent packages, since the real ones pull in what crashes an export.

    With `import paddleclas` the later export died by SIGSEGV inside zlib.
    """
    spec = importlib.util.find_spec("paddleclas")
    if spec is None or not spec.submodule_search_locations:
        raise StepRefused("the package paddleclas is not installed: pip install edgerank[convert]")
    root = Path(next(iter(spec.submodule_search_locations)))
    for name in _PARENTS:
        module = types.ModuleType(name)
        module.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = module
