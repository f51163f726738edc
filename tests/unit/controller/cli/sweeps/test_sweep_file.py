"""A sweep as a file says what its options say, and every mistake in it is told where it stands."""

import json
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from controller.cli.sweeps.files.fields import ASKING, field_options, file_model
from controller.cli.sweeps.files.writing import SCHEMA, sweep_file
from controller.cli.sweeps.plan import plan
from controller.cli.sweeps.sweep import sweep
from controller.domain.cores import CoreChoice, Cores
from controller.domain.sweeps import (
    DEFAULT_GATE,
    MAX_CELSIUS,
    MAX_PRIORITY,
    MAX_REPETITIONS,
    MAX_SWEEP_TIME_MS,
    SweepSpec,
)
from controller.sweeps.limits import may_name
from controller.views.sweeps.fields import fields_of
from models.catalog.precisions import Precision
from models.catalog.variants import Target, WeightsKind
from protos.inputs import ImageSize, square
from protos.measuring import StartGate
from protos.runtimes import GraphOptimization, OnnxRuntimeOptions, Runtime
from tests.unit.controller.samples.asked_sweeps import asked_by, asking, spelt_out
from tests.unit.controller.samples.pages import bound, kept

FULL = SweepSpec(
    backbones=("A", "B"),
    devices=("pc", "soc=rk3588"),
    runtimes=(Runtime.ONNXRUNTIME,),
    threads=(1, 4),
    weights=WeightsKind.SYNTHETIC,
    fewest_repetitions=2,
    most_repetitions=5,
    relative_half_width=0.07,
    time_budget_ms=3_000,
    precisions=(Precision.FP32, Precision.INT8_STATIC),
    input_sizes=(square(192), ImageSize(192, 48)),
    batches=(1, 4),
    cores=Cores(choice=CoreChoice.LISTED, cpus=(0, 4, 5, 6, 7)),
    flush_denormals=True,
    onnxruntime=OnnxRuntimeOptions(
        execution_provider="XnnpackExecutionProvider",
        graph_optimization=GraphOptimization.BASIC,
        spinning=False,
        arena=False,
    ),
    gate=StartGate(
        max_celsius=52.5,
        max_load_by_others=None,
        min_battery_percent=30,
        deadline_ms=5_000,
        is_strict=True,
    ),
    sustained_minutes=10,
    paced_fps=7.5,
    accelerators=(Target.OPENCL, Target.NNAPI),
    sentinel=False,
    name="nightly: no",
    time_ms=1_200_000,
    priority=-3,
    deadline_unix_ms=1_795_759_200_123,
    fresh=True,
)
"""A sweep of which nothing is as usual."""

PLAIN = "models: A\n"


def written(text: str, folder: Path) -> str:
    """The path of a file that holds a text."""
    path = folder / "sweep.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def refused(text: str, folder: Path, *arguments: str) -> str:
    """What is said of a file that cannot be read, under the name sweep.yaml."""
    done = CliRunner().invoke(sweep, [written(text, folder), *arguments])
    assert done.exit_code == 2, done.output
    return done.output.replace(f"{folder}/", "").removeprefix("Error: ")


def test_every_option_has_its_field_and_every_field_its_option() -> None:
    options = {
        option.opts[0].removeprefix("--")
        for option in sweep.get_params(click.Context(sweep))
        if isinstance(option, click.Option)
    }
    fields = {field.alias for field in file_model(sweep).model_fields.values()}
    assert fields == options - ASKING
    assert field_options(plan).keys() == field_options(sweep).keys() == fields
    # All that a sweep can be told is written, too.
    assert fields_of(FULL).keys() == fields


def test_the_schema_has_every_field_and_takes_what_is_written() -> None:
    schema = json.loads(
        (Path(__file__).parents[5] / "controller/cli/sweeps/files" / SCHEMA).read_text("utf-8")
    )
    Draft202012Validator.check_schema(schema)
    assert set(schema["properties"]) == set(fields_of(FULL))
    assert all(each["description"] for each in schema["properties"].values())
    validator = Draft202012Validator(schema)
    for spec in (FULL, replace(FULL, backbones=("A",), sentinel=True)):
        validator.validate(YAML(typ="safe").load(sweep_file(spec)))
    wrong: list[dict[str, object]] = [
        {"thread": 1},
        {"threads": []},
        {"priority": 11},
        {"arena": 1},
    ]
    assert not any(map(validator.is_valid, wrong))


