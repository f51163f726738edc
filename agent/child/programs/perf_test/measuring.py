"""One repetition by `onnxruntime_perf_test`, wherever the program runs.

It tells every inference and no output: whether these are right, nobody can say.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from agent.child.inputs import make_inputs
from agent.child.messages import Baseline, ChildRequest, Line, Phase, Sampled, Sampling, say
from agent.child.programs.perf_test.asking import Program, TimedRun, Work
from agent.child.programs.perf_test.reading import is_usage, read_load_ns, read_times
from agent.child.programs.perf_test.tensors import write_tensor
from agent.child.programs.repeating import Unreadable, answer_of, run_counts
from protos.device import DeviceState
from protos.measuring import ProcessMemory, StopReason
from protos.runtimes import CPU_PROVIDER, OnnxRuntimeOptions

NAME: Final = "onnxruntime_perf_test"


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

    def measured(sampling: Sampling, folder: Path) -> Sampled:
        tensor = folder / "input_0.pb"
        write_tensor(make_inputs(request.takes, request.input_seed).images, tensor)
        return _measured(program, sampling, tensor, pipe, read_state)

    return answer_of(
        NAME,
        request,
        cannot=_cannot(request),
        baseline=lambda: _baseline(program, pipe),
        measured=measured,
    )


def _cannot(request: ChildRequest) -> Iterator[str]:
    options = request.sampling and request.sampling.onnxruntime
    if options and options.delegates:
        # It goes on with the CPU where a provider is not there, and tells nobody.
        yield f"inference by {options.execution_provider}"
    if request.takes.kind.constants:
        yield "networks of more than one input"


def _baseline(program: Program, pipe: BinaryIO) -> Baseline:
    """The memory of the program without a network."""
    say(pipe, Phase.IMPORTING)
    run = program.usage()
    if not is_usage(run.text):
        raise Unreadable("it does not say how it is used as onnxruntime_perf_test does")
    return Baseline(
        peak_rss_bytes=run.peak_rss_bytes, build=NAME, execution_providers=(CPU_PROVIDER,)
    )


def _measured(
    program: Program,
    sampling: Sampling,
    tensor: Path,
    pipe: BinaryIO,
    read_state: Callable[[], DeviceState],
) -> Sampled:
    """A short run that tells how long an inference is, then the one that counts."""
    say(pipe, Phase.LOADING)
    trial, _ = read_times(_run(program, sampling, tensor, 2).times, 2)
    warmup, counted = run_counts(trial[-1], sampling.time_budget_ms)
    before = read_state()
    say(pipe, Phase.SAMPLING)
    run = _run(program, sampling, tensor, warmup + counted)
    say(pipe, Phase.REPORTING)
    after = read_state()
    times_ns, told_peak_bytes = read_times(run.times, warmup + counted)
    return Sampled(
        build=NAME,
        latency_ns=times_ns[warmup:],
        warmup_ns=times_ns[:warmup],
        warmup_settled=None,
        load_ns=read_load_ns(run.text),
        peak_rss_bytes=run.peak_rss_bytes or told_peak_bytes,
        pss_bytes=None,
        memory=ProcessMemory(),
        busy_threads=0,
        stop_reason=StopReason.TIME_BUDGET,
        before=before,
        after=after,
        affinity=program.affinity(),
    )


def _run(program: Program, sampling: Sampling, tensor: Path, repeats: int) -> TimedRun:
    return program.run(
        Work(
            artifact=sampling.artifact_path,
            threads=sampling.threads,
            repeats=repeats,
            flushes=sampling.flush_denormals,
            options=sampling.onnxruntime or OnnxRuntimeOptions(),
        ),
        tensor,
    )
