"""Whether a Paddle Lite library was built with `--with_extra=ON`, by the operators that it names.

No interface of it lists kernels. Each operator that is built in stands in the library under its
name, which ends in a NUL as constants do.
"""

import mmap
from pathlib import Path
from typing import Final

# Built with the option alone, and in no pass that rewrites programs, so that nothing else names
# them; too long for a compiler to make them numbers of.
_EXTRA: Final = (
    b"retinanet_detection_output",
    b"roi_perspective_transform",
    b"distribute_fpn_proposals",
    b"sequence_reverse_embedding",
)
# Built always. A library that lacks one was cut down to some models, and may have any kernel.
_BASIC: Final = (b"fill_constant_batch_size_like",)


def has_extra_kernels(library: Path) -> bool | None:
    """Whether a library has the extra kernels; None where it does not show.

    Args:
        library: `lite.so` of a wheel, `libpaddle_light_api_shared.so`, or a file like them.
    """
    try:
        with (
            library.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
        ):
            if all(content.find(name + b"\0") >= 0 for name in _EXTRA):
                return True
            are_whole = all(content.find(name + b"\0") >= 0 for name in _BASIC)
            return False if are_whole else None
    except (OSError, ValueError):
        return None
