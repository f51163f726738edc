"""A phone's shell, files and runner, by the real adb, adbd and shell of Android."""

import gzip
import hashlib
import os
import platform
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from agent.bridge.adb.server import AdbServer, NoAdbServer, PhoneAway
from agent.bridge.holding import Holding, Screen
from agent.bridge.kit import KitUnfit, find_kit
from agent.bridge.looking import look_at, memory_limit_bytes, runtimes_of
from agent.bridge.losses import MOST_LOSSES, Losses
from agent.bridge.measuring import PhoneMeasurer
from agent.bridge.mirror import Mirror
from agent.bridge.phone import PhoneFull
from agent.child.operator_profile import read_operator_times
from agent.device.profile import read_device_profile
from agent.device.state import read_device_state
from agent.measuring import measurer as measuring
from agent.measuring.gate_watch import GateWatch
from agent.measuring.supervision import Cancellation, DeviceAway, MeasuringFailed
from protos.measuring import StopReason
from protos.reasons import ReasonCode
from protos.runtimes import Runtime
from tests.integration.agent.networks import settings
from tests.integration.bridge.standing_in import NAME, SERIAL, StandIn, await_that

_CRASH = "kill -SEGV $(pidof edgerank-runner)"


@pytest.fixture(scope="module")
def measurer(
    stand_in: StandIn, kit_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> PhoneMeasurer:
    tmp_path = tmp_path_factory.mktemp("bridge")
    phone = stand_in.phone
    mirror = Mirror(phone, tmp_path / "mirror")
    look = look_at(phone, mirror, kit_folder)
    assert look.name == NAME
    measurer = PhoneMeasurer(
        runtimes=(),
        roots=mirror.roots,
        gate_watch=GateWatch(roots=mirror.roots),
        usable_cpus=lambda: look.host.usable_cpus,
        memory_limit_bytes=lambda: memory_limit_bytes(mirror.roots),
        phone=phone,
        kit=look.kit,
        folder=tmp_path,
        losses=Losses(phone=phone),
        holding=Holding(phone=phone, screen=Screen.OFF),
    )
    measurer.runtimes = runtimes_of(measurer, tmp_path)
    return measurer


def test_a_command_has_its_words_and_its_exit_code(stand_in: StandIn) -> None:
    ran = stand_in.phone.run("echo out; echo err >&2; exit 7")
    assert (ran.code, ran.output, ran.errors) == (7, b"out\n", b"err\n")
    # Of a command that dies by a signal, Android's shell tells it so.
    assert stand_in.phone.run("kill -SEGV $$").code == 139


def test_a_profile_and_a_state_are_read_through_the_shell(
    stand_in: StandIn, kit_folder: Path, tmp_path: Path
) -> None:
    mirror = Mirror(stand_in.phone, tmp_path / "mirror")
    look = look_at(stand_in.phone, mirror, kit_folder)
    profile = read_device_profile(mirror.roots, look.host, ())
    assert (profile.board, profile.soc) == ("Google Pixel 6", "Google Tensor")
    assert profile.architecture == platform.machine()
    assert profile.operating_system == "Android 14"
    assert profile.android_properties["ro.build.version.sdk"] == "34"
    assert profile.memory_bytes > 0
    assert profile.usable_cpus
    mirror.refresh()
    state = read_device_state(mirror.roots, lambda: 1)
    assert state.load_average is not None
    # This machine may have either of its own; a phone that shows none tells it through Android.
    if not list(Path("/sys/class/power_supply").glob("*/capacity")):
        assert state.battery is not None
        assert (state.battery.charge_percent, state.battery.status) == (87, "Discharging")
    if not list(Path("/sys/class/thermal").glob("thermal_zone*/temp")):
        assert [(each.zone, each.celsius) for each in state.temperatures] == [
            ("thermal_zone0:cpu-0", 41.5),
            ("thermal_zone1:battery", 29.1),
        ]


def test_a_file_is_sent_once_gone_on_with_and_checked(stand_in: StandIn, tmp_path: Path) -> None:
    content = bytes(range(256)) * 20_000
    file = tmp_path / "file"
    file.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    kept = stand_in.data / "local/tmp/edgerank/artifacts"
    kept.mkdir(parents=True, exist_ok=True)
    # As a cut connection leaves it.
    (kept / f"{sha256}.part").write_bytes(content[:3_000_000])
    place = stand_in.phone.bring(file)
    assert (kept / place.name).read_bytes() == content
    inode = (kept / place.name).stat().st_ino
    assert stand_in.phone.bring(file) == place
    assert (kept / place.name).stat().st_ino == inode
    # What rotted on the phone is sent anew.
    (kept / place.name).write_bytes(b"rotten")
    stand_in.phone.bring(file)
    assert (kept / place.name).read_bytes() == content


def test_artifacts_used_longest_ago_make_room(stand_in: StandIn, tmp_path: Path) -> None:
    phone = stand_in.phone
    kept = stand_in.data / "local/tmp/edgerank/artifacts"
    places = []
    for number in range(3):
        # Of files that others have left there, nothing is asked.
        phone.limit_bytes = 2_500_000 if number else 4_000_000_000
        file = tmp_path / str(number)
        file.write_bytes(bytes([number]) * 1_000_000)
        places.append(phone.bring(file).name)
        for each in kept.iterdir():
            os.utime(each, (each.stat().st_mtime - 1_000,) * 2)
    assert [(kept / name).exists() for name in places] == [False, True, True]
    phone.spare_bytes = 1 << 60
    (tmp_path / "more").write_bytes(b"more")
    with pytest.raises(PhoneFull, match="there is no room on the phone"):
        phone.bring(tmp_path / "more")


def test_a_network_is_measured_by_the_runner_on_the_phone(
    measurer: PhoneMeasurer, network: Path, stand_in: StandIn
) -> None:
    (runtime,) = measurer.runtimes
    assert runtime.runtime is Runtime.ONNXRUNTIME
    assert runtime.execution_providers
    measured = measurer.measure(
        network,
        settings(Runtime.ONNXRUNTIME),
        Cancellation(),
        reference=network.with_suffix(".outputs"),
    )
    repetition = measured.repetition
    assert len(repetition.latency_ns) >= 30
    assert repetition.stop_reason is StopReason.PRECISE
    assert repetition.peak_rss_bytes > repetition.baseline_rss_bytes > 0
    assert repetition.output_check is not None
    assert repetition.output_check.input_count == 4
    assert repetition.before is not None
    assert repetition.after is not None
    assert bool(repetition.before.temperatures) is bool(repetition.after.temperatures)
    assert "input keyevent KEYCODE_SLEEP" in stand_in.calls()


def test_operators_are_timed_on_the_phone_and_the_trace_is_brought(
    measurer: PhoneMeasurer, network: Path, stand_in: StandIn
) -> None:
    wanted = replace(settings(Runtime.ONNXRUNTIME), profile_runs=5)
    profiled = measurer.profile(network, wanted, Cancellation())
    times = profiled.times
    assert {"Conv", "MatMul"} <= {each.operator for each in times.layers}
    unprofiled = (times.unprofiled_run_median_ns,)
    assert times == read_operator_times(gzip.decompress(profiled.trace_gzip), 5, unprofiled)
    assert not (stand_in.data / "local/tmp/edgerank/traces").exists()


def test_which_provider_ran_how_many_nodes_is_told_by_the_phone(
    measurer: PhoneMeasurer, network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The one that every build has runs all, for which nobody would ask.
    monkeypatch.setattr(measuring, "_delegates", lambda _: True)
    measured = measurer.measure(network, settings(Runtime.ONNXRUNTIME), Cancellation())
    (use,) = measured.repetition.providers
    assert use.provider == "CPUExecutionProvider"
    assert use.node_count > 0


def test_a_runner_that_dies_has_failed_and_its_phone_is_there(
    measurer: PhoneMeasurer, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no network")
    with pytest.raises(MeasuringFailed) as failed:
        measurer.measure(broken, settings(Runtime.ONNXRUNTIME), Cancellation())
    assert failed.value.failure.code is ReasonCode.RUNTIME_ERROR


def test_a_runner_that_crashes_is_told_by_its_signal(
    measurer: PhoneMeasurer, network: Path, stand_in: StandIn
) -> None:
    wanted = settings(Runtime.ONNXRUNTIME, relative_half_width=1e-6, time_budget_ms=600_000)
    with ThreadPoolExecutor(1) as pool:
        measured = pool.submit(measurer.measure, network, wanted, Cancellation())
        await_that(lambda: stand_in.phone.run(_CRASH).code == 0 or measured.done(), "none runs")
        with pytest.raises(MeasuringFailed, match="died by SIGSEGV") as failed:
            measured.result()
    assert failed.value.failure.code is ReasonCode.CRASHED


def test_a_phone_that_goes_gives_its_job_back_unless_that_brings_it_down(
    measurer: PhoneMeasurer, network: Path
) -> None:
    # Another server's address: to this side it went.
    gone = replace(measurer.phone, server=AdbServer("/nonexistent", None))
    measurer = replace(
        measurer,
        phone=gone,
        losses=Losses(phone=gone),
        holding=Holding(phone=gone, screen=Screen.OFF),
    )
    for _ in range(MOST_LOSSES - 1):
        with pytest.raises(DeviceAway, match=SERIAL):
            measurer.measure(network, settings(Runtime.ONNXRUNTIME), Cancellation())
    with pytest.raises(MeasuringFailed, match="times in a row"):
        measurer.measure(network, settings(Runtime.ONNXRUNTIME), Cancellation())


def test_what_does_not_fit_is_refused_in_a_sentence(stand_in: StandIn, kit_folder: Path) -> None:
    with pytest.raises(KitUnfit, match="and this phone takes armv7l: put the one"):
        find_kit(kit_folder, "armv7l")
    with pytest.raises(NoAdbServer, match="adb start-server"):
        AdbServer("127.0.0.1", 9).listed()
    with pytest.raises(PhoneAway, match="not found"):
        stand_in.server.features("0123456789")


def test_a_program_that_is_no_runner_of_ours_is_told(
    measurer: PhoneMeasurer, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    # A program of this machine, which has the phone's processor.
    (other / "edgerank-runner").write_bytes(Path("/bin/true").read_bytes())
    (library,) = measurer.kit.libraries.values()
    (other / library.name).write_bytes(library.read_bytes())
    measurer = replace(measurer, kit=find_kit(other, platform.machine()))
    with pytest.raises(KitUnfit, match=r"is no runner of this edgerank|does not run on the phone"):
        runtimes_of(measurer, tmp_path)
