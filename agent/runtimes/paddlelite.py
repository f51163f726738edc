"""Paddle Lite's light predictor, which runs optimised `.nb` files."""

import ctypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from paddlelite import lite

from agent.runtimes import InputArray, LoadSettings, RuntimeRefused, named_inputs
from agent.runtimes.extra_kernels import has_extra_kernels

_NNAPI = "android_nnapi"
_LIBRARIES = Path(lite.__file__).parent / "libs"


class PaddleLiteNetwork:
    """A predictor whose every run computes on the same input."""

    def __init__(self, predictor: Any) -> None:
        self._predictor = predictor
        self.run = predictor.run

    def build(self) -> str:
        """Paddle Lite's version as it was built in."""
        return str(self._predictor.get_version())

    def set_input(self, images: InputArray, constants: Mapping[str, InputArray]) -> None:
        """Give what every run computes on."""
        names = self._predictor.get_input_names()
        for name, array in named_inputs(names, images, constants).items():
            self._predictor.get_input_by_name(name).from_numpy(array)

    def compute(self) -> list[InputArray]:
        """Compute once; a copy of each output, as the next run uses their memory again."""
        self.run()
        count = len(self._predictor.get_output_names())
        return [np.array(self._predictor.get_output(i).numpy()) for i in range(count)]


def build() -> str:
    """Paddle Lite's version; wheels without the converter say it of a loaded network only."""
    return str(lite.Opt().version()) if hasattr(lite, "Opt") else ""


def execution_providers() -> tuple[str, ...]:
    """None: an artifact says itself where it runs."""
    return ()


def extra_kernels() -> bool | None:
    """Whether this build has its extra kernels; None where it does not show."""
    return has_extra_kernels(Path(lite.__file__).parent / "lite.so")


def load(artifact: Path, settings: LoadSettings) -> PaddleLiteNetwork:
    """Load an `.nb` file.

    Most of what Paddle Lite does not take ends the process by abort or SIGSEGV.

    Raises:
        RuntimeRefused: this build of Paddle Lite gives no way to set the number of threads.
    """
    config = lite.MobileConfig()
    config.set_model_from_file(str(artifact))
    if hasattr(config, "set_nnadapter_device_names"):
        # What files for NNAPI need to be told; others do not look.
        config.set_nnadapter_device_names([_NNAPI])
    if hasattr(config, "set_threads"):
        config.set_threads(settings.threads)
        return PaddleLiteNetwork(lite.create_paddle_predictor(config))
    predictor = lite.create_paddle_predictor(config)
    # After the predictor is made: making it sets the number back to 1.
    _set_mkl_threads(settings.threads)
    return PaddleLiteNetwork(predictor)


def load_profiled(artifact: Path, settings: LoadSettings, folder: Path) -> NoReturn:
    """Refuse: what the wheel brings is built without a profiler.

    Raises:
        RuntimeRefused: always.
    """
    del artifact, settings, folder
    raise RuntimeRefused(
        "Paddle Lite's wheel is built without its profiler (LITE_WITH_PROFILE), and no other build "
        "of it is read; profile with onnxruntime"
    )


def _set_mkl_threads(threads: int) -> None:
    """Set the threads of the mathematics library that the x86 wheel brings.

    The wheel's MobileConfig has no `set_threads`. Without `dynamic` off, the library takes fewer
    threads than asked for where it thinks that they do not pay.
    """
    try:
        mkl = ctypes.CDLL(str(_LIBRARIES / "libmklml_intel.so"))
        openmp = ctypes.CDLL(str(_LIBRARIES / "libiomp5.so"))
    except OSError as error:
        raise RuntimeRefused(
            f"this build of Paddle Lite gives no way to set the number of threads to {threads}: "
            "it has neither MobileConfig.set_threads nor MKL; use a build with set_threads"
        ) from error
    mkl.MKL_Set_Dynamic(0)
    mkl.MKL_Set_Num_Threads(threads)
    openmp.omp_set_dynamic(0)
    openmp.omp_set_num_threads(threads)
