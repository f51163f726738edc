"""Writes the files of /proc, /sys and /etc as real devices have them."""

from collections.abc import Mapping
from pathlib import Path

from agent.device_state import Roots

PHONE = {
    "proc/cpuinfo": """\
processor\t: 0
BogoMIPS\t: 38.40
Features\t: fp asimd evtstrm aes crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
CPU implementer\t: 0x51
CPU architecture: 8

processor\t: 1
BogoMIPS\t: 38.40
Features\t: fp asimd evtstrm aes crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
CPU implementer\t: 0x51

Hardware\t: Qualcomm Technologies, Inc SM8150
""",
    "proc/meminfo": "MemTotal:        5687512 kB\nMemFree:          312344 kB\n",
    "proc/loadavg": "3.42 3.10 2.95 2/3312 20571\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "schedutil\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1785600\n",
    "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "performance\n",
    # A core that is off line.
    "sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq": "0\n",
    "sys/devices/system/cpu/cpu10/cpufreq/scaling_cur_freq": "2841600\n",
    "sys/devices/system/cpu/cpuidle/current_driver": "none\n",
    "sys/class/thermal/thermal_zone0/type": "cpu-0-0-usr\n",
    "sys/class/thermal/thermal_zone0/temp": "41300\n",
    # Sensors that lie: off, broken, without the unit that the kernel promises.
    "sys/class/thermal/thermal_zone1/type": "modem\n",
    "sys/class/thermal/thermal_zone1/temp": "-274000\n",
    "sys/class/thermal/thermal_zone2/type": "camera\n",
    "sys/class/thermal/thermal_zone2/temp": "0\n",
    "sys/class/thermal/thermal_zone3/type": "battery\n",
    "sys/class/thermal/thermal_zone3/temp": "38\n",
    "sys/class/thermal/thermal_zone4/type": "skin\n",
    "sys/class/thermal/thermal_zone4/temp": "many\n",
    "sys/class/thermal/thermal_zone10/type": "cpu-0-0-usr\n",
    "sys/class/thermal/thermal_zone10/temp": "-2500\n",
}

RASPBERRY_PI = {
    "proc/cpuinfo": """\
processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU part\t: 0xd08

Revision\t: c03111
Serial\t\t: 100000001234abcd
Model\t\t: Raspberry Pi 4 Model B Rev 1.1
""",
    "proc/meminfo": "MemTotal:        3884360 kB\n",
    "proc/loadavg": "0.00 0.01 0.05 1/150 900\n",
    "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n',
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1500000\n",
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "sys/class/thermal/thermal_zone0/temp": "48686\n",
}

PC = {
    "proc/cpuinfo": """\
processor\t: 0
vendor_id\t: GenuineIntel
model name\t: Intel(R) Core(TM) i7-8550U CPU @ 1.80GHz
flags\t\t: fpu vme sse sse2 sse4_1 sse4_2 avx f16c fma avx2 smep
processor\t: 1
model name\t: Intel(R) Core(TM) i7-8550U CPU @ 1.80GHz
flags\t\t: fpu vme sse sse2 sse4_1 sse4_2 avx f16c fma avx2 smep
""",
    "proc/meminfo": "MemTotal:       16273768 kB\n",
    "etc/os-release": "PRETTY_NAME='Arch Linux'\n",
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
    return Roots(proc=root / "proc", sys=root / "sys", etc=root / "etc")
