"""Whether what a native runner would load on this device loads, before an agent measures with it.

`python -m agent.measuring.native.loading RUNNER` ends with 0 where it does; what does not is told.
"""

import sys
from pathlib import Path

from agent.device.kernel_files import Roots
from agent.measuring.introspection import describe_runtimes
from agent.measuring.measurer import most_of_available_memory
from agent.measuring.native.finding import NativeOptions, RunnerRefused, find_children, infos_of

_BROKEN_EXIT_CODE = 1


def main() -> int:
    """What the program ends with."""
    runner = Path(sys.argv[1])
    try:
        children = find_children(NativeOptions(runner=runner), runner.parent)
    except RunnerRefused as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    described = describe_runtimes(
        infos_of(children),
        command=(),
        memory_limit_bytes=most_of_available_memory(),
        proc_root=Roots().proc,
        children=children,
    )
    broken = [each for each in described if each.last_words]
    for each in broken:
        # Whoever asked shows a line.
        words = " ".join(each.last_words.split())
        sys.stderr.write(f"{children[each.runtime].library.name}: {words}\n")
    return _BROKEN_EXIT_CODE if broken else 0


if __name__ == "__main__":
    sys.exit(main())
