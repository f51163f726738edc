"""What phones print, read into files that the device's readers know."""

from hypothesis import given
from hypothesis import strategies as st

from agent.bridge.told import (
    RUNNER,
    battery_files,
    files_of_lines,
    properties_file,
    property_of,
    thermal_files,
)


def test_lines_of_many_files_are_those_of_each() -> None:
    printed = (
        "/proc/stat:cpu  1 2 3 4 5 6 7 8\n/proc/stat:procs_running 2\n"
        "/proc/4711/task/4712/stat:4712 (a: b) R 1\n/sys/class/x/name:a:b\nnonsense\n"
        "/proc/../etc/shadow:x\n/proc/a\0b:x\n/root/.ssh/authorized_keys:x\n"
    )
    assert files_of_lines(printed) == {
        "proc/stat": "cpu  1 2 3 4 5 6 7 8\nprocs_running 2\n",
        f"{RUNNER}/task/4712/stat": "4712 (a: b) R 1\n",
        "sys/class/x/name": "a:b\n",
    }


@given(st.text())
def test_no_text_leads_out_of_the_folder(text: str) -> None:
    assert all(not path.startswith("/") and ".." not in path for path in files_of_lines(text))
    assert battery_files(text) == {}
    assert thermal_files(text) == {}


def test_properties_are_found_by_name() -> None:
    files = {"system/build.prop": properties_file("[ro.a]: [x y]\n[ro.b]: []\nnoise\n")}
    assert property_of(files, "ro.a") == "x y"
    assert property_of(files, "ro.b") == ""
    assert property_of(files, "ro.c") == ""


def test_a_battery_that_is_not_there_is_none() -> None:
    assert battery_files("  present: false\n  level: 0\n") == {}
    assert battery_files("  present: true\n  level: 50\n  status: 2\n") == {
        "sys/class/power_supply/battery/type": "Battery\n",
        "sys/class/power_supply/battery/capacity": "50\n",
        "sys/class/power_supply/battery/status": "Charging\n",
    }


def test_temperatures_are_those_of_now_and_not_those_kept() -> None:
    dumped = (
        "Cached temperatures:\n\tTemperature{mValue=99.0, mType=0, mName=old, mStatus=0}\n"
        "Current temperatures from HAL:\n\tTemperature{mValue=31.25, mType=0, mName=BIG, "
        "mStatus=0}\nTemperature static thresholds from HAL:\n"
        "\tTemperatureThreshold{mType=0, mName=BIG}\n"
    )
    assert thermal_files(dumped) == {
        "sys/class/thermal/thermal_zone0/type": "BIG\n",
        "sys/class/thermal/thermal_zone0/temp": "31250\n",
    }
