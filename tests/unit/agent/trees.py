"""The files of /proc, /sys and their like, in the shape that real devices have them."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from agent.device.kernel_files import Roots

CPU = "sys/devices/system/cpu"


def cores(
    numbers: Iterable[int], maximum_khz: int, capacity: int | None = None, **now: str
) -> dict[str, str]:
    """The files of cores that are alike; `now` has those of cpufreq at the moment."""
    files = {}
    for number in numbers:
        folder = f"{CPU}/cpu{number}"
        files[f"{folder}/cpufreq/cpuinfo_max_freq"] = f"{maximum_khz}\n"
        files |= {f"{folder}/cpufreq/{name}": f"{value}\n" for name, value in now.items()}
        if capacity is not None:
            files[f"{folder}/cpu_capacity"] = f"{capacity}\n"
    return files


def cache(number: int, index: int, sharers: str, **told: str) -> dict[str, str]:
    """The files of one cache as one of its cores sees it."""
    folder = f"{CPU}/cpu{number}/cache/index{index}"
    told["shared_cpu_list"] = sharers
    return {f"{folder}/{name}": f"{value}\n" for name, value in told.items()}


_SNAPDRAGON_CORE = """\
processor\t: {number}
BogoMIPS\t: 38.40
Features\t: fp asimd evtstrm aes crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
CPU implementer\t: 0x51
CPU architecture: 8

"""

# Apps may read neither /proc/stat nor /proc/loadavg there; zones have the names of their drivers.
PHONE = {
    "proc/cpuinfo": "".join(_SNAPDRAGON_CORE.format(number=number) for number in range(8))
    + "Hardware\t: Qualcomm Technologies, Inc SM8150\n",
    "proc/meminfo": "MemTotal:        5687512 kB\nMemFree:          312344 kB\n",
    "proc/device-tree/model": "Qualcomm Technologies, Inc. SM8150 V2 PM8150 MTP\0",
    "system/build.prop": """\
# begin build properties
ro.build.version.release=12
ro.build.version.sdk=31
ro.product.manufacturer=Xiaomi
ro.product.model=Mi 9T Pro
ro.serialno=1a2b3c4d
import /vendor/default.prop
""",
    "vendor/build.prop": "ro.board.platform=msmnile\n",
    "sys/devices/soc0/soc_id": "339\n",
    "sys/devices/soc0/machine": "SM8150\n",
    **cores(range(4), 1_785_600, 261, scaling_governor="schedutil", scaling_cur_freq="1785600"),
    **cores(range(4, 7), 2_419_200, 871, scaling_governor="schedutil", scaling_cur_freq="710400"),
    **cores([7], 2_841_600, 1_024, scaling_governor="schedutil", scaling_cur_freq="2841600"),
    f"{CPU}/cpuidle/current_driver": "none\n",
    "sys/class/thermal/thermal_zone0/type": "cpu-0-0-usr\n",
    "sys/class/thermal/thermal_zone0/temp": "41300\n",
    "sys/class/thermal/thermal_zone0/trip_point_0_type": "passive\n",
    "sys/class/thermal/thermal_zone0/trip_point_0_temp": "75000\n",
    "sys/class/thermal/thermal_zone0/trip_point_1_type": "passive\n",
    "sys/class/thermal/thermal_zone0/trip_point_1_temp": "95000\n",
    "sys/class/thermal/thermal_zone0/trip_point_2_type": "critical\n",
    "sys/class/thermal/thermal_zone0/trip_point_2_temp": "115000\n",
    # Sensors that lie: off, broken, without the unit that the kernel promises.
    "sys/class/thermal/thermal_zone1/type": "modem\n",
    "sys/class/thermal/thermal_zone1/temp": "-274000\n",
    "sys/class/thermal/thermal_zone2/type": "camera\n",
    "sys/class/thermal/thermal_zone2/temp": "0\n",
    "sys/class/thermal/thermal_zone3/type": "pm8150_tz\n",
    "sys/class/thermal/thermal_zone3/temp": "38\n",
    "sys/class/thermal/thermal_zone4/type": "skin-therm\n",
    "sys/class/thermal/thermal_zone4/temp": "many\n",
    "sys/class/thermal/thermal_zone5/type": "xo-therm-adc\n",
    "sys/class/thermal/thermal_zone5/temp": "1000000000\n",
    "sys/class/thermal/thermal_zone10/type": "cpu-0-0-usr\n",
    "sys/class/thermal/thermal_zone10/temp": "-2500\n",
    "sys/class/thermal/cooling_device0/type": "thermal-cpufreq-0\n",
    "sys/class/thermal/cooling_device0/cur_state": "0\n",
    "sys/class/thermal/cooling_device0/max_state": "17\n",
    "sys/class/thermal/cooling_device1/type": "thermal-cpufreq-2\n",
    "sys/class/thermal/cooling_device1/cur_state": "3\n",
    "sys/class/thermal/cooling_device1/max_state": "19\n",
    "sys/class/thermal/cooling_device2/type": "battery\n",
    "sys/class/thermal/cooling_device2/cur_state": "2\n",
    "sys/class/thermal/cooling_device2/max_state": "6\n",
    "sys/class/power_supply/battery/type": "Battery\n",
    "sys/class/power_supply/battery/capacity": "83\n",
    "sys/class/power_supply/battery/status": "Discharging\n",
    # Of the sign, no two drivers think alike.
    "sys/class/power_supply/battery/current_now": "-512000\n",
    "sys/class/power_supply/battery/voltage_now": "4000000\n",
    "sys/class/power_supply/usb/type": "USB\n",
}

PI_4 = "Raspberry Pi 4 Model B Rev 1.1"
RASPBERRY_PI = {
    "proc/cpuinfo": f"""\
processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU part\t: 0xd08

Revision\t: c03111
Serial\t\t: 100000001234abcd
Model\t\t: {PI_4}
""",
    "proc/meminfo": "MemTotal:        3884360 kB\n",
    "proc/loadavg": "0.00 0.01 0.05 1/150 900\n",
    "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n',
    "proc/device-tree/model": f"{PI_4}\0",
    "proc/device-tree/compatible": "raspberrypi,4-model-b\0brcm,bcm2711\0",
    **cores(range(4), 1_500_000, 1_024, scaling_governor="ondemand", scaling_cur_freq="1500000"),
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "sys/class/thermal/thermal_zone0/temp": "48686\n",
    "sys/class/hwmon/hwmon0/name": "cpu_thermal\n",
    "sys/class/hwmon/hwmon0/temp1_input": "48686\n",
    "sys/class/hwmon/hwmon1/name": "rpi_volt\n",
    "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "0\n",
    # The frequency is capped now, and was throttled before.
    "sys/devices/platform/soc/soc:firmware/get_throttled": "60002\n",
}

CORE_I7 = "Intel(R) Core(TM) i7-8550U CPU @ 1.80GHz"
PC = {
    "proc/cpuinfo": f"""\
processor\t: 0
vendor_id\t: GenuineIntel
model name\t: {CORE_I7}
flags\t\t: fpu vme sse sse2 sse4_1 sse4_2 avx f16c fma avx2 smep
processor\t: 1
model name\t: {CORE_I7}
flags\t\t: fpu vme sse sse2 sse4_1 sse4_2 avx f16c fma avx2 smep
""",
    "proc/meminfo": "MemTotal:       16273768 kB\n",
    "proc/loadavg": "0.50 0.40 0.30 1/900 4000\n",
    "etc/os-release": "PRETTY_NAME='Arch Linux'\n",
    "sys/class/dmi/id/sys_vendor": "Dell Inc.\n",
    "sys/class/dmi/id/product_name": "XPS 13 9370\n",
    f"{CPU}/cpu0/thermal_throttle/core_throttle_count": "17\n",
    f"{CPU}/cpu0/thermal_throttle/package_throttle_count": "123\n",
    f"{CPU}/cpu1/thermal_throttle/core_throttle_count": "4\n",
    f"{CPU}/cpu1/thermal_throttle/package_throttle_count": "123\n",
    "sys/class/powercap/intel-rapl:0/name": "package-0\n",
    "sys/class/powercap/intel-rapl:0/energy_uj": "63241878945\n",
    "sys/class/powercap/intel-rapl/enabled": "1\n",
    "sys/class/hwmon/hwmon3/name": "coretemp\n",
    "sys/class/hwmon/hwmon3/temp1_label": "Package id 0\n",
    "sys/class/hwmon/hwmon3/temp1_input": "57000\n",
    "sys/class/hwmon/hwmon3/temp1_crit": "100000\n",
    "sys/class/hwmon/hwmon3/temp2_input": "200000\n",
    # Reading this one would wake the disk.
    "sys/class/hwmon/hwmon4/name": "nvme\n",
    "sys/class/hwmon/hwmon4/temp1_input": "38850\n",
    "sys/class/hwmon/hwmon5/name": "amdgpu\n",
    "sys/class/hwmon/hwmon5/power1_average": "7012000\n",
    "sys/class/power_supply/AC/type": "Mains\n",
    "sys/class/power_supply/BAT0/type": "Battery\n",
    "sys/class/power_supply/BAT0/capacity": "97\n",
    "sys/class/power_supply/BAT0/status": "Charging\n",
    "sys/class/power_supply/BAT0/power_now": "4000000\n",
    "sys/class/power_supply/hidpp_battery_0/type": "Battery\n",
    "sys/class/power_supply/hidpp_battery_0/scope": "Device\n",
    "sys/class/power_supply/hidpp_battery_0/capacity": "5\n",
    **cores(range(2), 4_000_000, scaling_governor="powersave", scaling_cur_freq="3700000"),
    **cache(0, 0, "0-1", level="1", type="Data", size="32K"),
    **cache(1, 0, "0-1", level="1", type="Data", size="32K"),
    **cache(0, 3, "0-1", level="3", type="Unified", size="8192K"),
    **cache(1, 3, "0-1", level="3", type="Unified", size="8192K"),
}

BOARD_WITH_A_DEVICE_TREE = {
    "proc/cpuinfo": "processor\t: 0\nFeatures\t: fp asimd i8mm bf16 sve2\n",
    "sys/firmware/devicetree/base/model": "Radxa ROCK 5B\0",
}


def plant(root: Path, files: Mapping[str, str]) -> Roots:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return Roots(top=root)
