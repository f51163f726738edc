"""Boards that there are, and what one says of itself."""

from dataclasses import replace
from typing import Final

from controller.server.deploying.board import Board, Python, Service

RASPBERRY_PI: Final = Board(
    system="Linux",
    machine="aarch64",
    user_bits=64,
    glibc=(2, 36),
    is_musl=False,
    pythons=(Python((3, 11), 64, True, True, "/usr/bin/python3"),),
    free_bytes=20_000_000_000,
    clock_ahead_s=1,
    service=Service.USER,
    base="/home/pi/.edgerank",
    home="/home/pi",
    hostname="raspberrypi",
)
PRINTED: Final = """\
Welcome to the board!
service=user
base=/home/pi/.edgerank
home=/home/pi
system=Linux
machine=aarch64
hostname=raspberrypi
unix_s=1700000001
glibc=glibc 2.36
user_bits=64
free_kib=19531250
python=3.11 64 venv /usr/bin/python3
"""

ROOTED: Final = replace(
    RASPBERRY_PI, service=Service.SYSTEM, base="/opt/edgerank-agent", home="/root"
)
PLAIN: Final = replace(RASPBERRY_PI, service=Service.SCRIPT)
