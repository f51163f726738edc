"""Build PaddleClas architectures without running PaddleClas' own `__init__` files."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from models.steps.refusal import StepRefused

_PARENTS = ("paddleclas", "paddleclas.ppcls", "paddleclas.ppcls.arch", "paddleclas.ppcls.utils")


# How architectures whose parameters depend on the input's size are told it: CSWin by the latter.
_SIZE_ARGUMENTS = ("img_size", "image_size")
# How every architecture is told how many classes there are.
_CLASSES_ARGUMENT = "class_num"


def build(architecture: str, classes: int | None = None) -> Any:
    """Return the untrained network (a `paddle.nn.Layer`) in evaluation mode.

    Args:
        architecture: its name.
        classes: how many it tells apart; None is what it was published for.

    Raises:
        StepRefused: PaddleClas is not installed or has no such architecture.
    """
    return _evaluating(_factory(architecture, classes)())


def build_for_size(architecture: str, input_size: int, classes: int | None = None) -> Any | None:
    """Return the network built for images of a size, None where it cannot be told one.

    Convolutional networks take any size and are not told; neither are those whose factory fixes
    the size itself.

    Raises:
        StepRefused: PaddleClas is not installed or has no such architecture.
    """
    factory = _factory(architecture, classes)
    for argument in _SIZE_ARGUMENTS:
        network = _told(factory, argument, input_size)
        if network is not None:
            return _evaluating(network)
    return None


def _told(factory: Callable[..., Any], argument: str, input_size: int) -> Any | None:
    """Return the network of a factory that is told a size, None where it takes no such argument."""
    try:
        return factory(**{argument: input_size})
    except TypeError as error:
        # Signatures do not say it, since factories hand on whatever they are given. Python names
        # the argument that a network does not take, or that its factory gives already.
        if f"keyword argument '{argument}'" not in str(error):
            raise
    return None


def _factory(architecture: str, classes: int | None) -> Callable[..., Any]:
    backbones = _import_backbones()
    # Some architectures warn while they are built, through a logger that is None until then.
    importlib.import_module("paddleclas.ppcls.utils.logger").init_logger()
    factory = getattr(backbones, architecture, None)
    if factory is None:
        raise StepRefused(f"PaddleClas has no architecture named {architecture!r}")
    # A few architectures have no published weights, and the package looks the address up even
    # when no weights are asked for: SE_HRNet_W64_C, HRNet_W60_C, MobileViTV2_x0_75, x1_25, x1_75.
    factory.__globals__.get("MODEL_URLS", {}).setdefault(architecture, "")
    # UniFormer's functions would fetch published weights by themselves otherwise.
    told = {"pretrained": False} | ({} if classes is None else {_CLASSES_ARGUMENT: classes})
    return functools.partial(factory, **told)


def _evaluating(network: Any) -> Any:
    network.eval()
    return network


def source_modules() -> dict[str, str]:
    """Return every architecture that PaddleClas exports with the module that defines it.

    Modules are named below `ppcls.arch.backbone`, for example `model_zoo.cvt`.

    Raises:
        StepRefused: PaddleClas is not installed.
    """
    backbones = _import_backbones()
    prefix = f"{backbones.__name__}."
    return {
        name: value.__module__.removeprefix(prefix)
        for name, value in sorted(vars(backbones).items())
        if inspect.isfunction(value) and value.__module__.startswith(prefix)
    }


@functools.cache
def _import_backbones() -> types.ModuleType:
    _stand_in_for_parents()
    return importlib.import_module("paddleclas.ppcls.arch.backbone")


def _stand_in_for_parents() -> None:
    """Register empty parent packages, since the real ones pull in what crashes an export.

    With `import paddleclas` the later export died by SIGSEGV inside zlib.
    """
    spec = importlib.util.find_spec("paddleclas")
    if spec is None or not spec.submodule_search_locations:
        raise StepRefused(
            "the package paddleclas is not installed: pip install '.[convert]' in edgerank's folder"
        )
    root = Path(next(iter(spec.submodule_search_locations)))
    for name in _PARENTS:
        module = types.ModuleType(name)
        module.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = module