def test_the_first_line_of_a_file_is_where_the_schema_is() -> None:
    first, *_ = sweep_file(FULL).splitlines()
    comment, _, schema = first.partition("=")
    assert comment == "# yaml-language-server: $schema"
    assert json.loads(Path(schema).read_text("utf-8"))["title"] == "SweepFile"


def _some(choices: Any) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(st.sampled_from(choices), min_size=1, unique=True).map(tuple)


def _listed(cpus: Collection[int]) -> Cores:
    return Cores(choice=CoreChoice.LISTED, cpus=tuple(sorted(cpus)))


def _above_zero(most: float) -> st.SearchStrategy[float]:
    return st.floats(0, most, exclude_min=True, allow_subnormal=False)


WORDS = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters=",:"), min_size=1, max_size=20
)
NAMES = st.lists(WORDS, max_size=3).map(" ".join).filter(may_name)
SPECS = st.builds(
    SweepSpec,
    backbones=_some(["A", "B", "C"]),
    devices=st.just(()) | _some(["pc", "0", "soc=rk3588", "site=no: where", "null"]),
    runtimes=_some(Runtime),
    threads=_some([1, 2, 4]),
    weights=st.sampled_from([WeightsKind.PRETRAINED, WeightsKind.SYNTHETIC]),
    fewest_repetitions=st.integers(1, 5),
    most_repetitions=st.integers(5, MAX_REPETITIONS),
    relative_half_width=_above_zero(0.5),
    time_budget_ms=st.integers(100, 600_000),
    precisions=st.just(()) | _some(Precision),
    input_sizes=st.just(()) | _some([square(1), square(1024), ImageSize(192, 48)]),
    batches=st.just(()) | _some([1, 4]),
    cores=st.sampled_from([Cores(choice=each) for each in CoreChoice][:3])
    | st.sets(st.integers(0, 15), min_size=1, max_size=4).map(_listed),
    flush_denormals=st.booleans(),
    onnxruntime=st.none()
    | st.builds(
        OnnxRuntimeOptions,
        execution_provider=st.sampled_from(["CPUExecutionProvider", "XnnpackExecutionProvider"]),
        graph_optimization=st.sampled_from(GraphOptimization),
        spinning=st.booleans(),
        arena=st.booleans(),
    ),
    gate=st.just(DEFAULT_GATE)
    | st.builds(
        StartGate,
        max_celsius=st.none() | _above_zero(MAX_CELSIUS),
        max_load_by_others=st.none() | _above_zero(256),
        min_battery_percent=st.none() | st.integers(1, 100),
        deadline_ms=st.integers(1, 3_600_000),
        is_strict=st.booleans(),
    ),
    sustained_minutes=st.integers(0, 60),
    paced_fps=st.just(0.0) | st.floats(1, 240),
    sentinel=st.booleans(),
    name=NAMES,
    time_ms=st.none() | st.integers(1, MAX_SWEEP_TIME_MS),
    priority=st.integers(-MAX_PRIORITY, MAX_PRIORITY),
    deadline_unix_ms=st.none() | st.integers(1, 4_000_000_000_000),
    fresh=st.booleans(),
)


@given(SPECS)
@settings(deadline=None)
def test_whoever_reads_the_file_of_a_sweep_starts_the_very_same_one(spec: SweepSpec) -> None:
    with TemporaryDirectory() as folder:
        asked = asked_by(written(sweep_file(spec), Path(folder)))
    assert spelt_out(asked) == spelt_out(spec)


