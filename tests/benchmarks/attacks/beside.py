"""Processes beside an honest sweep: attackers, and one that swallows what they say."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace

from tests.benchmarks.attacks.__main__ import ATTACKING
from tests.benchmarks.attacks.targets import Targets


@dataclass
class Attackers:
    """What attackers told at their end.

    Attributes:
        tally: what they did how often.
        cpu_s: what they computed, s.
    """

    tally: Counter[str] = field(default_factory=Counter)
    cpu_s: float = 0.0


@contextmanager
def attackers(targets: Targets, attacks: Collection[str]) -> Iterator[Attackers]:
    """The attackers of these names, at work when the block begins, and gone when it has ended."""
    told = Attackers()
    with _process("tests.benchmarks.attacks", json.dumps([asdict(targets), list(attacks)])) as one:
        assert one.stdout is not None
        assert one.stdout.readline().strip() == ATTACKING
        yield told
        one.send_signal(signal.SIGTERM)
        said = json.loads(one.stdout.read())
        told.tally, told.cpu_s = Counter(said["tally"]), said["cpu_s"]
        assert one.wait(timeout=60) == 0


@contextmanager
def swallowed(targets: Targets) -> Iterator[Targets]:
    """The same targets, but for who is there: somebody who swallows all that is said."""
    with _process("tests.benchmarks.attacks.swallowing", "") as one:
        assert one.stdout is not None
        address, fleet_address, authority_pem = json.loads(one.stdout.readline())
        yield replace(
            targets,
            address=address,
            fleet_address=fleet_address,
            authority_pem=authority_pem,
        )


@contextmanager
def _process(module: str, said: str) -> "Iterator[subprocess.Popen[str]]":
    process = subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # What gRPC says of each attack is nobody's to read.
        env={**os.environ, "GRPC_VERBOSITY": "NONE"},
    )
    assert process.stdin is not None
    try:
        process.stdin.write(said)
        process.stdin.close()
        yield process
    finally:
        process.kill()
        process.wait()
