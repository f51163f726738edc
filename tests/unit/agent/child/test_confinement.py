"""A child limits itself, and keeps a lower limit that somebody has set."""

import subprocess
import sys

import pytest

CODE = """\
import resource, sys
from agent.child.confinement import limit_memory
hard, wanted = int(sys.argv[1]), int(sys.argv[2])
if hard:
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
limit_memory(wanted)
print(*resource.getrlimit(resource.RLIMIT_DATA), resource.getrlimit(resource.RLIMIT_FSIZE)[1])
"""
MB_64 = 64 * 1024**2


@pytest.mark.parametrize(
    ("hard", "wanted", "limit", "file_limit"),
    [
        (0, 600_000_000, 600_000_000, MB_64),
        (900_000_000, 600_000_000, 600_000_000, MB_64),
        (500_000_000, 600_000_000, 500_000_000, MB_64),
        (50_000_000, 60_000_000, 50_000_000, 50_000_000),
    ],
)
def test_a_lower_hard_limit_is_kept(hard: int, wanted: int, limit: int, file_limit: int) -> None:
    command = [sys.executable, "-c", CODE, str(hard), str(wanted)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(limit), str(limit), str(file_limit)]
