"""A Paddle Lite library tells by the operators that it names whether it has extra kernels."""

from pathlib import Path

import paddlelite
import pytest

from agent.runtimes.extra_kernels import has_extra_kernels

BASIC = b"fill_constant_batch_size_like\0"
EXTRA = b"".join(
    name + b"\0"
    for name in (
        b"retinanet_detection_output",
        b"roi_perspective_transform",
        b"distribute_fpn_proposals",
        b"sequence_reverse_embedding",
    )
)


def test_the_wheel_has_them() -> None:
    assert has_extra_kernels(Path(paddlelite.__file__).parent / "lite.so") is True


@pytest.mark.parametrize(
    ("names", "expected"),
    [(BASIC + EXTRA, True), (BASIC, False), (b"conv2d\0", None), (b"", None)],
    ids=["extra", "basic", "cut down", "empty"],
)
def test_a_library_of_other_names_does_not(
    tmp_path: Path, names: bytes, expected: bool | None
) -> None:
    # A stand-in: no library for ARM without extra kernels is at hand.
    library = tmp_path / "libpaddle_light_api_shared.so"
    library.write_bytes(b"\x7fELF" + names if names else b"")
    assert has_extra_kernels(library) is expected
    assert has_extra_kernels(tmp_path / "none.so") is None
