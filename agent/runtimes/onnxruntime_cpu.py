"""ONNX Runtime on the CPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as native

from agent.runtimes import InputArray, RuntimeRefused

_ERRORS_ONLY = 3
# They have no class in common but Exception.
_NATIVE_ERRORS = tuple(
    each for each in vars(native).values() if isinstance(each, type) and issubclass(each, Exception)
)


class OnnxNetwork:
    """A session whose every run computes on the same input."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self._run = session.run
        self._feed: dict[str, InputArray] = {}

    def build(self) -> str:
        """ONNX Runtime's build information."""
        return str(onnxruntime.get_build_info()).removeprefix("ORT Build Info: ")

    def set_input(self, array: InputArray) -> None:
        """Give the input that every run computes on."""
        self._feed = {self._session.get_inputs()[0].name: array}

    def run(self) -> object:
        """Compute once."""
        try:
            return self._run(None, self._feed)
        except _NATIVE_ERRORS as error:
            raise RuntimeRefused(_first_line(error)) from error


class ProfiledOnnxNetwork(OnnxNetwork):
    """A session that writes down what each node takes."""

    def end_profiling(self) -> Path:
        """Stop writing; the trace."""
        return Path(self._session.end_profiling())


def load(artifact: Path, threads: int) -> OnnxNetwork:
    """Load an `.onnx` file; operators run one after the other, each on `threads` threads.

    Raises:
        RuntimeRefused: ONNX Runtime does not take the file.
    """
    return OnnxNetwork(_session(artifact, _options(threads)))


def load_profiled(artifact: Path, threads: int, folder: Path) -> ProfiledOnnxNetwork:
    """The same with the profiler on, whose trace comes into `folder`.

    Raises:
        RuntimeRefused: ONNX Runtime does not take the file.
    """
    options = _options(threads)
    options.enable_profiling = True
    options.profile_file_prefix = str(folder / "trace")
    return ProfiledOnnxNetwork(_session(artifact, options))


def _options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = _ERRORS_ONLY
    return options


def _session(artifact: Path, options: onnxruntime.SessionOptions) -> onnxruntime.InferenceSession:
    with _refusals():
        return onnxruntime.InferenceSession(
            str(artifact), options, providers=["CPUExecutionProvider"]
        )


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except _NATIVE_ERRORS as error:
        raise RuntimeRefused(_first_line(error)) from error


def _first_line(error: Exception) -> str:
    return f"ONNX Runtime refused: {str(error).strip().splitlines()[0]}"
