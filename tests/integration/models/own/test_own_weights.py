"""Weights that a person trained for an architecture of the catalog become its artifacts."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from controller.views.conversions.rows import TARGETS
from models.catalog.own import OwnFormat, Trained, read_trained, write_trained
from models.catalog.variants import Target, WeightsKind, variants_of
from models.conversion.own_inspection import inspect_own
from models.conversion.pipeline import Converted, convert
from models.processes.child import Cancellation, StepFailed
from models.processes.requests import AdoptAnswer
from models.weights.weights import resolve_weights
from protos.inputs import ImageSize, NetworkInput, square
from tests.integration.models.adopting import kept
from tests.own_networks import save_weights

CLASSES = 17
PPLCNET = Trained(architecture="PPLCNet_x0_25", evaluation_size=square(224))


class Evil:
    """What runs a command when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {self.target}",)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trained") / "best_model.pdparams"
    return save_weights(path, PPLCNET.architecture, CLASSES)


def own_files(weights: Path, folder: Path) -> Path:
    folder.mkdir(parents=True)
    shutil.copy(weights, folder / "model.pdparams")
    return folder


def inspected(folder: Path, trained: Trained, input_size: ImageSize | None = None) -> AdoptAnswer:
    workdir = folder.with_name(f"{folder.name}-work")
    workdir.mkdir()
    return inspect_own(folder, input_size, (), workdir, Cancellation(), trained=trained)


def refused(folder: Path, trained: Trained) -> str:
    with pytest.raises(StepFailed) as failure:
        inspected(folder, trained)
    assert not failure.value.crashed, failure.value.reason
    assert "\n" not in failure.value.reason
    return failure.value.reason


def test_the_weights_say_how_many_classes_there_are_and_become_every_artifact(
    trained: Path, tmp_path: Path
) -> None:
    files = own_files(trained, tmp_path / "weights" / "files")
    answer = inspected(files, PPLCNET, input_size=square(64))
    assert (answer.takes, answer.classes) == (NetworkInput(size=square(64)), CLASSES)
    assert answer.output_shapes == ((1, CLASSES),)
    assert answer.count is not None
    assert answer.count.features is not None
    shutil.rmtree(files.with_name("files-work"))
    write_trained(
        files, Trained(architecture="PPLCNet_x0_25", evaluation_size=square(224), classes=17)
    )
    backbone = kept(files, tmp_path / "weights", OwnFormat.WEIGHTS)
    weights = resolve_weights(
        backbone, WeightsKind.SYNTHETIC, tmp_path / "weights", lambda *_: None
    )
    assert weights.kind is WeightsKind.OWN
    assert weights.source == "added as weights of PPLCNet_x0_25"
    assert weights.path is not None
    assert read_trained(weights.path).classes == CLASSES

    fates = convert(backbone, variants_of(backbone), weights, tmp_path / "made", lambda _step: None)
    made = {fate.variant.target: fate for fate in fates if isinstance(fate, Converted)}
    assert set(made) == set(TARGETS), fates
    session = onnxruntime.InferenceSession(str(made[Target.ANY].path))
    image = np.random.default_rng(1).standard_normal((1, 3, 64, 64)).astype(np.float32)
    (scores,) = session.run(None, {session.get_inputs()[0].name: image})
    assert scores.shape == (1, CLASSES)


def test_weights_that_do_not_fit_are_refused_with_what_they_have(
    trained: Path, tmp_path: Path
) -> None:
    files = own_files(trained, tmp_path / "files")
    cases = {
        Trained(
            architecture="PPLCNet_x0_25", evaluation_size=square(224), classes=20
        ): "for 17 classes, ",
        Trained(architecture="MobileNetV1_x0_25", evaluation_size=square(224)): " are missing (",
        Trained(
            architecture="PPLCNet_x0_5", evaluation_size=square(224)
        ): " are of another shape (",
    }
    for number, (asked, token) in enumerate(cases.items()):
        folder = own_files(files / "model.pdparams", tmp_path / str(number))
        assert token in refused(folder, asked)


def test_nothing_but_arrays_is_ever_unpickled(tmp_path: Path) -> None:
    contents = {
        "system": {"fc.weight": Evil(tmp_path / "owned")},
        ".pdopt": {"LR_Scheduler": {"last_lr": 0.1}},
        "state_dict()": [1, 2],
    }
    for number, (token, content) in enumerate(contents.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "model.pdparams").write_bytes(pickle.dumps(content, protocol=4))
        assert token in refused(folder, PPLCNET)
    assert not (tmp_path / "owned").exists()
    folder = tmp_path / "page"
    folder.mkdir()
    (folder / "model.pdparams").write_bytes(b"<!doctype html><title>404</title>")
    assert "a web page, not weights" in refused(folder, PPLCNET)
