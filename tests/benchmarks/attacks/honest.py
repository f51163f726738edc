"""An honest sweep, with every attack of the list beside it and without, and what is left after."""

import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import psutil

from protos.joining import bearer_letters, parse_access_token
from tests.benchmarks.attacks.__main__ import ATTACKS
from tests.benchmarks.attacks.beside import attackers, swallowed
from tests.benchmarks.attacks.targets import Targets
from tests.benchmarks.pages.section import Section
from tests.benchmarks.size import SHARE, scaled
from tests.integration.access.conftest import Guarded, guarded_controller
from tests.own_networks import onnx_network, with_external_weights
from tests.processes import edgerank

ROUNDS: Final = 5
# Each by itself shows which of them costs what; the promise is held against all together.
ROUNDS_EACH: Final = 1
MOST_RATIO: Final = 1.2
REST_S: Final = 60.0
# Of the attacks' full number: at least one of each, so that what is filled once is so before.
_ONE_OF_EACH: Final = 0.01
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
    # Else it would be told what was measured before, and measure nothing.
    "--fresh",
)


@dataclass(frozen=True)
class Held:
    """What the controller's process holds."""

    memory_bytes: int
    descriptors: int
    threads: int


@dataclass
class _Sweeps:
    """Honest sweeps beside the same attackers.

    Attributes:
        taken_s: how long each took, s.
        cpu_s: what the controller and its children computed meanwhile, s.
        attackers_cpu_s: what the attackers did, s.
    """

    taken_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    attackers_cpu_s: list[float] = field(default_factory=list)

    @property
    def median_s(self) -> float:
        """How long one takes."""
        return statistics.median(self.taken_s)


class _Trial:
    """A controller with one honest agent, and sweeps of theirs."""

    def __init__(self, guarded: Guarded) -> None:
        self.process = psutil.Process(guarded.running.process.pid)
        self.tally: Counter[str] = Counter()
        self._guarded = guarded

    def sweep_s(self) -> float:
        """How long a sweep takes, s."""
        begin_s = time.perf_counter()
        done = edgerank(*SWEEP, address=self._guarded.local)
        assert done.returncode == 0, done.stderr
        return time.perf_counter() - begin_s

    def measure(self, into: _Sweeps) -> None:
        """Adds a sweep beside whoever is there."""
        before_s = self._cpu_s()
        into.taken_s.append(self.sweep_s())
        into.cpu_s.append(self._cpu_s() - before_s)

    def measure_beside(self, into: _Sweeps, targets: Targets, attacks: Collection[str]) -> None:
        """Adds a sweep beside attackers."""
        with attackers(targets, attacks) as attacking:
            self.measure(into)
        self.tally.update(attacking.tally)
        into.attackers_cpu_s.append(attacking.cpu_s)

    def _cpu_s(self) -> float:
        spent = self.process.cpu_times()
        return spent.user + spent.system + spent.children_user + spent.children_system


def run() -> Section:
    """Sweeps in turn, with the attacks and without; a minute later, what the controller holds."""
    alone, swallowing, attacked = _Sweeps(), _Sweeps(), _Sweeps()
    by_attack = {name: _Sweeps() for name in ATTACKS}
    with tempfile.TemporaryDirectory() as name, _own_config(Path(name)):
        folder = Path(name)
        with guarded_controller(folder) as guarded, guarded.agent(DEVICE, guarded.token()):
            trial = _Trial(guarded)
            # Converts, and fills what is filled once.
            trial.sweep_s()
            targets = _targets(guarded, folder)
            with attackers(replace(targets, share=_ONE_OF_EACH), ATTACKS):
                trial.sweep_s()
            before = _held(trial.process)
            for _ in range(scaled(ROUNDS)):
                trial.measure(alone)
                with swallowed(targets) as nowhere:
                    trial.measure_beside(swallowing, nowhere, ATTACKS)
                # What was done to nobody is no attack.
                trial.tally.clear()
                trial.measure_beside(attacked, targets, ATTACKS)
                done = trial.tally.copy()
            for _ in range(ROUNDS_EACH):
                for each, sweeps in by_attack.items():
                    trial.measure_beside(sweeps, targets, (each,))
            time.sleep(REST_S * SHARE)
            after = _held(trial.process)
    named = {"nobody": alone, "all, aimed at who swallows": swallowing, "all": attacked}
    return _section({**named, **by_attack}, done, before, after)


def _section(
    measured: Mapping[str, _Sweeps], done: "Counter[str]", before: Held, after: Held
) -> Section:
    alone, swallowing, attacked = list(measured.values())[:3]
    ratio = attacked.median_s / swallowing.median_s
    rows: list[Sequence[str]] = [_row(name, each, alone) for name, each in measured.items()]
    figures = (
        ("all, against all who are swallowed", f"{ratio:.2f} times"),
        ("memory before, and a minute after, MB", _both(before, after, "memory_bytes", 1e6)),
        ("descriptors before, and a minute after", _both(before, after, "descriptors")),
        ("threads before, and a minute after", _both(before, after, "threads")),
        *((f"in one sweep beside all: {what}", f"{n:,}") for what, n in sorted(done.items())),
    )
    rows += [(what, figure, "", "", "") for what, figure in figures]
    return Section(
        title="Attacks",
        promise=f"while every attack goes on, an honest sweep takes at most {MOST_RATIO:g} times "
        "as long as beside the same attackers whom nobody hears (medians of "
        f"{scaled(ROUNDS)} sweeps in turn), and a minute later memory, "
        "descriptors and threads of the controller are where they were: within "
        f"{MEMORY_SHARE - 1:.0%}, {MORE_DESCRIPTORS} and {MORE_THREADS}.",
        header=(
            "attackers beside",
            "a sweep, s",
            "times as long as alone",
            "processor time of the controller, s a sweep",
            "of the attackers, s a sweep",
        ),
        rows=rows,
        holds=ratio <= MOST_RATIO and _is_as_before(before, after),
    )


def _row(name: str, sweeps: _Sweeps, alone: _Sweeps) -> Sequence[str]:
    attackers_cpu_s = sweeps.attackers_cpu_s
    return (
        name,
        _spread(sweeps.taken_s),
        f"{sweeps.median_s / alone.median_s:.2f}",
        f"{statistics.median(sweeps.cpu_s):.1f}",
        f"{statistics.median(attackers_cpu_s):.1f}" if attackers_cpu_s else "",
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
