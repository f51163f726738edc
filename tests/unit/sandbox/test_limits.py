"""A process limits itself, and keeps a lower limit that somebody has set."""

import subprocess
import sys

import pytest

CODE = """\
import resource, sys
from sandbox.limits import limit
hard, wanted = int(sys.argv[1]), int(sys.argv[2])
if hard:
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))
limit({resource.RLIMIT_DATA: wanted})
print(*resource.getrlimit(resource.RLIMIT_DATA))
"""


@pytest.mark.parametrize(
    ("hard", "limit"), [(0, 600_000_000), (900_000_000, 600_000_000), (500_000_000, 500_000_000)]
)
def test_a_lower_hard_limit_is_kept(hard: int, limit: int) -> None:
    command = [sys.executable, "-c", CODE, str(hard), "600000000"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(limit), str(limit)]
