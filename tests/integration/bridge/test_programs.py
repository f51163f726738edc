"""Runtimes' own programs measure on a phone, where fakes say what the real ones say."""

import os
import platform
import shlex
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from agent.bridge.adb.server import AdbServer, PhoneAway
from agent.bridge.adb.shell import Shell
from agent.bridge.kit import KitUnfit, find_kit
from agent.bridge.looking import look_at, memory_limit_bytes, runtimes_of
from agent.bridge.losses import Losses
from agent.bridge.measuring import PhoneMeasurer
from agent.bridge.mirror import Mirror
from agent.bridge.phone import Phone
from agent.bridge.programs.running import PhoneRunning
from agent.child.inputs import make_inputs
from agent.child.programs.perf_test.tensors import write_tensor
from agent.measuring.gate_watch import GateWatch
from agent.measuring.supervision import Cancellation, DeviceAway, MeasuringFailed
from controller.figures.latency import latency_figures
from controller.figures.outputs import unchecked
from controller.figures.verdicts import verdict
from protos.measuring import StopReason
from protos.reasons import ReasonCode
from protos.reference.noise import reference_inputs
from protos.reference.outputs import write_outputs
from protos.runtimes import OnnxRuntimeOptions, Runtime
from tests.integration.agent.networks import settings, takes
from tests.integration.bridge.fakes import built
from tests.integration.bridge.standing_in import SERIAL, StandIn, await_that

PADDLELITE, ONNXRUNTIME = Runtime.PADDLELITE, Runtime.ONNXRUNTIME
# As a browser names what it loads again; to a shell and to a pattern it says other things.
# Of this process alone: the phone sees all of this machine's, other phones' among them.
NAME = f"benchmark_bin ({os.getpid()})"
IS_RUNNING = f"pgrep -f '[b]enchmark_bin .{os.getpid()}'"
HAS_BEGUN = f"pgrep -f '^/data/.*[b]enchmark_bin .{os.getpid()}'"


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[Runtime, Path]:
    """A file, and a folder with folders by architecture."""
    folder = tmp_path_factory.mktemp("programs")
    of_phone = folder / platform.machine()
    of_phone.mkdir()
    built("perf_test", of_phone, "onnxruntime_perf_test")
    return {
        PADDLELITE: built("benchmark_bin", tmp_path_factory.mktemp("lite"), NAME),
        ONNXRUNTIME: folder,
    }


