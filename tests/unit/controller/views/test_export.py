import csv
import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.errors import ErrorCode
from controller.domain.measurements import Measurement
from controller.views.documents import to_document
from controller.views.export import ExportFailed, arrow_column, write_export
from controller.views.export.arrays import array_of, nested
from controller.views.export.columns import (
    COLUMNS,
    RAW_COLUMN,
    Kind,
    figure_columns,
    inner_names,
)
from controller.views.export.figures import figures_of_texts
from controller.views.reasons import sentences
from protos.reasons import ReasonCode, reason
from protos.runtimes import OnnxRuntimeOptions
from tests.unit.controller.samples.measurements import (
    ENERGY,
    MS,
    failed,
    measurement,
    paced,
    repetition,
    settings,
)

PLACE = {"repetition": 1, "repetitions": 2}
MEASURED = measurement(
    "Good",
    4.3,
    top1=75.32,
    params_m=5.5,
    affinity=(0, 2),
    settings=settings(cores=(0, 2), onnxruntime=OnnxRuntimeOptions(spinning=False)),
    reasons=(reason(ReasonCode.LIMIT_IN_FORCE, {"limit": 'quoted "so", and\nbroken'}, **PLACE),),
    repetitions=(repetition((4 * MS, 5 * MS)), repetition((6 * MS,))),
    paced=paced("Good", 4.3, 8.6).paced,
    energy=ENERGY,
)
BOTH = [MEASURED, failed("Broken", emulator="qemu-user")]
SUFFIXES = ["csv", "json", "parquet"]


def test_csv_has_flat_columns_with_units_and_empty_cells_for_what_is_unknown(
    tmp_path: Path,
) -> None:
    write_export(BOTH, tmp_path / "all.csv")
    with (tmp_path / "all.csv").open(newline="", encoding="utf-8") as file:
        good, broken = csv.DictReader(file)
    assert list(good) == list(COLUMNS)
    assert (good["backbone"], good["runtime"], good["affinity"]) == ("Good", "onnxruntime", "0,2")
    assert (good["cores"], good["flush_denormals"]) == ("0,2", "false")
    assert good["onnxruntime_execution_provider"] == "CPUExecutionProvider"
    assert good["onnxruntime_graph_optimization"] == "all"
    assert (good["onnxruntime_spinning"], good["onnxruntime_arena"]) == ("false", "true")
    assert (broken["cores"], broken["onnxruntime_spinning"]) == ("", "")
    assert float(good["latency_median_ms"]) == 4.3
    assert float(good["top1_percent"]) == 75.32
    assert float(good["outputs_max_relative_difference"]) == 2.6e-6
    assert float(good["outputs_l2_relative_difference"]) == 1.8e-6
    assert (good["outputs_input_count"], good["outputs_repetition_count"]) == ("4", "3")
    assert (float(good["outputs_top1_agreement"]), float(good["output_tolerance"])) == (1.0, 1.1e-4)
    assert (broken["outputs_input_count"], broken["outputs_max_relative_difference"]) == ("", "")
    assert (good["emulator"], broken["emulator"]) == ("", "qemu-user")
    assert (good["energy_source"], good["energy_per_inference_mj"]) == ("battery", "12.5")
    assert (good["paced_fps"], good["paced_latency_median_ms"]) == ("30", "8.6")
    assert good["reason"] == sentences(MEASURED.reasons)
    assert (broken["verdict"], broken["latency_median_ms"], broken["memory_pss_bytes"]) == (
        "failed",
        "",
        "",
    )


