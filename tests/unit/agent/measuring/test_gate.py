"""A start waits for what the kernel tells to be in the way, and for nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.device.temperatures import processor_celsius
from agent.measuring.gate import RESTING_MARGIN_CELSIUS, obstacle
from protos.device import Battery, DeviceState, Temperature
from protos.measuring import StartGate
from protos.reasons import Reason, ReasonCode, reason

celsius = st.floats(-40, 150)
maybe = st.none() | celsius
gates = st.builds(
    StartGate,
    max_celsius=st.none() | st.floats(1, 120),
    max_load_by_others=st.none() | st.floats(0, 64),
    min_battery_percent=st.none() | st.integers(1, 100),
)


def state(
    hottest: float | None = None, charge: int | None = None, status: str = "Discharging"
) -> DeviceState:
    return DeviceState(
        taken_at_unix_ms=0,
        temperatures=() if hottest is None else (Temperature(zone="cpu-thermal", celsius=hottest),),
        battery=Battery(charge_percent=charge, status=status),
    )


def met(
    now: DeviceState, gate: StartGate, load: float | None = None, resting: float | None = None
) -> Reason | None:
    return obstacle(now, load, gate, resting)


def too_warm(celsius: float, limit_celsius: float) -> Reason:
    return reason(ReasonCode.PROCESSOR_WARM, celsius=celsius, limit_celsius=limit_celsius)


def test_a_hot_processor_is_in_the_way_and_told_with_its_limit() -> None:
    gate = StartGate(max_celsius=45)
    assert met(state(62), gate) == too_warm(62, 45)
    assert met(state(45), gate) == too_warm(45, 45)
    assert met(state(44.9), gate) is None


def test_where_it_is_hot_a_processor_starts_when_it_is_as_cool_as_it_can_be() -> None:
    gate = StartGate(max_celsius=45)
    assert met(state(52.9), gate, resting=50) is None
    assert met(state(53), gate, resting=50) == reason(
        ReasonCode.PROCESSOR_ABOVE_REST, celsius=53, limit_celsius=50 + RESTING_MARGIN_CELSIUS
    )
    # One that can be cooler than the limit need not be.
    assert met(state(44), gate, resting=20) is None
    assert met(state(45), gate, resting=20) == too_warm(45, 45)


def test_load_by_others_is_told_in_cores() -> None:
    gate = StartGate(max_load_by_others=0.5)
    assert met(state(), gate, load=1.2) == reason(
        ReasonCode.CORES_TAKEN, load_by_others=1.2, most=0.5
    )
    assert met(state(), gate, load=0.5) is None


@pytest.mark.parametrize("status", ["Charging", "Full", "Not charging", ""])
def test_a_low_battery_counts_only_while_it_is_drained(status: str) -> None:
    gate = StartGate(min_battery_percent=30)
    assert met(state(charge=29), gate) == reason(
        ReasonCode.BATTERY_LOW, charge_percent=29, least_percent=30
    )
    assert met(state(charge=30), gate) is None
    assert met(state(charge=29, status=status), gate) is None


@given(gate=gates, resting=maybe)
def test_what_the_kernel_does_not_tell_is_no_obstacle(
    gate: StartGate, resting: float | None
) -> None:
    assert obstacle(DeviceState(taken_at_unix_ms=0), None, gate, resting) is None
    assert met(state(status=""), gate, resting=resting) is None


@given(hottest=maybe, load=st.none() | st.floats(0, 64), charge=st.integers(0, 100), resting=maybe)
def test_without_conditions_everything_starts(
    hottest: float | None, load: float | None, charge: int, resting: float | None
) -> None:
    assert met(state(hottest, charge), StartGate(), load, resting) is None


@given(gate=gates, hottest=celsius, load=st.floats(0, 64), charge=st.integers(0, 100), at=celsius)
def test_a_gate_is_open_exactly_when_each_condition_holds(
    gate: StartGate, hottest: float, load: float, charge: int, at: float
) -> None:
    resting = min(at, hottest)
    holds = (
        gate.max_celsius is None
        or hottest < gate.max_celsius
        or hottest < resting + RESTING_MARGIN_CELSIUS,
        gate.max_load_by_others is None or load <= gate.max_load_by_others,
        gate.min_battery_percent is None or charge >= gate.min_battery_percent,
    )
    assert (met(state(hottest, charge), gate, load, resting) is None) == all(holds)


def zones(**celsius_by_kind: float) -> tuple[Temperature, ...]:
    return tuple(
        Temperature(zone=f"thermal_zone{at}:{kind.replace('_', '-')}", celsius=celsius)
        for at, (kind, celsius) in enumerate(celsius_by_kind.items())
    )


@pytest.mark.parametrize(
    ("told", "hottest"),
    [
        pytest.param(zones(cpu_thermal=48, gpu_thermal=51), 48, id="board"),
        pytest.param(zones(soc_thermal=55, bigcore0_thermal=57, npu_thermal=70), 57, id="rk3588"),
        pytest.param(zones(acpitz=60, x86_pkg_temp=44, iwlwifi_1=70), 44, id="pc"),
        pytest.param(zones(cpu_0_0_usr=41, battery=44, modem=80, skin_therm=39), 41, id="phone"),
        pytest.param(zones(BIG=50, MID=48, LITTLE=47, battery=60), 50, id="tensor"),
        pytest.param(zones(mtktscpu=52, mtktspmic=66), 52, id="mediatek"),
        # A state of charge is no chip.
        pytest.param(zones(soc=83, tsens_tz_sensor3=40), 40, id="qualcomm"),
        # Names that tell nothing: the hottest of what is not known for something else.
        pytest.param(zones(acpitz=40, SEN1=43, pch_skylake=70), 43, id="no processor named"),
        pytest.param(zones(battery=31, charger=35), None, id="nothing of a processor"),
        pytest.param((Temperature(zone="thermal_zone0", celsius=37),), 37, id="nameless"),
        pytest.param((Temperature(zone="hwmon2:k10temp:Tctl", celsius=38),), 38, id="amd"),
    ],
)
def test_the_zones_that_tell_of_the_processor_are_chosen_by_name(
    told: tuple[Temperature, ...], hottest: float | None
) -> None:
    assert processor_celsius(told) == hottest
    assert processor_celsius(told[::-1]) == hottest
