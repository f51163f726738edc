"""Becomes a program that a person named, held to its files: `python -m ... LIMIT FILES -- COMMAND`.

The program is the device owner's own; what it reads came over the wire.
"""

import os
import sys
from pathlib import Path

from agent.child.confinement import PACKAGES, go_first_when_memory_ends, limit_memory
from agent.device.kernel_files import Roots
from sandbox.calls import cut_network
from sandbox.files import hold_to_files
from sandbox.layers import Layer, enforceable


def main() -> None:
    """Confine this process and start the program in it."""
    limit, *rest = sys.argv[1:]
    end = rest.index("--")
    files, command = rest[:end], rest[end + 1 :]
    limit_memory(int(limit))
    go_first_when_memory_ends(Roots().proc)
    layers = enforceable()
    if Layer.FILES in layers:
        hold_to_files(
            readable=map(Path, files), packages=PACKAGES, programs=programs_of(Path(command[0]))
        )
    if Layer.NETWORK in layers:
        cut_network()
    os.execv(command[0], command)


def programs_of(program: Path) -> tuple[Path, ...]:
    """The program, and the interpreter of a script."""
    with program.open("rb") as file:
        first = file.readline(4_096)
    words = first[2:].split() if first.startswith(b"#!") else []
    return (program, *(Path(os.fsdecode(word)) for word in words[:1]))


if __name__ == "__main__":
    main()