@pytest.mark.parametrize("begins", ["=", "+", "-", "@"])
def test_what_a_spreadsheet_would_compute_is_a_text_in_csv(tmp_path: Path, begins: str) -> None:
    formula = f'{begins}HYPERLINK("http://evil")'
    write_export([measurement("Good", runtime_version=formula)], tmp_path / "all.csv")
    with (tmp_path / "all.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["runtime_version"] == f"'{formula}"
    assert float(row["latency_median_ms"]) > 0


def test_json_holds_the_whole_documents_with_raw_samples(tmp_path: Path) -> None:
    write_export(BOTH, tmp_path / "all.json")
    documents = json.loads((tmp_path / "all.json").read_text("utf-8"))
    assert documents == [to_document(measurement) for measurement in BOTH]
    assert documents[0]["repetitions"][0]["latency_ns"] == [4 * MS, 5 * MS]


def test_parquet_is_typed_and_keeps_raw_latencies_by_repetition(tmp_path: Path) -> None:
    write_export(BOTH, tmp_path / "all.parquet")
    table = pq.read_table(tmp_path / "all.parquet")
    assert table.column_names == [*COLUMNS, RAW_COLUMN]
    assert table.schema.field("latency_median_ms").type == pa.float64()
    assert table.column("latency_median_ms").to_pylist() == [4.3, None]
    assert table.column(RAW_COLUMN).to_pylist() == [[[4 * MS, 5 * MS], [6 * MS]], []]


def test_every_figure_of_a_measurement_has_a_column() -> None:
    document = to_document(MEASURED)
    assert isinstance(document, dict)
    named = {
        "top1": "top1_percent",
        "top5": "top5_percent",
        "reasons": "reason",
    }
    for name, figure in document.items():
        if name in ("latency", "memory", "outputs"):
            assert isinstance(figure, dict)
            assert {f"{name}_{inner}" for inner in figure} <= set(COLUMNS)
        elif name == "delegation":
            assert {f"delegation_{each}" for each in ("is_full", "time_share")} <= set(COLUMNS)
        elif name == "energy":
            assert isinstance(figure, dict)
            assert {f"energy_{inner}" for inner in figure} - {"energy_meters"} <= set(COLUMNS)
        elif name == "paced":
            assert isinstance(figure, dict)
            own = {f"paced_{inner}" for inner in figure} - {"paced_latency"}
            assert own <= set(COLUMNS)
            assert isinstance(figure["latency"], dict)
        elif name == "settings":
            assert isinstance(figure, dict)
            assert {"cores", "flush_denormals"} <= set(COLUMNS) & set(figure)
            assert isinstance(figure["onnxruntime"], dict)
            assert {f"onnxruntime_{inner}" for inner in figure["onnxruntime"]} <= set(COLUMNS)
        elif name in ("input_size", "accuracy_input_size"):
            sides = {name.replace("size", f"{side}_px") for side in ("height", "width")}
            assert sides <= set(COLUMNS)
        elif name not in ("repetitions", "minutes"):
            assert named.get(name, name) in COLUMNS


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_empty_set_is_a_valid_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"none.{suffix}"
    write_export([], path)
    if suffix == "parquet":
        table = pq.read_table(path)
        assert (table.num_rows, table.column_names) == (0, [*COLUMNS, RAW_COLUMN])
    elif suffix == "json":
        assert json.loads(path.read_text("utf-8")) == []
    else:
        assert path.read_text("utf-8").strip().split(",") == list(COLUMNS)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_export_that_breaks_off_leaves_the_old_file_and_no_other(
    tmp_path: Path, suffix: str
) -> None:
    def broken_off() -> Iterator[Measurement]:
        yield MEASURED
        raise ConnectionError("went away")

    path = tmp_path / f"all.{suffix}"
    path.write_text("older")
    with pytest.raises(ExportFailed, match="went away"):
        write_export(broken_off(), path)
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["all.xlsx", "all", "csv"])
def test_an_unknown_suffix_names_the_known_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(ExportFailed, match=r"\.jsonl or \.parquet") as error:
        write_export(BOTH, tmp_path / name)
    assert error.value.code is ErrorCode.INVALID_INPUT


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ExportFailed, match=os.strerror(errno.ENOENT)) as error:
        write_export(BOTH, tmp_path / "missing" / "all.csv")
    assert error.value.code is ErrorCode.STORAGE


