"""Both runtimes measure real artifacts in real child processes."""

import hashlib
import os
import sys
from pathlib import Path

import pytest

from agent.artifacts.cache import ArtifactCache
from agent.child.messages import ChildRequest, Sampled, Sampling
from agent.device.kernel_files import Roots
from agent.measuring.measurer import Measurer, most_of_available_memory
from agent.measuring.supervision import Cancellation, ask_child
from agent.runtimes import available_runtimes
from protos.fleet import Measured
from protos.measuring import MeasureSettings, StopReason
from protos.runtimes import Runtime
from tests.integration.agent.networks import Artifacts, settings, takes

both_runtimes = pytest.mark.parametrize("runtime", Runtime, ids=lambda each: each.value)
THREADS = sorted({1, min(2, len(os.sched_getaffinity(0)))})


@pytest.fixture(scope="module")
def measurer() -> Measurer:
    return Measurer(runtimes=available_runtimes())


def measure(measurer: Measurer, artifact: Path, wanted: MeasureSettings) -> Measured:
    return measurer.measure(artifact, wanted, Cancellation())


@both_runtimes
def test_a_network_is_measured_with_its_context(
    measurer: Measurer, artifacts: Artifacts, runtime: Runtime
) -> None:
    measured = measure(measurer, artifacts.path("tiny", runtime), settings(runtime))
    assert measured.runtime.runtime is runtime
    assert measured.runtime.version
    assert measured.runtime.build
    assert set(measured.affinity) == os.sched_getaffinity(0)
    repetition = measured.repetition
    assert len(repetition.latency_ns) >= 30
    assert min(repetition.latency_ns) > 0
    assert len(repetition.warmup_ns) >= 3
    assert repetition.warmup_settled is not None
    assert repetition.load_ns > 0
    assert repetition.peak_rss_bytes > repetition.baseline_rss_bytes > 0
    assert repetition.pss_bytes is not None
    assert 0 < repetition.pss_bytes <= repetition.peak_rss_bytes
    assert repetition.busy_threads == 1
    assert repetition.stop_reason is StopReason.PRECISE
    assert repetition.before is not None
    assert repetition.after is not None
    assert repetition.before.taken_at_unix_ms <= repetition.after.taken_at_unix_ms


@both_runtimes
def test_what_the_digest_was_taken_of_is_what_is_measured(
    measurer: Measurer, artifacts: Artifacts, tmp_path: Path, runtime: Runtime
) -> None:
    content = artifacts.path("tiny", runtime).read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    (tmp_path / sha256).write_bytes(content)
    found = ArtifactCache(tmp_path, len(content)).find(sha256)
    assert found is not None
    with found:
        # From here on other bytes have its name, with which no runtime does anything.
        (tmp_path / "other").write_bytes(b"no network at all")
        (tmp_path / "other").replace(tmp_path / sha256)
        assert measure(measurer, found.path, settings(runtime)).repetition.latency_ns


def test_behind_its_samples_a_process_runs_on_a_clock(
    measurer: Measurer, artifacts: Artifacts
) -> None:
    artifact = artifacts.path("tiny", Runtime.ONNXRUNTIME)
    wanted = settings(Runtime.ONNXRUNTIME, paced_fps=100, time_budget_ms=800)
    repetition = measure(measurer, artifact, wanted).repetition
    assert repetition.stop_reason is StopReason.PRECISE
    assert repetition.paced is not None
    # Of 40 frames, those that come while a busy machine lets none begin are dropped.
    assert 1 <= len(repetition.paced.latency_ns) == len(repetition.paced.delay_ns) <= 40
    assert min(repetition.paced.latency_ns) > 0
    assert min(repetition.paced.delay_ns) >= 0


def test_a_process_samples_no_longer_than_processes_differ(
    measurer: Measurer, artifacts: Artifacts
) -> None:
    artifact = artifacts.path("tiny", Runtime.ONNXRUNTIME)
    wanted = settings(Runtime.ONNXRUNTIME, relative_half_width=1e-6, time_budget_ms=20_000)
    told = measurer.measure(artifact, wanted, Cancellation(), process_spread=0.5)
    assert told.repetition.stop_reason is StopReason.BELOW_PROCESS_SPREAD


def alike(first: int | None, second: int | None) -> bool:
    """Within 2 % or 1 MiB."""
    if first is None or second is None:
        return False
    return abs(first - second) <= max(1024**2, 0.02 * max(first, second))


@both_runtimes
def test_memory_repeats_and_samples_do_not_count(artifacts: Artifacts, runtime: Runtime) -> None:
    artifact = artifacts.path("tiny", runtime)
    # No interval is narrower than nothing: the second samples for seconds, which takes megabytes.
    some, many = (
        settings(runtime, relative_half_width=-1, time_budget_ms=budget) for budget in (20, 6_000)
    )
    first, second = (
        measure(Measurer(runtimes=available_runtimes()), artifact, wanted).repetition
        for wanted in (some, many)
    )
    assert len(second.latency_ns) > 10 * len(first.latency_ns)
    assert alike(first.peak_rss_bytes, second.peak_rss_bytes)
    assert alike(first.baseline_rss_bytes, second.baseline_rss_bytes)
    # Not the proportional set size, which falls when other processes come to share the libraries.
    assert first.memory is not None
    for name, figure in vars(first.memory).items():
        # This one has the samples, so that a leak while they are taken can be told.
        if name == "sampled_anonymous_bytes":
            continue
        assert alike(figure, getattr(second.memory, name)), name