def test_a_file_that_says_all_is_as_the_options_that_say_all(tmp_path: Path) -> None:
    asked = asked_by(written(sweep_file(FULL), tmp_path))
    assert asked == FULL
    printed = CliRunner().invoke(sweep, [written(sweep_file(FULL), tmp_path), "--print-file"])
    assert printed.output == sweep_file(FULL)


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("models: A, B\nthreads: 1,4", ("--models", "A,B", "--threads", "1,4")),
        ("models: [A, B]\nthreads: [1, 4]", ("--models", "A,B", "--threads", "1,4")),
        ("models:\n  - A\nname: 007", ("--models", "A", "--name", "007")),
        ("models: &all [A]\ndevices: *all", ("--models", "A", "--devices", "A")),
        ("models: A\nsentinel: false", ("--models", "A", "--no-sentinel")),
        ("models: A\nspinning: true", ("--models", "A", "--spinning")),
        ("models: A\ninput-size: [64, 192x48]", ("--models", "A", "--input-size", "64,192x48")),
        ("models: A\nmax-load: none", ("--models", "A", "--max-load", "none")),
        ("\ufeffmodels: A # all\n\n", ("--models", "A")),
        ("{models: [A], priority: 3}", ("--models", "A", "--priority", "3")),
    ],
)
def test_a_value_is_written_as_the_option_is_or_as_a_list(
    text: str, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    assert asked_by(written(text, tmp_path)) == asked_by(*arguments)


def test_options_beside_a_file_go_before_its_fields_and_that_is_said(tmp_path: Path) -> None:
    path = written("models: A\nthreads: 4\nsentinel: false\nname: mine\n", tmp_path)
    beside = ("--threads", "2", "--sentinel", "--fresh")
    asked = asked_by(path, *beside)
    assert (asked.threads, asked.sentinel, asked.name, asked.fresh) == ((2,), True, "mine", True)
    assert "--threads, --sentinel" in " ".join(asking(path, *beside).output.split())
    assert "--" not in asking(path).output


def test_a_file_comes_from_standard_input_too() -> None:
    done = CliRunner().invoke(sweep, ["-", "--print-file"], input="models: [A]\nthreads: 2\n")
    assert done.output.splitlines()[1:] == ["models:", "  - A", "threads:", "  - 2"]
    wrong = CliRunner().invoke(sweep, ["-"], input="threads: x\n")
    assert wrong.output.startswith("Error: standard input:1:10: threads: ")


WRONG = {
    "several fields": (
        "models: [A, B]\nthread: 4\nthreads: [1, two, 4]\nprecision: 2\n"
        "devices: {room: lab}\nsentinel: maybe\npriority: 11\ntime:\n"
        "runtimes:\n  - onnxruntime\n  - tflite\nname: a\nname: b\ncores: [0, 1]\n"
        "weights: own\n"
    ),
    "no field is like it": "wheels: 4\n",
    "no fields": "- A\n- B\n",
    "no YAML": "models: [A\nthreads: 4\n",
    "two documents": "models: A\n---\nmodels: B\n",
    "nested": "models: [[A], {b: c}]\n",
    "a tab": "models:\n\t- A\n",
    "empty lists": "models: []\ndevices: ['']\n",
}


def test_every_mistake_is_told_at_once_and_where_it_stands(tmp_path: Path) -> None:
    told = {title: refused(text, tmp_path) for title, text in WRONG.items()}
    assert bound(told) == kept(__file__, "sweep_file")


def test_a_word_for_no_backbone_is_told_where_it_stands(tmp_path: Path) -> None:
    path = written("models:\n  - A\n  - D*\n  - tier:phone\n", tmp_path)
    done = asking(path)
    assert done.exit_code == 2
    assert f"{path}:3:5: models: " in done.output
    assert f"{path}:4:5: models: " in done.output


@pytest.mark.parametrize(
    ("content", "where"), [(b"models: \xff\n", ":1: "), (b"#" * 1_000_001, "1,000,000 bytes")]
)
def test_what_is_no_text_or_too_much_of_it_is_refused(
    content: bytes, where: str, tmp_path: Path
) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_bytes(content)
    done = CliRunner().invoke(sweep, [str(path)])
    assert done.exit_code == 2
    assert where in done.output


def test_a_file_that_is_not_there_is_told_by_its_name(tmp_path: Path) -> None:
    done = CliRunner().invoke(sweep, [str(tmp_path / "gone.yaml")])
    assert done.exit_code == 4
    assert "gone.yaml" in done.output


def test_without_models_they_are_asked_for(tmp_path: Path) -> None:
    assert "--models" in refused("threads: 4\n", tmp_path)
    assert asked_by(written("", tmp_path), "--models", "A") == asked_by("--models", "A")


@given(st.text(max_size=60))
@settings(deadline=None)
def test_no_text_is_answered_with_anything_but_a_sentence(text: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sweep.yaml"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        done = CliRunner().invoke(sweep, [str(path), "--models", "A", "--print-file"])
    assert done.exit_code in (0, 2), done.exception