@pytest.fixture(scope="module")
def measurer(
    stand_in: StandIn,
    programs: Mapping[Runtime, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> PhoneMeasurer:
    """Without a runner of ours."""
    folder, phone = tmp_path_factory.mktemp("bridge"), stand_in.phone
    mirror = Mirror(phone, folder / "mirror")
    look = look_at(phone, mirror, None, programs=programs)
    measurer = PhoneMeasurer(
        runtimes=(),
        roots=mirror.roots,
        gate_watch=GateWatch(roots=mirror.roots),
        usable_cpus=lambda: look.host.usable_cpus,
        memory_limit_bytes=lambda: memory_limit_bytes(mirror.roots),
        phone=phone,
        kit=look.kit,
        folder=folder,
        losses=Losses(phone=phone),
    )
    measurer.runtimes = runtimes_of(measurer, folder)
    return measurer


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the fake of benchmark_bin takes for one; what it is to give is beside it."""
    path = tmp_path_factory.mktemp("network") / "network.nb"
    path.write_text("1.0\n")
    inputs = np.stack(list(reference_inputs(takes("tiny"))))
    sums = [[each.reshape(-1)[k::10].sum() for k in range(10)] for each in inputs]
    write_outputs(
        path.with_suffix(".outputs"), inputs, [np.array(sums, np.float32).reshape(-1, 1, 10)]
    )
    return path


def onnx_file(folder: Path) -> Path:
    """What the fake of perf_test takes for a network."""
    path = folder / "network"
    path.write_bytes(b"\x08\x08")
    return path


def test_each_program_says_what_it_is(measurer: PhoneMeasurer) -> None:
    runtimes = {each.runtime: each for each in measurer.runtimes}
    assert runtimes[PADDLELITE].version == "v2.12"
    assert runtimes[PADDLELITE].build == "benchmark_bin v2.12"
    assert runtimes[ONNXRUNTIME].build == "onnxruntime_perf_test"
    assert runtimes[ONNXRUNTIME].execution_providers == ("CPUExecutionProvider",)
    assert not any(each.last_words for each in runtimes.values())


def test_benchmark_bin_tells_a_mean_whose_outputs_are_compared(
    measurer: PhoneMeasurer, network: Path, stand_in: StandIn
) -> None:
    cores = measurer.usable_cpus()
    measured = measurer.measure(
        network,
        settings(PADDLELITE, time_budget_ms=200, cores=tuple(cores)[:1]),
        Cancellation(),
        reference=network.with_suffix(".outputs"),
    )
    repetition = measured.repetition
    assert measured.runtime.version == "v2.12"
    assert measured.affinity == tuple(cores)[:1]
    assert repetition.averaged is not None
    assert repetition.averaged.run_count > 1
    assert repetition.averaged.shortest_ns <= repetition.latency_ns[0]
    assert repetition.peak_rss_bytes > repetition.baseline_rss_bytes > 0
    assert repetition.before is not None
    assert repetition.before.battery is not None or repetition.before.temperatures
    check = repetition.output_check
    assert check is not None
    assert check.input_count == 4
    assert check.max_relative_difference is not None
    assert check.max_relative_difference < 1e-5
    _, reasons = verdict(latency_figures([repetition]), [repetition], 0.5)
    assert ReasonCode.MEANS_ONLY in {each.code for each in reasons}
    assert stand_in.phone.run(IS_RUNNING).code


def test_wrong_outputs_of_benchmark_bin_are_found(
    measurer: PhoneMeasurer, network: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.nb"
    other.write_text("1.5\n")
    reference = network.with_suffix(".outputs")
    wanted = settings(PADDLELITE, time_budget_ms=100)
    measured = measurer.measure(other, wanted, Cancellation(), reference=reference)
    assert measured.repetition.output_check is not None
    assert measured.repetition.output_check.max_relative_difference == pytest.approx(0.5, 0.01)


def test_perf_test_tells_each_inference_and_that_nobody_compared_its_outputs(
    measurer: PhoneMeasurer, network: Path, tmp_path: Path
) -> None:
    measured = measurer.measure(
        onnx_file(tmp_path),
        settings(ONNXRUNTIME, time_budget_ms=500),
        Cancellation(),
        reference=network.with_suffix(".outputs"),
    )
    repetition = measured.repetition
    assert repetition.averaged is None
    # As many as the one before them takes of the time, which a busy machine makes longer.
    assert len(repetition.latency_ns) > 1
    assert len(set(repetition.latency_ns)) > 1
    assert len(repetition.warmup_ns) >= 3
    assert repetition.load_ns > 0
    assert repetition.peak_rss_bytes > repetition.baseline_rss_bytes > 0
    assert repetition.stop_reason is StopReason.TIME_BUDGET
    assert repetition.output_check is None
    assert [each.code for each in unchecked([repetition])] == [ReasonCode.OUTPUTS_UNCHECKED]


@pytest.mark.parametrize(
    ("runtime", "asked"),
    [
        (PADDLELITE, {"flush_denormals": True}),
        (ONNXRUNTIME, {"paced_fps": 30.0}),
        (
            ONNXRUNTIME,
            {"onnxruntime": OnnxRuntimeOptions(execution_provider="NnapiExecutionProvider")},
        ),
    ],
)
def test_what_a_program_cannot_do_is_refused(
    measurer: PhoneMeasurer, tmp_path: Path, runtime: Runtime, asked: Mapping[str, object]
) -> None:
    wanted = settings(runtime, **asked)  # type: ignore[arg-type]
    with pytest.raises(MeasuringFailed) as failed:
        measurer.measure(onnx_file(tmp_path), wanted, Cancellation())
    assert failed.value.failure.code is ReasonCode.RUNTIME_ERROR


def test_a_program_that_dies_is_told_with_its_signal_and_its_words(
    measurer: PhoneMeasurer, tmp_path: Path
) -> None:
    broken = onnx_file(tmp_path)
    with pytest.raises(MeasuringFailed) as lite:
        measurer.measure(broken, settings(PADDLELITE), Cancellation())
    assert f"{NAME} died by SIGABRT" in str(lite.value)
    assert "cannot load the model" in str(lite.value)
    broken.write_bytes(b"no network")
    with pytest.raises(MeasuringFailed) as ort:
        measurer.measure(broken, settings(ONNXRUNTIME), Cancellation())
    assert "onnxruntime_perf_test exited with code 255" in str(ort.value)
    assert "Protobuf parsing failed" in str(ort.value)
    assert {lite.value.failure.code, ort.value.failure.code} == {ReasonCode.RUNTIME_ERROR}


def test_a_program_that_takes_too_long_ends_on_the_phone_too(
    measurer: PhoneMeasurer, tmp_path: Path, stand_in: StandIn
) -> None:
    endless = tmp_path / "endless.nb"
    endless.write_text("-1\n")
    impatient = replace(measurer, start_allowance_s=2.0)
    wanted = settings(PADDLELITE, time_budget_ms=100)
    with pytest.raises(MeasuringFailed) as failed:
        impatient.measure(endless, wanted, Cancellation())
    assert failed.value.failure.code is ReasonCode.TIMED_OUT
    # It ends with its connection, of whose end the phone hears a moment later.
    await_that(lambda: stand_in.phone.run(IS_RUNNING).code != 0, "it still runs")


@dataclass
class Unheard(Phone):
    """Whose shells miss the signal that their connection ends, which it does in the midst."""

    def start(self, command: str, patience_s: float = 20.0) -> Shell:
        deaf = f"trap '' HUP; exec sh -c {shlex.quote(command)}"
        with super().start(deaf, patience_s) as shell:
            heard = Phone(self.server, self.serial)
            await_that(lambda: heard.run(HAS_BEGUN).code == 0, "it does not run")
        return shell


def test_a_program_ends_though_its_shell_misses_the_signal(
    measurer: PhoneMeasurer, tmp_path: Path, stand_in: StandIn
) -> None:
    endless = tmp_path / "endless.nb"
    endless.write_text("-1\n")
    brought = stand_in.phone.bring(endless)
    running = PhoneRunning(
        phone=Unheard(stand_in.server, SERIAL),
        place=measurer.on_phone(measurer.kit.programs[PADDLELITE]),
        memory_limit_bytes=0,
        cores=(),
    )
    with pytest.raises(PhoneAway):
        running.run((f"--optimized_model_file={brought}", f"--input_data_path={brought}"))
    await_that(lambda: stand_in.phone.run(IS_RUNNING).code != 0, "it still runs")


def test_a_phone_that_is_gone_gives_the_job_back(measurer: PhoneMeasurer, network: Path) -> None:
    gone = replace(measurer.phone, server=AdbServer("/nonexistent", None))
    measurer = replace(measurer, phone=gone, losses=Losses(phone=gone))
    with pytest.raises(DeviceAway):
        measurer.measure(network, settings(PADDLELITE), Cancellation())


def test_programs_that_do_not_fit_are_refused_in_a_sentence(
    programs: Mapping[Runtime, Path], tmp_path: Path
) -> None:
    machine = platform.machine()
    with pytest.raises(KitUnfit, match="--onnxruntime-perf-test"):
        find_kit(None, machine, {ONNXRUNTIME: tmp_path})
    with pytest.raises(KitUnfit, match="--paddlelite-bin"):
        find_kit(None, machine, {PADDLELITE: tmp_path / "benchmark_bin"})
    with pytest.raises(KitUnfit, match="and this phone takes armv7l"):
        find_kit(None, "armv7l", {PADDLELITE: programs[PADDLELITE]})
    # For another processor, as its header says.
    content = bytearray(programs[PADDLELITE].read_bytes())
    struct.pack_into("<H", content, 18, 183 if machine == "x86_64" else 62)
    (tmp_path / "benchmark_bin").write_bytes(content)
    with pytest.raises(KitUnfit, match=f"and this phone takes {machine}"):
        find_kit(None, machine, {PADDLELITE: tmp_path})
    (tmp_path / "benchmark_bin").write_text("#!/bin/sh\n")
    with pytest.raises(KitUnfit, match="cannot be read as a program"):
        find_kit(None, machine, {PADDLELITE: tmp_path})


def test_a_program_comes_before_the_runner_of_its_runtime(
    programs: Mapping[Runtime, Path], kit_folder: Path
) -> None:
    both = find_kit(kit_folder, platform.machine(), programs)
    # What is not needed is not brought.
    assert both.runner is None
    assert set(both.programs) == {PADDLELITE, ONNXRUNTIME}


def test_a_tensor_is_what_onnx_reads(tmp_path: Path) -> None:
    images = make_inputs(takes("tiny"), 1).images
    write_tensor(images, tmp_path / "input_0.pb")
    read = onnx.load_tensor(tmp_path / "input_0.pb")
    assert (onnx.numpy_helper.to_array(read) == images).all()
