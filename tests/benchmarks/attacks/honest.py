"""An honest sweep, with every attack of the list beside it and without, and what is left after."""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import psutil

from protos.joining import bearer_letters, parse_access_token
from tests.benchmarks.attacks.__main__ import ATTACKING, ATTACKS
from tests.benchmarks.attacks.targets import Targets
from tests.benchmarks.section import Section
from tests.benchmarks.size import SHARE, scaled
from tests.integration.access.conftest import Guarded, guarded_controller
from tests.own_networks import onnx_network, with_external_weights
from tests.processes import edgerank

ROUNDS: Final = 5
MOST_RATIO: Final = 1.2
REST_S: Final = 60.0
# What an allocator keeps, and pools of threads that were not full before.
MEMORY_SHARE: Final = 1.1
MORE_DESCRIPTORS: Final = 8
MORE_THREADS: Final = 8
DEVICE: Final = "honest"
SWEEP_NAME: Final = "honest-sweep"
# Beside attackers no machine is at rest, so nothing waits for that.
SWEEP: Final = (
    *("sweep", "--models", "PPLCNet_x0_25,MobileNetV3_small_x0_35", "--devices", DEVICE),
    *("--runtimes", "onnxruntime", "--weights", "synthetic", "--repetitions", "6"),
    *("--precision", "20%", "--time-budget", "1s", "--no-sentinel", "--name", SWEEP_NAME),
    *("--max-temperature", "none", "--max-load", "none", "--min-battery", "none", "--json"),
)


@dataclass(frozen=True)
class Held:
    """What the controller's process holds."""

    memory_bytes: int
    descriptors: int
    threads: int


def run() -> Section:
    """Sweeps in turn, with the attacks and without; a minute later, what the controller holds."""
    with tempfile.TemporaryDirectory() as name, _own_config(Path(name)):
        folder = Path(name)
        with guarded_controller(folder) as guarded, guarded.agent(DEVICE, guarded.token()):
            process = psutil.Process(guarded.running.process.pid)
            # Converts, and fills what is filled once.
            _sweep_s(guarded)
            targets = _targets(guarded, folder)
            before = _held(process)
            quiet_s: list[float] = []
            attacked_s: list[float] = []
            quiet_cpu_s: list[float] = []
            attacked_cpu_s: list[float] = []
            tally: Counter[str] = Counter()
            attackers_cpu_s = 0.0
            for _ in range(scaled(ROUNDS)):
                quiet_s.append(_timed(guarded, process, quiet_cpu_s))
                with _attackers(targets) as attackers:
                    attacked_s.append(_timed(guarded, process, attacked_cpu_s))
                done = json.loads(attackers.told)
                tally.update(done["tally"])
                attackers_cpu_s += done["cpu_s"]
            time.sleep(REST_S * SHARE)
            after = _held(process)
    ratio = statistics.median(attacked_s) / statistics.median(quiet_s)
    rows = [
        ("an honest sweep alone, s", _spread(quiet_s)),
        (f"the same beside {len(ATTACKS)} kinds of attack, s", _spread(attacked_s)),
        ("ratio of the medians", f"{ratio:.2f}"),
        ("processor time of the controller alone, s a sweep", _spread(quiet_cpu_s)),
        ("the same beside the attacks, s a sweep", _spread(attacked_cpu_s)),
        ("processor time of the attackers, s a sweep", f"{attackers_cpu_s / len(quiet_s):.1f}"),
        ("memory before, and a minute after, MB", _both(before, after, "memory_bytes", 1e6)),
        ("descriptors before, and a minute after", _both(before, after, "descriptors")),
        ("threads before, and a minute after", _both(before, after, "threads")),
        *((f"attacks: {what}", f"{count:,}") for what, count in sorted(tally.items())),
    ]
    return Section(
        title="Attacks",
        promise=f"while every attack goes on, an honest sweep takes at most {MOST_RATIO:g} times "
        f"as long as alone (median of {scaled(ROUNDS)} sweeps in turn), and a minute later memory, "
        "descriptors and threads of the controller are where they were: within "
        f"{MEMORY_SHARE - 1:.0%}, {MORE_DESCRIPTORS} and {MORE_THREADS}.",
        header=("what", "figure"),
        rows=rows,
        holds=ratio <= MOST_RATIO and _is_as_before(before, after),
    )


