"""Own models where a controller has them, and what the adopting child says of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.catalog.catalog import Backbone
from models.catalog.own import OwnFormat, own_backbone, own_digest, own_folder
from models.conversion.own_inspection import inspect_own
from models.processes.child import Cancellation, StepFailed
from models.processes.requests import AdoptAnswer


def inspect(folder: Path, input_size: int | None = None) -> AdoptAnswer:
    workdir = folder.with_name(f"{folder.name}-work")
    workdir.mkdir()
    return inspect_own(folder, input_size, workdir, Cancellation())


def refusal(folder: Path, input_size: int | None = None) -> str:
    with pytest.raises(StepFailed) as failure:
        inspect(folder, input_size)
    assert not failure.value.crashed, failure.value.reason
    assert "\n" not in failure.value.reason
    return failure.value.reason


def kept(files: Path, weights_dir: Path, own_format: OwnFormat) -> Backbone:
    """The model as a backbone, its files where a controller keeps them."""
    digest = own_digest(files)
    files.rename(own_folder(weights_dir, digest).parent.parent / "moved")
    own_folder(weights_dir, digest).parent.mkdir(parents=True)
    (weights_dir / "moved").rename(own_folder(weights_dir, digest))
    return own_backbone("Mine", own_format, digest, 64, 0.001)
