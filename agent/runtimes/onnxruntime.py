"""ONNX Runtime."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as native

from agent.runtimes import InputArray, LoadSettings, RuntimeRefused, named_inputs
from protos.runtimes import GraphOptimization, OnnxRuntimeOptions

_CPU = "CPUExecutionProvider"
# It is in every build, but sends what it is given to a service elsewhere.
_REMOTE = "AzureExecutionProvider"
_ERRORS_ONLY = 3
# They have no class in common but Exception.
_NATIVE_ERRORS = tuple(
    each for each in vars(native).values() if isinstance(each, type) and issubclass(each, Exception)
)
_LEVELS: Mapping[GraphOptimization, onnxruntime.GraphOptimizationLevel] = MappingProxyType(
    {
        GraphOptimization.DISABLED: onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
        GraphOptimization.BASIC: onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
        GraphOptimization.EXTENDED: onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
        GraphOptimization.ALL: onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
    }
)
# Providers with threads of their own, which are not the session's, and what sets their number.
_OWN_THREADS: Mapping[str, str] = MappingProxyType(
    {
        "OpenVINOExecutionProvider": "num_of_threads",
        "XnnpackExecutionProvider": "intra_op_num_threads",
    }
)


class OnnxNetwork:
    """A session whose every run computes on the same input."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self._run = session.run
        self._feed: dict[str, InputArray] = {}

    def build(self) -> str:
        """ONNX Runtime's build information."""
        return build()

    def set_input(self, images: InputArray, constants: Mapping[str, InputArray]) -> None:
        """Give what every run computes on."""
        names = [each.name for each in self._session.get_inputs()]
        self._feed = named_inputs(names, images, constants)

    def run(self) -> object:
        """Compute once."""
        try:
            return self._run(None, self._feed)
        except _NATIVE_ERRORS as error:
            raise RuntimeRefused(_first_line(error)) from error

    def compute(self) -> list[InputArray]:
        """Compute once; the outputs."""
        with _refusals():
            outputs: list[InputArray] = self._run(None, self._feed)
        return outputs


class ProfiledOnnxNetwork(OnnxNetwork):
    """A session that writes down what each node takes."""

    def end_profiling(self) -> Path:
        """Stop writing; the trace."""
        return Path(self._session.end_profiling())


def build() -> str:
    """ONNX Runtime's build information."""
    return str(onnxruntime.get_build_info()).removeprefix("ORT Build Info: ")


def execution_providers() -> tuple[str, ...]:
    """Those of this build that compute on this device."""
    return tuple(each for each in onnxruntime.get_available_providers() if each != _REMOTE)


def extra_kernels() -> None:
    """No question: its builds have all kernels of its operators."""


def load(artifact: Path, settings: LoadSettings) -> OnnxNetwork:
    """Load an `.onnx` file; operators run one after the other, each on `settings.threads` threads.

    Operators that the wanted execution provider does not have run on the CPU.

    Raises:
        RuntimeRefused: ONNX Runtime does not take the file, or has no such execution provider.
    """
    return OnnxNetwork(_session(artifact, settings, _session_options(settings)))


def load_profiled(artifact: Path, settings: LoadSettings, folder: Path) -> ProfiledOnnxNetwork:
    """The same with the profiler on, whose trace comes into `folder`.

    Raises:
        RuntimeRefused: likewise.
    """
    options = _session_options(settings)
    options.enable_profiling = True
    options.profile_file_prefix = str(folder / "trace")
    return ProfiledOnnxNetwork(_session(artifact, settings, options))


def _session(
    artifact: Path, settings: LoadSettings, options: onnxruntime.SessionOptions
) -> onnxruntime.InferenceSession:
    wanted = _wanted(settings).execution_provider
    with _refusals():
        session = onnxruntime.InferenceSession(
            str(artifact), options, providers=_providers(wanted, settings.threads)
        )
    # Asked for what the build lacks, or what does not start, it takes the CPU and goes on.
    if wanted not in session.get_providers():
        raise RuntimeRefused(
            f"ONNX Runtime did not take {wanted}; on this device it has "
            f"{', '.join(execution_providers())}"
        )
    session.disable_fallback()
    return session


def _session_options(settings: LoadSettings) -> onnxruntime.SessionOptions:
    wanted = _wanted(settings)
    options = onnxruntime.SessionOptions()
    # Named, this number also keeps it from binding its threads to cores of its own choice.
    options.intra_op_num_threads = settings.threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = _ERRORS_ONLY
    options.graph_optimization_level = _LEVELS[wanted.graph_optimization]
    options.enable_cpu_mem_arena = wanted.arena
    options.add_session_config_entry(
        "session.intra_op.allow_spinning", "1" if wanted.spinning else "0"
    )
    # Its threads set this themselves, to one or the other.
    options.add_session_config_entry(
        "session.set_denormal_as_zero", "1" if settings.flush_denormals else "0"
    )
    return options


def _wanted(settings: LoadSettings) -> OnnxRuntimeOptions:
    return settings.onnxruntime or OnnxRuntimeOptions()


def _providers(wanted: str, threads: int) -> list[tuple[str, dict[str, str]]]:
    own_threads = _OWN_THREADS.get(wanted)
    chosen = (wanted, {own_threads: str(threads)} if own_threads else {})
    return [chosen] if wanted == _CPU else [chosen, (_CPU, {})]


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except _NATIVE_ERRORS as error:
        raise RuntimeRefused(_first_line(error)) from error


def _first_line(error: Exception) -> str:
    return f"ONNX Runtime refused: {str(error).strip().splitlines()[0]}"
