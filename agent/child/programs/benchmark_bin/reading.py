"""What Paddle Lite's `benchmark_bin` prints, in versions 2.10 to 2.13.

Its text has sections that begin with a line like `======= Perf Info =======`. Times are in ms with
three decimals, of the system's clock.
"""

import re
from dataclasses import dataclass
from typing import Final

import numpy as np

from agent.child.programs.repeating import Unreadable
from agent.runtimes import InputArray
from protos.names import printable

_NS_PER_MS: Final = 1_000_000
_TIME: Final = re.compile(
    r"^(init|first|min|max|avg)\s*= ([0-9]{1,12}\.[0-9]{3})\s*$", re.MULTILINE
)
_VERSION: Final = re.compile(r"^benchmark_bin version: (\S{1,100})\s*$", re.MULTILINE)
# What gflags prints for --version: the program's name and what Paddle Lite calls itself.
_SAID: Final = re.compile(r"^\S*benchmark_bin version (\S{1,100})$", re.MULTILINE)
_SHAPE: Final = re.compile(r"^output shape\(NCHW\):(.*)$", re.MULTILINE)
_ELEMENT: Final = re.compile(r"^out\[(\d{1,3})\]\[\d{1,9}\]:(\S{1,40})$", re.MULTILINE)
_NAMES: Final = frozenset({"init", "first", "min", "max", "avg"})


@dataclass(frozen=True, kw_only=True)
class Told:
    """What one run of the program told.

    Attributes:
        version: of the Paddle Lite inside: a tag, or a commit.
        load_ns: making the predictor, ns.
        first_ns: the first inference, ns.
        shortest_ns: of those that count, ns.
        longest_ns: of those that count, ns.
        mean_ns: of those that count, ns.
    """

    version: str
    load_ns: int
    first_ns: int
    shortest_ns: int
    longest_ns: int
    mean_ns: int


def read_version(text: str) -> str:
    """Read what the program says when it is asked for its version: a tag, or a commit.

    Raises:
        Unreadable: it is another program.
    """
    said = _SAID.search(text)
    if said is None:
        raise Unreadable("it does not say its version as benchmark_bin does")
    return printable(said[1])


def read_times(text: str) -> Told:
    """Read the times of a run.

    Raises:
        Unreadable: they are not there, or cannot be of one clock.
    """
    times = {name: round(float(ms) * _NS_PER_MS) for name, ms in _TIME.findall(text)}
    version = _VERSION.search(text)
    if times.keys() != _NAMES or version is None:
        raise Unreadable("it printed no times as versions 2.10 to 2.13 do")
    told = Told(
        version=version[1],
        load_ns=times["init"],
        first_ns=times["first"],
        shortest_ns=times["min"],
        longest_ns=times["max"],
        mean_ns=times["avg"],
    )
    if not 0 < told.shortest_ns <= told.mean_ns <= told.longest_ns:
        raise Unreadable(
            "its times are of no clock: an inference took less than a microsecond, or the clock "
            "was set meanwhile"
        )
    return told


def read_outputs(text: str) -> list[InputArray]:
    """Read the outputs of the last inference, of a run that shows their elements.

    Raises:
        Unreadable: they are not there, or not of their shapes.
    """
    shapes = [tuple(map(int, re.findall(r"\d+", found))) for found in _SHAPE.findall(text)]
    elements: list[list[float]] = [[] for _ in shapes]
    try:
        for output, value in _ELEMENT.findall(text):
            elements[int(output)].append(float(value))
        arrays = [
            np.array(values, np.float32).reshape(shape)
            for values, shape in zip(elements, shapes, strict=True)
        ]
    except (ValueError, IndexError) as error:
        raise Unreadable("its outputs are not of their shapes") from error
    if not arrays:
        raise Unreadable("it showed no outputs")
    return arrays