@both_runtimes
def test_memory_is_told_by_phase_and_kind(
    measurer: Measurer, artifacts: Artifacts, runtime: Runtime
) -> None:
    short = settings(runtime, "wide", time_budget_ms=600)
    wide = measure(measurer, artifacts.path("wide", runtime), short).repetition
    memory = wide.memory
    assert memory is not None
    peaks = (
        memory.load_peak_rss_bytes,
        memory.first_run_peak_rss_bytes,
        memory.steady_peak_rss_bytes,
    )
    assert all(peak is not None and 0 < peak <= wide.peak_rss_bytes for peak in peaks)
    assert memory.anonymous_bytes is not None
    assert memory.file_backed_bytes is not None
    assert memory.mapped_artifact_bytes is not None
    assert memory.mapped_artifact_bytes <= memory.file_backed_bytes
    assert memory.anonymous_bytes + memory.file_backed_bytes <= wide.peak_rss_bytes + 1024**2


@both_runtimes
def test_the_device_is_watched_while_a_network_is_sampled(
    measurer: Measurer, artifacts: Artifacts, runtime: Runtime
) -> None:
    wanted = settings(runtime, "wide", relative_half_width=0, time_budget_ms=2_500)
    # A reading that took long is followed by a long pause, which may last until sampling ends.
    taken = (measure(measurer, artifacts.path("wide", runtime), wanted) for _ in range(5))
    repetition = next(each.repetition for each in taken if len(each.repetition.during) >= 2)
    assert repetition.before is not None
    assert repetition.after is not None
    for state in repetition.during:
        assert repetition.before.taken_at_unix_ms <= state.taken_at_unix_ms
        assert state.taken_at_unix_ms <= repetition.after.taken_at_unix_ms
    assert repetition.during[-1].load_by_others is not None


@both_runtimes
def test_a_child_runs_without_a_pause_and_tells_its_windows_apart(
    artifacts: Artifacts, runtime: Runtime
) -> None:
    sampling = Sampling(
        artifact_path=str(artifacts.path("tiny", runtime)),
        threads=1,
        relative_half_width=0.5,
        time_budget_ms=200,
        windows=4,
        window_ms=100,
    )
    request = ChildRequest(
        parent_pid=os.getpid(),
        memory_limit_bytes=most_of_available_memory(),
        runtime=runtime,
        takes=takes("tiny"),
        input_seed=1,
        sampling=sampling,
    )
    answer = ask_child(
        lambda _pid: request,
        command=(sys.executable, "-m", "agent.child"),
        limit_s=120,
        cancellation=Cancellation(),
        proc_root=Roots().proc,
    )
    assert isinstance(answer, Sampled)
    assert answer.stop_reason is StopReason.SUSTAINED
    assert len(answer.samples_per_window) == 4
    assert sum(answer.samples_per_window) == len(answer.latency_ns) > 4
    # Together no longer than the windows are, but for the one run that their end cut into.
    assert sum(answer.latency_ns[:-1]) <= 400_000_000


@both_runtimes
def test_a_budget_too_small_for_the_wanted_precision_ends_sampling(
    measurer: Measurer, artifacts: Artifacts, runtime: Runtime
) -> None:
    wanted = settings(runtime, "wide", relative_half_width=0, time_budget_ms=1)
    repetition = measure(measurer, artifacts.path("wide", runtime), wanted).repetition
    assert repetition.stop_reason is StopReason.TIME_BUDGET
    assert len(repetition.latency_ns) == 1


@both_runtimes
def test_a_larger_network_needs_more_memory(
    measurer: Measurer, artifacts: Artifacts, runtime: Runtime
) -> None:
    tiny = measure(measurer, artifacts.path("tiny", runtime), settings(runtime)).repetition
    short = settings(runtime, "wide", time_budget_ms=600)
    wide = measure(measurer, artifacts.path("wide", runtime), short).repetition
    memory_of_wide = wide.peak_rss_bytes - wide.baseline_rss_bytes
    assert memory_of_wide > tiny.peak_rss_bytes - tiny.baseline_rss_bytes


@both_runtimes
@pytest.mark.parametrize("threads", THREADS)
def test_as_many_threads_compute_as_were_asked_for(
    measurer: Measurer,
    artifacts: Artifacts,
    runtime: Runtime,
    threads: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What a person sets for other programs changes nothing.
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, str(3 - threads))
    wanted = settings(runtime, "wide", threads=threads, time_budget_ms=600)
    repetition = measure(measurer, artifacts.path("wide", runtime), wanted).repetition
    assert repetition.busy_threads == threads


@both_runtimes
def test_the_baseline_is_measured_once(artifacts: Artifacts, runtime: Runtime) -> None:
    measurer = Measurer(runtimes=available_runtimes())
    artifact = artifacts.path("tiny", runtime)
    first, second = (measure(measurer, artifact, settings(runtime)) for _ in range(2))
    baselines = {each.repetition.baseline_rss_bytes for each in (first, second)}
    assert len(baselines) == 1
