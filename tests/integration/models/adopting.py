"""Own models where a controller has them, and what the adopting child says of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.catalog.catalog import Backbone
from models.catalog.own import OwnFormat, own_backbone, own_digest, own_folder
from models.conversion.own_inspection import inspect_own
from models.processes.child import Cancellation, StepFailed
from models.processes.requests import AdoptAnswer, AdoptRequest
from models.steps.onnx import adopt_onnx
from models.steps.refusal import StepRefused
from protos.inputs import ImageSize, InputValues, NetworkInput, square


def inspect(folder: Path, input_size: ImageSize | None = None, *values: InputValues) -> AdoptAnswer:
    workdir = folder.with_name(f"{folder.name}-work")
    workdir.mkdir()
    return inspect_own(folder, input_size, values, workdir, Cancellation())


def refusal(folder: Path, input_size: ImageSize | None = None, *values: InputValues) -> str:
    with pytest.raises(StepFailed) as failure:
        inspect(folder, input_size, *values)
    assert not failure.value.crashed, failure.value.reason
    assert "\n" not in failure.value.reason
    return failure.value.reason


def adopted(
    folder: Path,
    input_size: ImageSize | None = None,
    *values: InputValues,
    batch: int | None = None,
) -> AdoptAnswer:
    """What the step answers, run here: only what limits a child needs one."""
    request = AdoptRequest(
        folder=str(folder),
        input_size=input_size,
        batch=batch,
        values=values,
        output=str(folder / "adopted.onnx"),
        reference_path=str(folder / "reference.npz"),
    )
    return adopt_onnx.run(request)


def onnx_refusal(folder: Path, input_size: ImageSize | None = None, *values: InputValues) -> str:
    with pytest.raises(StepRefused) as refused:
        adopted(folder, input_size, *values)
    return str(refused.value)


def kept(
    files: Path,
    weights_dir: Path,
    own_format: OwnFormat,
    takes: NetworkInput = NetworkInput(size=square(64)),
) -> Backbone:
    """The model as a backbone, its files where a controller keeps them."""
    digest = own_digest(files)
    files.rename(own_folder(weights_dir, digest).parent.parent / "moved")
    own_folder(weights_dir, digest).parent.mkdir(parents=True)
    (weights_dir / "moved").rename(own_folder(weights_dir, digest))
    return own_backbone("Mine", own_format, digest, takes, 0.001)
