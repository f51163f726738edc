"""Fakes of programs that nobody could build here, for the phone: programs of C as real ones are."""

import subprocess
from pathlib import Path


def built(name: str, folder: Path, program: str) -> Path:
    """A fake, built for this machine, as a program of another name."""
    path = folder / program
    source = Path(__file__).with_name(f"{name}.c")
    command = ["cc", "-O1", "-Wall", "-Werror", "-static", "-o", str(path), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return path
