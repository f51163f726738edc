"""The process of one repetition: `python -m agent.child.benchmark_bin PROGRAM`.

It speaks as `agent.child` does. What touches an artifact is the program, in processes of its own.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from agent.child.answers import Answer, answer_of, compare
from agent.child.benchmark_bin.driving import Program, affinity
from agent.child.benchmark_bin.reading import Told, Unreadable, read_outputs, read_times
from agent.child.confinement import (
    CoresRefused,
    bind_to_parent,
    set_stdout_aside,
    stay_on_cores,
)
from agent.child.inputs import make_inputs
from agent.child.last_words import tells_of_no_memory
from agent.child.messages import (
    Baseline,
    ChildRequest,
    Line,
    Phase,
    Sampled,
    Sampling,
    decode_request,
    say,
)
from agent.clock import now_unix_ms
from agent.device.kernel_files import Roots
from agent.device.state import read_device_state
from agent.runtimes import InputArray, RuntimeRefused
from agent.runtimes.extra_kernels import has_extra_kernels
from protos.fleet import failed
from protos.inputs import NetworkInput
from protos.measuring import AveragedRuns, OutputCheck, ProcessMemory, StopReason
from protos.reasons import ReasonCode
from protos.reference.noise import reference_inputs
from protos.reference.outputs import ReferenceUnreadable, inputs_digest
from protos.reference.outputs import read_outputs as read_file

_NS_PER_MS: Final = 1_000_000
_MOST_RUNS: Final = 100_000
# What `agent.child` warms up with at most and at least.
_WARMUPS: Final = (3, 300)


def main() -> None:
    """Answer the one request on stdin."""
    pipe = set_stdout_aside()
    asked = sys.stdin.buffer.read()
    if not asked:
        return
    request = decode_request(asked)
    bind_to_parent(request.parent_pid)
    program = Program(
        path=Path(sys.argv[1]),
        memory_limit_bytes=request.memory_limit_bytes,
        proc_root=Roots().proc,
    )
    say(pipe, _answer(program, request, pipe))


def _answer(program: Program, request: ChildRequest, pipe: BinaryIO) -> Line:
    try:
        stay_on_cores(request.cores)
        if request.sampling is None and request.profiling is None:
            return _baseline(program, pipe)
        _refuse_what_it_cannot(request)
        assert request.sampling is not None
        with tempfile.TemporaryDirectory(prefix="edgerank-") as folder:
            return _Measuring(program, request, request.sampling, Path(folder), pipe).measure()
    except (RuntimeRefused, Unreadable, CoresRefused, OSError) as error:
        no_memory = tells_of_no_memory(str(error))
        code = ReasonCode.OUT_OF_MEMORY if no_memory else ReasonCode.RUNTIME_ERROR
        return failed(code, str(error))


def _refuse_what_it_cannot(request: ChildRequest) -> None:
    sampling = request.sampling
    asked = {
        "a profile": sampling is None,
        "inference for minutes": sampling is not None and bool(sampling.windows),
        "inference on a clock": sampling is not None and bool(sampling.paced_fps),
        "subnormal numbers as 0": sampling is not None and sampling.flush_denormals,
        "batches of numbers that are not float32": any(
            each is not np.dtype(np.float32) for each in _element_types(request.takes)
        ),
    }
    cannot = [what for what, is_asked in asked.items() if is_asked]
    if cannot:
        raise RuntimeRefused(
            f"benchmark_bin does not do {cannot[0]}: ask for less, or measure with Paddle Lite's "
            "Python package or the native runner"
        )


def _element_types(takes: NetworkInput) -> list[np.dtype[np.generic]]:
    kinds = (takes.kind.element_type, *(each.element_type for each in takes.kind.constants))
    return [np.dtype(kind.value) for kind in kinds]


def _baseline(program: Program, pipe: BinaryIO) -> Baseline:
    """The memory of the program without a network."""
    say(pipe, Phase.IMPORTING)
    run = program.version()
    return Baseline(
        peak_rss_bytes=run.peak_rss_bytes,
        build=_build_of(run.text.rpartition(" ")[2].strip()),
        execution_providers=(),
        extra_kernels=has_extra_kernels(program.path),
    )


def _build_of(version: str) -> str:
    return f"benchmark_bin {version}".strip()


class _Measuring:
    """One repetition: a short run that tells how long an inference is, then the one that counts."""

    def __init__(
        self,
        program: Program,
        request: ChildRequest,
        sampling: Sampling,
        folder: Path,
        pipe: BinaryIO,
    ) -> None:
        self._program = program
        self._takes = request.takes
        self._sampling = sampling
        self._folder = folder
        self._pipe = pipe
        self._inputs = make_inputs(request.takes, request.input_seed)

    def measure(self) -> Sampled:
        """Measure; raises what `_answer` understands."""
        say(self._pipe, Phase.LOADING)
        inputs = self._written(self._inputs.images)
        trial, _ = self._times(inputs, warmup=1, repeats=1)
        warmup, repeats = run_counts(trial.mean_ns, self._sampling.time_budget_ms)
        before = read_device_state(Roots(), now_unix_ms)
        say(self._pipe, Phase.SAMPLING)
        told, peak_rss_bytes = self._times(inputs, warmup=warmup, repeats=repeats)
        say(self._pipe, Phase.REPORTING)
        after = read_device_state(Roots(), now_unix_ms)
        return Sampled(
            build=_build_of(told.version),
            library_version=told.version,
            latency_ns=(told.mean_ns,),
            averaged=AveragedRuns(
                run_count=repeats, shortest_ns=told.shortest_ns, longest_ns=told.longest_ns
            ),
            warmup_ns=(told.first_ns,),
            warmup_settled=None,
            load_ns=told.load_ns,
            peak_rss_bytes=peak_rss_bytes,
            pss_bytes=None,
            memory=ProcessMemory(),
            busy_threads=0,
            stop_reason=StopReason.TIME_BUDGET,
            before=before,
            after=after,
            affinity=affinity(),
            output_check=self._compare(),
        )

    def _times(self, inputs: list[Path], *, warmup: int, repeats: int) -> tuple[Told, int]:
        run = self._program.run(
            Path(self._sampling.artifact_path),
            self._shapes(),
            inputs,
            threads=self._sampling.threads,
            warmup=warmup,
            repeats=repeats,
        )
        return read_times(run.text), run.peak_rss_bytes

    def _compare(self) -> OutputCheck | None:
        """What the outputs are beside those that they should be; None where nobody can tell."""
        if self._sampling.reference_path is None:
            return None
        say(self._pipe, Phase.COMPARING)
        try:
            reference = read_file(Path(self._sampling.reference_path))
        except ReferenceUnreadable:
            # The controller is of another version: its digest was looked at when it came.
            return None
        given = list(reference_inputs(self._takes))
        if inputs_digest(given) != reference.inputs_sha256:
            return None
        answers: list[Answer] = [answer_of(self._outputs(one), reference) for one in given]
        return compare(answers, reference)

    def _outputs(self, images: InputArray) -> list[InputArray]:
        run = self._program.run(
            Path(self._sampling.artifact_path),
            self._shapes(),
            self._written(images),
            threads=self._sampling.threads,
            warmup=0,
            repeats=1,
            shows_outputs=True,
        )
        return read_outputs(run.text)

    def _shapes(self) -> list[tuple[int, ...]]:
        return [array.shape for array in (self._inputs.images, *self._inputs.constants.values())]

    def _written(self, images: InputArray) -> list[Path]:
        """Files of the inputs, one number a line, in the order of the network's inputs."""
        arrays = (images, *self._inputs.constants.values())
        paths = [self._folder / str(place) for place in range(len(arrays))]
        for path, array in zip(paths, arrays, strict=True):
            np.savetxt(path, array.reshape(-1), fmt="%.9g")
        return paths


def run_counts(inference_ns: int, time_budget_ms: int) -> tuple[int, int]:
    """How many inferences warm up, and how many count, within a time budget.

    Args:
        inference_ns: what one took that had one before it.
        time_budget_ms: for those that count; half of it for the others, as in `agent.child`.
    """
    affordable = time_budget_ms * _NS_PER_MS // max(1, inference_ns)
    least, most = _WARMUPS
    return max(least, min(most, affordable // 2)), max(1, min(_MOST_RUNS, affordable))


if __name__ == "__main__":
    main()
    # What the program left is gone with it; nothing of this process is needed any more.
    os._exit(0)