def _is_as_before(before: Held, after: Held) -> bool:
    return (
        after.memory_bytes <= MEMORY_SHARE * before.memory_bytes
        and after.descriptors <= before.descriptors + MORE_DESCRIPTORS
        and after.threads <= before.threads + MORE_THREADS
    )


def _held(process: psutil.Process) -> Held:
    return Held(process.memory_info().rss, process.num_fds(), process.num_threads())


def _both(before: Held, after: Held, name: str, unit: float = 1) -> str:
    return f"{getattr(before, name) / unit:.0f}, {getattr(after, name) / unit:.0f}"


def _spread(taken_s: list[float]) -> str:
    return f"{statistics.median(taken_s):.1f} ({min(taken_s):.1f} to {max(taken_s):.1f})"


def _timed(guarded: Guarded, process: psutil.Process, cpu_s: list[float]) -> float:
    """How long a sweep takes, s; what the controller computed meanwhile is added, s."""
    before = process.cpu_times()
    taken_s = _sweep_s(guarded)
    after = process.cpu_times()
    cpu_s.append(after.user + after.system - before.user - before.system)
    return taken_s


def _sweep_s(guarded: Guarded) -> float:
    begin_s = time.perf_counter()
    done = edgerank(*SWEEP, address=guarded.local)
    assert done.returncode == 0, done.stderr
    return time.perf_counter() - begin_s


@contextmanager
def _own_config(folder: Path) -> Iterator[None]:
    """Logins of the benchmark are none of whoever runs it."""
    before = os.environ.get("XDG_CONFIG_HOME")
    os.environ["XDG_CONFIG_HOME"] = str(folder / "config")
    try:
        yield
    finally:
        if before is None:
            del os.environ["XDG_CONFIG_HOME"]
        else:
            os.environ["XDG_CONFIG_HOME"] = before


def _targets(guarded: Guarded, folder: Path) -> Targets:
    member = guarded.join(guarded.token())

    def letters(scope: str) -> str:
        made = guarded.access(f"of-{scope}", "--scope", scope)
        return bearer_letters(parse_access_token(made).secret)

    return Targets(
        address=guarded.address,
        fleet_address=guarded.fleet_address,
        authority_pem=member.authority_pem,
        device_id=member.device_id,
        key_pem=member.key_pem,
        certificate_pem=member.certificate_pem,
        reader=letters("read"),
        operator=letters("operate"),
        adder=letters("models"),
        sweep=SWEEP_NAME,
        poison=_poison(folder),
        share=SHARE,
    )


def _poison(folder: Path) -> tuple[str, ...]:
    """A file that names another file, one that is no model, and one that is cut off."""
    whole = onnx_network().SerializeToString()
    outside = with_external_weights(onnx_network(), "../../../../etc/passwd").SerializeToString()
    contents = (outside, os.urandom(len(whole)), whole[: len(whole) // 2])
    paths = []
    for number, content in enumerate(contents):
        path = folder / f"poison-{number}.onnx"
        path.write_bytes(content)
        paths.append(str(path))
    return tuple(paths)


@dataclass
class _Attackers:
    """What the attackers' process told at its end."""

    told: str = ""


@contextmanager
def _attackers(targets: Targets) -> Iterator[_Attackers]:
    """The attackers, at work when the block begins, and gone when it has ended."""
    attackers = _Attackers()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.attacks"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        json.dump(asdict(targets), process.stdin)
        process.stdin.close()
        assert process.stdout.readline().strip() == ATTACKING
        yield attackers
        process.send_signal(signal.SIGTERM)
        attackers.told = process.stdout.read()
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait()
