"""Files as exporters, quantisers and spreadsheets left them, kept in `tests/cases/` byte by byte.

Each was refused, counted wrong or called by another name once.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from controller.cli.options.accuracy_file import read_accuracies
from controller.cli.options.external.joining import in_one_file
from controller.cli.options.external.paddle_layouts import paddle_files
from controller.domain.catalog import AccuracyFigure, AccuracyMetric
from controller.domain.errors import EdgerankError
from controller.views.input_words import input_words
from models.catalog.catalog import IMAGENET
from models.catalog.onnx_versions import OnnxVersions
from models.catalog.own import InputAxis
from models.catalog.precisions import Precision
from models.processes.requests import AdoptAnswer
from protos.inputs import ImageSize, square
from tests.integration.models.adopting import adopted, inspect, onnx_refusal
from tests.pages import ROOT

CASES = ROOT / "tests" / "cases"
# Of the network in all of them: a convolution and a matrix, each with its bias.
PARAMS = 8 * 3 * 3 * 3 + 8 + 8 * 10 + 10
# In Paddle with a normalisation between them.
PADDLE_PARAMS = PARAMS + 4 * 8
SIDE = square(64)


def taken(name: str, folder: Path, input_size: ImageSize | None = None) -> AdoptAnswer:
    """What is said of an ONNX file that travelled as one file, as the command line sends it."""
    with in_one_file(CASES / "onnx" / name) as whole:
        shutil.copy(whole, folder / "model.onnx")
    return adopted(folder, input_size)


@pytest.mark.parametrize(
    ("name", "input_size", "words"),
    [
        ("minus1.onnx", SIDE, "64 px"),
        ("all_dynamic.onnx", SIDE, "64 px"),
        ("const_weights.onnx", SIDE, "64 px"),
        ("ext.onnx", None, "64 px"),
        ("ir12.onnx", None, "64 px"),
        ("nhwc.onnx", None, "64 px, NHWC"),
        ("uint8.onnx", None, "64 px, uint8"),
        ("uint8_nhwc.onnx", None, "64 px, uint8, NHWC"),
        ("fp16io.onnx", None, "64 px, float16"),
        ("nonsquare.onnx", None, "48x192 px (height x width)"),
        ("qdq.onnx", None, "64 px"),
        ("qop.onnx", None, "64 px"),
    ],
)
def test_what_an_exporter_writes_is_taken_with_all_its_weights(
    name: str, input_size: ImageSize | None, words: str, tmp_path: Path
) -> None:
    answer = taken(name, tmp_path, input_size)
    assert (input_words(answer.takes), answer.params) == (words, PARAMS)
    is_quantised = name.startswith("q")
    assert answer.precision is (Precision.INT8 if is_quantised else Precision.FP32)


def test_what_was_open_and_assumed_is_told(tmp_path: Path) -> None:
    (channels,) = taken("all_dynamic.onnx", tmp_path, SIDE).assumed
    assert (channels.axis, channels.size) == (InputAxis.CHANNELS, 3)


def test_a_newer_format_is_stamped_as_the_lowest_that_its_operators_need(tmp_path: Path) -> None:
    assert taken("ir12.onnx", tmp_path).versions == OnnxVersions(ir_version=7, opset=13)


@pytest.mark.parametrize(
    ("name", "token"),
    [
        ("onnx/ort_optimized_all.onnx", "of one machine"),
        # It says that its image has one channel, and its kernel has three.
        ("onnx/gray.onnx", "channels"),
        ("other/lfs.onnx", "'git lfs pull'"),
        ("other/html.onnx", "a web page"),
    ],
)
def test_what_cannot_be_used_is_called_what_it_is(name: str, token: str, tmp_path: Path) -> None:
    shutil.copy(CASES / name, tmp_path / "model.onnx")
    assert token in onnx_refusal(tmp_path)


@pytest.mark.parametrize(
    ("name", "input_size", "words"),
    [
        ("old_combined", SIDE, "64 px"),
        ("nonsquare", None, "48x192 px (height x width)"),
    ],
)
def test_a_program_in_an_older_layout_is_taken(
    name: str, input_size: ImageSize | None, words: str, tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    with paddle_files(CASES / "paddle" / name) as files:
        for file, kept in zip(files, ("model.pdmodel", "model.pdiparams"), strict=True):
            shutil.copy(file, folder / kept)
    answer = inspect(folder, input_size)
    assert (input_words(answer.takes), answer.params) == (words, PADDLE_PARAMS)


def test_a_program_of_paddle_3_is_refused_with_both_ways_on() -> None:
    with pytest.raises(EdgerankError) as refused, paddle_files(CASES / "paddle" / "pir_json"):
        pass
    assert "FLAGS_enable_pir_api=0" in str(refused.value)
    assert "paddle2onnx 2" in str(refused.value)


FLOWERS = AccuracyFigure(
    row=2,
    backbone="MobileNetV1",
    dataset="flowers",
    metric=AccuracyMetric.TOP1,
    value_percent=91.2,
    precision=Precision.FP32,
    source="lab",
)


@pytest.mark.parametrize(
    ("name", "figure"),
    [
        ("semicolon.csv", FLOWERS),
        ("upper.csv", FLOWERS),
        ("order.csv", FLOWERS),
        ("spaces.csv", FLOWERS),
        ("int8.csv", replace(FLOWERS, precision=Precision.INT8)),
        ("imagenet_alias.csv", replace(FLOWERS, dataset=IMAGENET, value_percent=70.0)),
    ],
)
def test_a_table_as_people_write_it_is_read(name: str, figure: AccuracyFigure) -> None:
    file = read_accuracies((CASES / "csv" / name).read_bytes(), name)
    assert file.figures == (figure,)
    assert bool(file.renamed) is (figure.dataset == IMAGENET)


def test_a_table_of_timm_has_both_metrics_at_its_size() -> None:
    file = read_accuracies((CASES / "csv" / "timm.csv").read_bytes(), "timm.csv")
    assert (file.is_timm, file.row_count) == (True, 2)
    assert [
        (each.metric.value, each.value_percent, str(each.input_size)) for each in file.figures
    ] == [
        ("top1", 90.052, "448"),
        ("top5", 99.048, "448"),
        ("top1", 88.0, "224"),
        ("top5", 98.5, "224"),
    ]
