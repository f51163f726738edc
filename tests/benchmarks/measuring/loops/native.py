"""What takes turns for the native runner: the program of program/, and libraries."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from importlib import util
from pathlib import Path
from types import MappingProxyType

from protos.runtimes import Runtime

# What a build of Paddle Lite leaves, with include/ and lib/, as build-shim takes it.
PADDLELITE = "EDGERANK_PADDLELITE"
_SOURCES = Path(__file__).with_name("program")


def program() -> Path:
    """The benchmark's program, built as the runner is and from its sources."""
    # A folder of runners that were built elsewhere has none.
    environment = {name: value for name, value in os.environ.items() if name != "EDGERANK_NATIVE"}
    built = subprocess.run(
        ["tools/native", "fidelity"], stdout=subprocess.PIPE, text=True, check=True, env=environment
    )
    return Path(built.stdout.strip()) / "fidelity" / "edgerank-fidelity"


def libraries(folder: Path) -> Mapping[Runtime, Path]:
    """What the program loads: ONNX Runtime's, and Paddle Lite's where somebody's build is named."""
    return MappingProxyType(dict(_libraries(folder)))


def _libraries(folder: Path) -> Iterator[tuple[Runtime, Path]]:
    if PADDLELITE in os.environ:
        yield Runtime.PADDLELITE, _shim(Path(os.environ[PADDLELITE]).absolute(), folder)
    package = util.find_spec("onnxruntime")
    assert package is not None
    assert package.origin is not None
    (library,) = (Path(package.origin).parent / "capi").glob("libonnxruntime.so.*")
    yield Runtime.ONNXRUNTIME, library


def _shim(built: Path, folder: Path) -> Path:
    """The shim with the bare loop in it, by the command of build-shim."""
    shim = folder / "libbare_paddlelite.so"
    library = built / "lib"
    subprocess.run(
        [
            *(os.environ.get("CXX", "c++"), "-std=c++14", "-O2", "-fPIC", "-shared"),
            *("-I", "agent/native/paddlelite_shim", "-I", built / "include"),
            *(_SOURCES / "bare_paddlelite.cpp", "-o", shim),
            *("-L", library, "-lpaddle_light_api_shared", f"-Wl,-rpath,{library}"),
        ],
        check=True,
    )
    return shim
