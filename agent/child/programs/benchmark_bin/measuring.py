"""One repetition by `benchmark_bin`, wherever the program runs."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from agent.child.answers import Answer, answer_of, compare
from agent.child.inputs import make_inputs
from agent.child.messages import Baseline, ChildRequest, Line, Phase, Sampled, Sampling, say
from agent.child.programs import repeating
from agent.child.programs.benchmark_bin.asking import Program, Work
from agent.child.programs.benchmark_bin.reading import Told, read_outputs, read_times, read_version
from agent.runtimes import InputArray
from agent.runtimes.extra_kernels import has_extra_kernels
from protos.device import DeviceState
from protos.measuring import AveragedRuns, OutputCheck, ProcessMemory, StopReason
from protos.reference.noise import reference_inputs
from protos.reference.outputs import ReferenceUnreadable, inputs_digest
from protos.reference.outputs import read_outputs as read_file

NAME: Final = "benchmark_bin"


def answer(
    program: Program, request: ChildRequest, pipe: BinaryIO, read_state: Callable[[], DeviceState]
) -> Line:
    """The answer to a request.

    Args:
        program: which runs on the cores that are asked for, within the memory.
        request: what is asked.
        pipe: told of the phases.
        read_state: tells the state of the device that it runs on.
    """
    flushes = request.sampling is not None and request.sampling.flush_denormals
    return repeating.answer_of(
        NAME,
        request,
        cannot=("subnormal numbers as 0",) if flushes else (),
        baseline=lambda: _baseline(program, pipe),
        measured=lambda sampling, folder: _Measuring(
            program, request, sampling, folder, pipe
        ).measure(read_state),
    )


def written(images: InputArray, others: Iterable[InputArray], folder: Path) -> list[Path]:
    """Files of the inputs, one number a line, in the order of the network's inputs."""
    arrays = (images, *others)
    paths = [folder / str(place) for place in range(len(arrays))]
    for path, array in zip(paths, arrays, strict=True):
        np.savetxt(path, array.reshape(-1), fmt="%.9g")
    return paths


def _baseline(program: Program, pipe: BinaryIO) -> Baseline:
    """The memory of the program without a network."""
    say(pipe, Phase.IMPORTING)
    run = program.version()
    version = read_version(run.text)
    return Baseline(
        peak_rss_bytes=run.peak_rss_bytes,
        build=_build_of(version),
        library_version=version,
        execution_providers=(),
        extra_kernels=has_extra_kernels(program.path),
    )


def _build_of(version: str) -> str:
    return f"{NAME} {version}".strip()


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

    def measure(self, read_state: Callable[[], DeviceState]) -> Sampled:
        """Measure; raises what `repeating.answer_of` understands."""
        say(self._pipe, Phase.LOADING)
        inputs = self._written(self._inputs.images)
        trial, _ = self._times(inputs, warmup=1, repeats=1)
        warmup, repeats = repeating.run_counts(trial.mean_ns, self._sampling.time_budget_ms)
        before = read_state()
        say(self._pipe, Phase.SAMPLING)
        told, peak_rss_bytes = self._times(inputs, warmup=warmup, repeats=repeats)
        say(self._pipe, Phase.REPORTING)
        after = read_state()
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
            affinity=self._program.affinity(),
            output_check=self._compare(),
        )

    def _times(self, inputs: list[Path], *, warmup: int, repeats: int) -> tuple[Told, int]:
        run = self._program.run(self._work(warmup=warmup, repeats=repeats), inputs)
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
        work = self._work(warmup=0, repeats=1, shows_outputs=True)
        return read_outputs(self._program.run(work, self._written(images)).text)

    def _work(self, *, warmup: int, repeats: int, shows_outputs: bool = False) -> Work:
        arrays = (self._inputs.images, *self._inputs.constants.values())
        return Work(
            artifact=self._sampling.artifact_path,
            shapes=[array.shape for array in arrays],
            threads=self._sampling.threads,
            warmup=warmup,
            repeats=repeats,
            shows_outputs=shows_outputs,
        )

    def _written(self, images: InputArray) -> list[Path]:
        return written(images, self._inputs.constants.values(), self._folder)
