"""What `onnxruntime_perf_test` writes: a line for each inference, and a page.

The file has, for each inference, the model's folder, seconds, the process's largest resident set in
bytes, the percentage of processor time, and a number that counts up. See DumpToFile and Run in
onnxruntime/test/perftest/performance_runner.cc, 1.16 to 1.24.
"""

import re
from typing import Final

from agent.child.programs.repeating import Unreadable

_NS_PER_S: Final = 1_000_000_000
_NUMBER: Final = r"([0-9]{1,6}(?:\.[0-9]{1,12})?(?:e-?[0-9]{1,2})?)"
_LINE: Final = re.compile(rf"^[^,\n]*,{_NUMBER},([0-9]{{1,15}}),-?[0-9]{{1,6}},([0-9]{{1,9}})$")
# Before 1.16 without the blank.
_SESSION: Final = re.compile(rf"^Session creation time cost: ?{_NUMBER} s", re.MULTILINE)
_USAGE: Final = re.compile(r"perf_test \[options\.\.\.\] model_path \[result_file\]")


def read_times(text: str, count: int) -> tuple[tuple[int, ...], int]:
    """The times of all inferences in their order, ns, and the most memory, bytes.

    Args:
        text: the file that it wrote; statistics may come behind.
        count: how many inferences were asked for.

    Raises:
        Unreadable: it is another file, or not of so many.
    """
    lines = [found for line in text.splitlines() if (found := _LINE.match(line))]
    if len(lines) != count or [int(line[3]) for line in lines] != list(range(count)):
        raise Unreadable(f"it wrote no times of {count} inferences as onnxruntime_perf_test does")
    times_ns = tuple(round(float(line[1]) * _NS_PER_S) for line in lines)
    if min(times_ns) <= 0:
        raise Unreadable("its times are of no clock: an inference took none")
    return times_ns, int(lines[0][2])


def read_load_ns(page: str) -> int:
    """How long making the session took, ns.

    Raises:
        Unreadable: it is not told.
    """
    found = _SESSION.search(page)
    if found is None:
        raise Unreadable("it did not tell what making the session took")
    return round(float(found[1]) * _NS_PER_S)


def is_usage(page: str) -> bool:
    """Whether it is what the program says of how it is used."""
    return _USAGE.search(page) is not None
