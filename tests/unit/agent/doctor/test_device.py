"""An examination says what of the device is wrong: its runtimes, its clocks, its sensors."""

from dataclasses import replace

import pytest

from agent.doctor.device import governor_found, runtimes_found, temperatures_found
from agent.measuring.supervision import MeasuringFailed
from protos.checks import CheckOutcome
from protos.device import CpuClock, Temperature
from protos.reasons import ReasonCode
from protos.runtimes import Runtime, RuntimeInfo

ORT = RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version="1.23.2")
LITE = RuntimeInfo(runtime=Runtime.PADDLELITE, version="2.13rc0")


def test_a_runtime_that_loads_is_told_with_what_it_computes_with() -> None:
    described = replace(ORT, execution_providers=("CPUExecutionProvider",))
    [found] = runtimes_found([ORT], lambda _: described)
    assert found.outcome is CheckOutcome.OK
    assert "CPUExecutionProvider" in found.found


def test_a_runtime_that_crashes_is_told_with_its_last_words() -> None:
    def describe(runtime: RuntimeInfo) -> RuntimeInfo:
        if runtime is LITE:
            raise MeasuringFailed(ReasonCode.CRASHED, "its last words: Illegal instruction")
        return runtime

    fine, broken = runtimes_found([ORT, LITE], describe)
    assert (fine.outcome, broken.outcome) == (CheckOutcome.OK, CheckOutcome.FAILED)
    assert "Illegal instruction" in broken.found
    assert "paddlelite" in broken.advice


def test_a_device_without_a_runtime_is_told_what_to_install() -> None:
    [found] = runtimes_found([], lambda runtime: runtime)
    assert found.outcome is CheckOutcome.FAILED
    assert "pip install" in found.advice


@pytest.mark.parametrize(
    ("governors", "outcome"),
    [
        (("performance", "performance"), CheckOutcome.OK),
        (("performance", "schedutil"), CheckOutcome.WARNING),
        (("powersave",), CheckOutcome.WARNING),
        ((None,), CheckOutcome.WARNING),
        ((), CheckOutcome.WARNING),
    ],
)
def test_a_governor_that_changes_the_frequency_is_told(
    governors: tuple[str | None, ...], outcome: CheckOutcome
) -> None:
    clocks = [CpuClock(cpu=cpu, governor=name) for cpu, name in enumerate(governors)]
    found = governor_found(clocks)
    assert found.outcome is outcome
    assert bool(found.advice) == (outcome is not CheckOutcome.OK)


def test_a_device_whose_processor_has_no_sensor_is_told() -> None:
    battery = Temperature(zone="thermal_zone1:battery", celsius=31)
    assert temperatures_found(48.2, [battery]).outcome is CheckOutcome.OK
    found = temperatures_found(None, [battery])
    assert found.outcome is CheckOutcome.WARNING
    assert battery.zone in found.found
