"""Paddle Lite's own program measures, where a fake of it computes with the real library."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent.cli.command import agent
from agent.measuring.benchmark_bin import find_benchmark_bin
from agent.measuring.children import PythonChild
from agent.measuring.introspection import describe_runtime
from agent.measuring.measurer import CHILD_COMMAND, Measurer, most_of_available_memory
from agent.measuring.supervision import Cancellation, MeasuringFailed
from controller.figures.latency import latency_figures
from controller.figures.verdicts import verdict
from protos.fleet import Measured
from protos.measuring import StopReason
from protos.reasons import ReasonCode
from protos.runtimes import Runtime
from tests.integration.agent.native.benchmark_bin.fake import VERSION, installed
from tests.integration.agent.networks import Artifacts, settings

PADDLELITE = Runtime.PADDLELITE


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(tmp_path_factory.mktemp("board"))


@pytest.fixture(scope="module")
def measurer(program: Path) -> Measurer:
    return measuring_with(program)


def measuring_with(program: Path) -> Measurer:
    found = find_benchmark_bin(program)
    return Measurer(runtimes=(found.runtime,), children={PADDLELITE: PythonChild(found.command)})


def measure(measurer: Measurer, artifacts: Artifacts, network: str = "tiny") -> Measured:
    wanted = settings(PADDLELITE, network, time_budget_ms=200)
    return measurer.measure(
        artifacts.path(network, PADDLELITE),
        wanted,
        Cancellation(),
        reference=artifacts.reference("tiny"),
    )


def test_a_mean_is_told_with_what_is_known_of_its_inferences(
    measurer: Measurer, artifacts: Artifacts
) -> None:
    measured = measure(measurer, artifacts)
    repetition = measured.repetition
    assert measured.runtime.version == VERSION
    assert measured.runtime.build == f"benchmark_bin {VERSION}"
    assert set(measured.affinity) == os.sched_getaffinity(0)
    assert repetition.averaged is not None
    assert repetition.averaged.run_count > 1
    (mean_ns,) = repetition.latency_ns
    assert repetition.averaged.shortest_ns <= mean_ns <= repetition.averaged.longest_ns
    assert repetition.stop_reason is StopReason.TIME_BUDGET
    assert repetition.load_ns > 0
    assert repetition.peak_rss_bytes > repetition.baseline_rss_bytes > 0
    assert repetition.warmup_settled is None


def test_outputs_are_compared_on_this_device(measurer: Measurer, artifacts: Artifacts) -> None:
    check = measure(measurer, artifacts).repetition.output_check
    assert check is not None
    assert check.max_relative_difference is not None
    assert check.max_relative_difference < 1e-5
    assert check.top1_agreement == 1
    altered = measure(measurer, artifacts, "altered").repetition.output_check
    assert altered is not None
    assert altered.max_relative_difference is not None
    assert altered.max_relative_difference > 0.01


def test_every_figure_says_that_it_is_of_means(measurer: Measurer, artifacts: Artifacts) -> None:
    repetitions = [measure(measurer, artifacts).repetition for _ in range(2)]
    figures = latency_figures(repetitions)
    _, reasons = verdict(figures, repetitions, 0.5)
    (means,) = [each for each in reasons if each.code is ReasonCode.MEANS_ONLY]
    counts = [each.averaged.run_count for each in repetitions if each.averaged]
    assert means.figures["inferences"] == min(counts)
    shortest = [each.averaged.shortest_ns for each in repetitions if each.averaged]
    assert figures.min_ms == min(shortest) / 1e6


def test_it_is_asked_as_any_other_runtime(program: Path) -> None:
    found = find_benchmark_bin(program)
    described = describe_runtime(
        found.runtime,
        command=CHILD_COMMAND,
        memory_limit_bytes=most_of_available_memory(),
        proc_root=Path("/proc"),
        child=PythonChild(found.command),
    )
    assert described.build == f"benchmark_bin {VERSION}"
    assert not described.last_words


@pytest.mark.parametrize(
    "asked",
    [{"paced_fps": 30.0}, {"sustained_minutes": 1}, {"flush_denormals": True}],
    ids=lambda asked: next(iter(asked)),
)
def test_what_it_cannot_do_is_refused_before_it_runs(
    measurer: Measurer, artifacts: Artifacts, asked: dict[str, float | bool]
) -> None:
    wanted = settings(PADDLELITE, **asked)  # type: ignore[arg-type]
    with pytest.raises(MeasuringFailed) as failed:
        measurer.measure(artifacts.path("tiny", PADDLELITE), wanted, Cancellation())
    assert failed.value.failure.code is ReasonCode.RUNTIME_ERROR
    assert "benchmark_bin does not do" in str(failed.value)


def test_flags_of_another_version_are_told_though_it_ends_with_0(
    artifacts: Artifacts, tmp_path: Path
) -> None:
    other = tmp_path / "benchmark_bin"
    other.write_text(
        "#!/bin/sh\n"
        '[ "$1" = --version ] && echo "benchmark_bin version v2.9" || echo "Note: usage"\n'
    )
    other.chmod(0o755)
    with pytest.raises(MeasuringFailed, match=r"2\.10 to 2\.13"):
        measure(measuring_with(other), artifacts)


def test_a_program_that_dies_is_told_with_its_last_words(
    artifacts: Artifacts, tmp_path: Path
) -> None:
    dying = tmp_path / "benchmark_bin"
    dying.write_text(
        "#!/bin/sh\n"
        '[ "$1" = --version ] && echo "benchmark_bin version v2.12" && exit 0\n'
        'echo "Error: no such kernel hard_swish" >&2\nkill -ILL $$\n'
    )
    dying.chmod(0o755)
    with pytest.raises(MeasuringFailed) as failed:
        measure(measuring_with(dying), artifacts)
    assert failed.value.failure.code is ReasonCode.RUNTIME_ERROR
    assert "SIGILL" in str(failed.value)
    assert "no such kernel hard_swish" in str(failed.value)


def test_it_writes_no_file_and_reads_none_but_its_own(artifacts: Artifacts, tmp_path: Path) -> None:
    secret, written = tmp_path / "secret", tmp_path / "written"
    secret.write_text("of somebody else")
    curious = tmp_path / "benchmark_bin"
    curious.write_text(
        "#!/bin/sh\n"
        '[ "$1" = --version ] && echo "benchmark_bin version v2.12" && exit 0\n'
        f"while read -r line; do echo $line; done < {secret} >&2\necho x > {written}\nexit 3\n"
    )
    curious.chmod(0o755)
    with pytest.raises(MeasuringFailed, match="code 3") as failed:
        measure(measuring_with(curious), artifacts)
    assert "of somebody else" not in str(failed.value)
    assert not written.exists()


@pytest.mark.parametrize("said", ["echo other 1.0", "exit 1"])
def test_another_program_is_refused_by_the_agent(said: str, tmp_path: Path) -> None:
    named = tmp_path / "program"
    named.write_text(f"#!/bin/sh\n{said}\n")
    named.chmod(0o755)
    result = CliRunner().invoke(agent, ["--paddlelite-bin", str(named), "--state", str(tmp_path)])
    assert result.exit_code == 2
    assert "is no benchmark_bin of Paddle Lite" in result.output