_FIGURE = st.none() | st.floats(allow_nan=False, allow_infinity=False)
_COUNT = st.none() | st.integers(-(2**63), 2**63 - 1)


@st.composite
def _documents(draw: st.DrawFn, name: str) -> dict[str, Any] | None:
    kinds = {Kind.REAL: _FIGURE, Kind.WHOLE: _COUNT, Kind.TEXT: st.none() | st.text()}
    inside = {inner: kinds[COLUMNS[column]] for column, inner in inner_names(name).items()}
    return draw(st.none() | st.fixed_dictionaries({}, optional={**inside, "more": st.integers()}))


_MEASURED = st.fixed_dictionaries(
    {name: _documents(name) for name in ("latency", "memory", "outputs")}
)


@given(st.lists(_MEASURED, min_size=1, max_size=5))
def test_figures_of_texts_are_those_of_documents(many: list[dict[str, Any]]) -> None:
    documents = {name: [each[name] for each in many] for name in many[0]}
    texts = {
        name: [None if each is None else json.dumps(each) for each in of]
        for name, of in documents.items()
    }
    as_bytes = {name: [each and each.encode() for each in of] for name, of in texts.items()}
    told = figures_of_texts(texts)
    assert told == figures_of_texts(as_bytes)
    for column, values in figure_columns(documents).items():
        assert told[column].equals(arrow_column(column, values)), column


@pytest.mark.parametrize(
    "text",
    [
        b'{"stop_reason": "\xff"}',
        b'{"stop_reason": "\\udc00"}',
        b'{"median_ms": "4"}',
        b'{"sample_count": 1.5}',
        b"{}\n{}",
        b"[]",
        b"",
    ],
)
def test_texts_of_no_figures_are_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        figures_of_texts({"latency": [text], "memory": [None], "outputs": [None]})


_OF_KIND = {
    Kind.TEXT: st.text() | st.text().map(str.encode),
    Kind.WHOLE: st.integers(-(2**63), 2**63 - 1),
    Kind.REAL: st.floats(allow_nan=False) | st.integers(-(2**53), 2**53),
    Kind.YES_OR_NO: st.booleans(),
}


@given(st.data(), st.sampled_from(Kind))
def test_arrays_of_buffers_are_those_that_arrow_makes_of_lists(
    data: st.DataObject, kind: Kind
) -> None:
    values = data.draw(st.lists(st.none() | _OF_KIND[kind], max_size=20))
    made = array_of(kind, values)
    made.validate(full=True)
    assert made.equals(pa.array(values, kind.value))


@given(st.lists(st.lists(st.lists(st.integers(0, 2**63 - 1), max_size=3), max_size=3)))
def test_nested_arrays_are_those_that_arrow_makes_of_lists(values: list[list[list[int]]]) -> None:
    made = nested(values)
    made.validate(full=True)
    assert made.equals(pa.array(values, pa.list_(pa.list_(pa.int64()))))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.WHOLE, "7"),
        (Kind.WHOLE, 7.5),
        (Kind.WHOLE, True),
        (Kind.REAL, "7"),
        (Kind.TEXT, 7),
        (Kind.YES_OR_NO, 1),
    ],
)
def test_a_value_of_another_kind_is_in_no_column(kind: Kind, value: object) -> None:
    with pytest.raises(TypeError):
        array_of(kind, [None, value])


def test_bytes_that_are_no_text_are_in_no_column() -> None:
    with pytest.raises(ValueError, match=r"."):
        array_of(Kind.TEXT, [b"\xff"])


def test_a_number_that_has_no_place_is_empty() -> None:
    assert arrow_column("batch", [2**63, 1]).to_pylist() == [None, 1]


def test_pandas_is_never_read() -> None:
    asked = """
import sys
from controller.views.export import table_of_whole
from tests.unit.controller.samples.measurements import measurement
table_of_whole([measurement("Good", 4.3, top1=75.3)])
sys.exit("pandas" in sys.modules)
"""
    subprocess.run([sys.executable, "-c", asked], check=True)
