"""What is there to reach accelerators by: libraries of the system's."""

from pathlib import Path
from typing import Final

from agent.device.kernel_files import Roots, entries, exists

# Where makers of phones put it; boards have it among other libraries.
_OPENCL: Final = (
    "vendor/lib64/libOpenCL.so",
    "vendor/lib/libOpenCL.so",
    "system/vendor/lib64/libOpenCL.so",
    "system/vendor/lib/libOpenCL.so",
    "vendor/lib64/egl/libGLES_mali.so",
    "vendor/lib/egl/libGLES_mali.so",
)
_OF_BOARDS: Final = ("usr/lib", "usr/local/lib")
_NNAPI: Final = (
    "system/lib64/libneuralnetworks.so",
    "apex/com.android.neuralnetworks/lib64/libneuralnetworks.so",
)
OF_PHONES: Final = (*_OPENCL, *_NNAPI)
"""Where they are on phones, below the root."""


def accelerators(roots: Roots) -> tuple[str, ...]:
    """`opencl` and `nnapi`, those that a library is there for; what it drives is not asked."""
    top = roots.top
    folders = (folder for each in _OF_BOARDS for folder in _library_folders(top / each))
    has_opencl = any(exists(top / path) for path in _OPENCL) or any(map(_has_opencl, folders))
    found = {"opencl": has_opencl, "nnapi": any(exists(top / path) for path in _NNAPI)}
    return tuple(name for name, is_there in found.items() if is_there)


def _library_folders(folder: Path) -> tuple[Path, ...]:
    """A folder of libraries, and those inside it that are named by an architecture."""
    return (folder, *(each for each in entries(folder) if "-linux-" in each.name))


def _has_opencl(folder: Path) -> bool:
    return exists(folder / "libOpenCL.so") or exists(folder / "libOpenCL.so.1")
