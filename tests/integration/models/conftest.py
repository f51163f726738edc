"""Conversions that several tests look at, made once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest

import models
from models.catalog.catalog import Backbone, load_catalog
from models.catalog.variants import Target, WeightsKind, variants_of
from models.conversion import pipeline
from models.conversion.pipeline import Converted, ForkServers, convert
from models.weights.weights import Weights, resolve_weights
from protos.inputs import ImageSize


@dataclass(frozen=True)
class Conversion:
    """A backbone's artifacts, its weights and the folder of its reference outputs."""

    backbone: Backbone
    weights: Weights
    made: dict[Target, Converted]
    steps: list[str]
    folder: Path


ACCELERATORS = (Target.OPENCL, Target.NNAPI)


def convert_synthetic(
    name: str,
    workdir: Path,
    accelerators: tuple[Target, ...] = (),
    input_size: ImageSize | None = None,
) -> Conversion:
    backbone = load_catalog().get(name)
    weights = resolve_weights(backbone, WeightsKind.SYNTHETIC, workdir, lambda *_: None)
    steps: list[str] = []
    sizes = [input_size or backbone.input_size]
    variants = variants_of(backbone, input_sizes=sizes, accelerators=accelerators)
    fates = convert(backbone, variants, weights, workdir, steps.append)
    made = {fate.variant.target: fate for fate in fates if isinstance(fate, Converted)}
    assert len(made) == 3 + len(accelerators), fates
    return Conversion(backbone, weights, made, steps, made[Target.ANY].path.parent)


# For these tests alone: where it stays, no later test's processes can be forked.
@pytest.fixture(scope="package", autouse=True)
def _children_import_the_code_under_test() -> Iterator[None]:
    """Children work in folders of their own, where another checkout may be the installed one."""
    root = str(Path(models.__file__).parents[1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", root, prepend=os.pathsep)
        yield


@pytest.fixture(scope="package", autouse=True)
def _conversions_share_fork_servers(_children_import_the_code_under_test: None) -> Iterator[None]:
    """Reading the tools' libraries is two thirds of what a small network's conversion costs."""
    with ForkServers() as shared, pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "ForkServers", lambda: nullcontext(shared))
        yield


@pytest.fixture(scope="package")
def pplcnet(tmp_path_factory: pytest.TempPathFactory) -> Conversion:
    return convert_synthetic("PPLCNet_x0_25", tmp_path_factory.mktemp("pplcnet"))


@pytest.fixture(scope="package")
def mobilenet(tmp_path_factory: pytest.TempPathFactory) -> Conversion:
    workdir = tmp_path_factory.mktemp("mobilenet")
    return convert_synthetic("MobileNetV3_small_x1_0", workdir, ACCELERATORS)
