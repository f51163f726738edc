"""The file of what a network is to give: small, plain, and read back as it was written."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from protos.inputs import NetworkInput, square
from protos.reference.noise import REFERENCE_INPUTS, REFERENCE_SEED, noise_inputs
from protos.reference.outputs import (
    MAX_FILE_BYTES,
    MAX_NUMBERS,
    Numbers,
    ReferenceUnreadable,
    inputs_digest,
    read_outputs,
    write_outputs,
)

INPUTS = noise_inputs(6, NetworkInput(size=square(8)), REFERENCE_SEED)
FOUR_BYTES = 4


def drawn(*shapes: tuple[int, ...]) -> list[Numbers]:
    """Outputs of these shapes on each of the inputs."""
    rng = np.random.default_rng(1)
    return [rng.standard_normal((len(INPUTS), *each), dtype=np.float32) for each in shapes]


@given(shapes=st.lists(array_shapes(min_dims=0, max_dims=4, max_side=5), min_size=1, max_size=3))
@settings(max_examples=50, deadline=None)
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, shapes: list[tuple[int, ...]]
) -> None:
    path = tmp_path_factory.mktemp("outputs") / "reference"
    outputs = drawn(*shapes)
    write_outputs(path, INPUTS, outputs, least_score=0.01)
    found = read_outputs(path)
    assert found.shapes == tuple(shapes)
    assert (found.step, found.least_score) == (1, 0.01)
    assert found.inputs_sha256 == inputs_digest(INPUTS[:REFERENCE_INPUTS])
    for kept, output in zip(found.kept, outputs, strict=True):
        assert np.array_equal(kept, output[:REFERENCE_INPUTS].reshape(REFERENCE_INPUTS, -1))
        assert np.array_equal(found.of_one(output[0]), kept[0])


def test_the_same_outputs_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        write_outputs(tmp_path / name, INPUTS, drawn((1, 10)))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_of_large_outputs_a_part_is_kept_that_a_device_can_keep_too(tmp_path: Path) -> None:
    outputs = drawn((1, 3, 512, 512), (1, 7))
    write_outputs(tmp_path / "reference", INPUTS, outputs)
    size_bytes = (tmp_path / "reference").stat().st_size
    assert size_bytes <= REFERENCE_INPUTS * (MAX_NUMBERS + 2) * FOUR_BYTES + 1_000
    found = read_outputs(tmp_path / "reference")
    assert found.step == 4
    for kept, output in zip(found.kept, outputs, strict=True):
        assert np.array_equal(found.of_one(output[2]), kept[2])


def altered(content: bytes, how: str) -> bytes:
    """The bytes of a file that something happened to."""
    return {
        "empty": b"",
        "cut": content[:-1],
        "longer": content + b"\0",
        "another file": b"\x93NUMPY\x01\x00" + content,
        "no shapes": content.replace(b"[[1, 10]]", b"[]"),
        "of nothing": content.replace(b"[[1, 10]]", b"[[1, 0]]"),
        "of a newer version": content.replace(b'"version": 1', b'"version": 2'),
        "not finite": content[:-4] + np.array([np.nan], "<f4").tobytes(),
        "too large": content + bytes(MAX_FILE_BYTES),
    }[how]


@pytest.mark.parametrize(
    "how",
    [
        "empty",
        "cut",
        "longer",
        "another file",
        "no shapes",
        "of nothing",
        "of a newer version",
        "not finite",
        "too large",
    ],
)
def test_another_file_is_refused(tmp_path: Path, how: str) -> None:
    path = tmp_path / "reference"
    write_outputs(path, INPUTS, drawn((1, 10)))
    content = path.read_bytes()
    path.write_bytes(altered(content, how))
    assert path.read_bytes() != content
    with pytest.raises(ReferenceUnreadable):
        read_outputs(path)
