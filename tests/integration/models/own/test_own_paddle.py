"""A person's own Paddle program becomes artifacts as any backbone does, or is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.cli.options.external.paddle_layouts import paddle_files
from controller.views.conversions.rows import TARGETS
from models.catalog.own import OwnFormat
from models.catalog.variants import WeightsKind, variants_of
from models.conversion.pipeline import Converted, convert
from models.weights.weights import resolve_weights
from protos.inputs import InputValues, square
from tests.integration.models.adopting import inspect, kept, refusal
from tests.own_networks import save_apart, save_paddle, save_rare_paddle, save_strange_paddle


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_paddle(tmp_path_factory.mktemp("program") / "saved")


def own_files(program: Path, folder: Path) -> Path:
    """A folder as own models are kept, of a folder as Paddle saves them."""
    folder.mkdir()
    for suffix in (".pdmodel", ".pdiparams"):
        shutil.copy(program / f"inference{suffix}", folder / f"model{suffix}")
    return folder


def test_it_becomes_an_artifact_of_every_target(program: Path, tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    files = own_files(program, tmp_path / "weights" / "files")
    backbone = kept(files, tmp_path / "weights", OwnFormat.PADDLE)
    weights = resolve_weights(
        backbone, WeightsKind.SYNTHETIC, tmp_path / "weights", lambda *_: None
    )
    fates = convert(backbone, variants_of(backbone), weights, tmp_path / "made", lambda _step: None)
    assert all(isinstance(fate, Converted) for fate in fates), fates
    assert {fate.variant.target for fate in fates} == set(TARGETS)
    counts = [fate.count for fate in fates if isinstance(fate, Converted)]
    assert all(each is not None and each.features is not None for each in counts)


def test_so_does_one_that_takes_other_images_and_a_second_input(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    strange = save_strange_paddle(tmp_path / "strange")
    files = own_files(strange, tmp_path / "weights" / "files")
    factor = InputValues(name="scale_factor", values=(1, 0.5))
    answer = inspect(files, None, factor)
    (constant,) = answer.takes.kind.constants
    assert (constant.shape, constant.values, constant.for_each_image) == ((2,), (1, 0.5), True)
    assert (answer.takes.shape, answer.output_shapes) == ((4, 48, 192, 1), ((4, 10),))
    (tmp_path / "weights" / "files-work").rename(tmp_path / "work")
    backbone = kept(files, tmp_path / "weights", OwnFormat.PADDLE, answer.takes)
    weights = resolve_weights(backbone, WeightsKind.OWN, tmp_path / "weights", lambda *_: None)
    fates = convert(backbone, variants_of(backbone), weights, tmp_path / "made", lambda _step: None)
    assert all(isinstance(fate, Converted) for fate in fates), fates
    assert {(fate.variant.target, fate.variant.batch) for fate in fates} == {
        (target, 4) for target in TARGETS
    }


def test_so_does_one_of_operators_that_only_heavy_networks_of_the_catalog_have(
    tmp_path: Path,
) -> None:
    (tmp_path / "weights").mkdir()
    files = own_files(save_rare_paddle(tmp_path / "rare"), tmp_path / "weights" / "files")
    backbone = kept(files, tmp_path / "weights", OwnFormat.PADDLE)
    weights = resolve_weights(backbone, WeightsKind.OWN, tmp_path / "weights", lambda *_: None)
    fates = convert(backbone, variants_of(backbone), weights, tmp_path / "made", lambda _step: None)
    made = [fate for fate in fates if isinstance(fate, Converted)]
    assert {fate.variant.target for fate in made} == set(TARGETS), fates
    in_lite = {name for fate in made for name in fate.operators}
    assert {"nearest_interp_v2", "bilinear_interp_v2", "expand_v2"} <= in_lite


def test_a_program_of_float16_images_is_refused(tmp_path: Path) -> None:
    files = own_files(save_strange_paddle(tmp_path / "half", "float16"), tmp_path / "files")
    factor = InputValues(name="scale_factor", values=(1,))
    assert "float16 numbers, which Paddle does not" in refusal(files, None, factor)


def test_a_file_for_each_parameter_is_joined_as_paddle_would(program: Path, tmp_path: Path) -> None:
    folder = save_apart(program / "inference", tmp_path / "apart")
    with paddle_files(folder) as (model, parameters):
        assert model.read_bytes() == (program / "inference.pdmodel").read_bytes()
        assert parameters.read_bytes() == (program / "inference.pdiparams").read_bytes()


def test_parameters_that_do_not_fit_are_refused(program: Path, tmp_path: Path) -> None:
    sound = (program / "inference.pdiparams").read_bytes()
    other = save_paddle(tmp_path / "other", channels=12)
    cases: list[tuple[Callable[[], bytes], str]] = [
        (lambda: sound[: len(sound) // 2], "too short for the program: they end before"),
        (lambda: sound + b"more", "4 bytes are left after its last one"),
        ((other / "inference.pdiparams").read_bytes, "are of another program"),
        ((program / "inference.pdparams").read_bytes, "the file is a pickle, not"),
        (lambda: b"\x01" * 4000, "are no Paddle parameters"),
    ]
    files = own_files(program, tmp_path / "files")
    for content, words in cases:
        (files / "model.pdiparams").write_bytes(content())
        assert words in refusal(files, square(64))
        shutil.rmtree(files.with_name("files-work"))


def test_a_damaged_program_is_refused(program: Path, tmp_path: Path) -> None:
    files = own_files(program, tmp_path / "files")
    sound = (program / "inference.pdmodel").read_bytes()
    for content in (sound[: len(sound) // 2], b"no program at all"):
        (files / "model.pdmodel").write_bytes(content)
        assert "no Paddle program" in refusal(files, square(64))
        shutil.rmtree(files.with_name("files-work"))


def test_operators_that_reach_beyond_the_network_are_refused(program: Path, tmp_path: Path) -> None:
    files = own_files(program, tmp_path / "files")
    sound = (program / "inference.pdmodel").read_bytes()
    for wanted, words in (
        (b"print", "that no network of images needs: print"),
        (b"relu7", "does not have: relu7"),
    ):
        # Names of the same length keep the file whole.
        (files / "model.pdmodel").write_bytes(sound.replace(b"relu6", wanted))
        assert words in refusal(files, square(64))
        shutil.rmtree(files.with_name("files-work"))
