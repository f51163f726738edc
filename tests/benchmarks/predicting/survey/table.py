"""The survey's table: what each process of each backbone took, and on which machine."""

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from controller.domain.measurements import Verdict
from protos.runtimes import Runtime

PROCESSES: Final = 3
THREADS: Final = (1, 2)
HERE: Final = Path(__file__).parent

_STEADY: Final = (Verdict.OK, Verdict.WIDE)
_COLUMNS: Final = (
    *("backbone", "runtime", "threads", "verdict"),
    *(f"process_{number}_ms" for number in range(1, PROCESSES + 1)),
    *("peak_rss_bytes", "measured_at"),
)


class OtherMachine(ValueError):
    """A table is of a machine, or of versions, that these are not."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one backbone took in one setting.

    Attributes:
        backbone: its name.
        runtime: which one.
        threads: how many.
        verdict: on the measurement.
        medians_ms: of its processes in order, ms; none where it failed.
        peak_rss_bytes: the most that a process held above the bare runtime; None where it failed.
        measured_at: when, ISO 8601 in UTC; empty where it never was.
    """

    backbone: str
    runtime: Runtime
    threads: int
    verdict: Verdict
    medians_ms: tuple[float, ...] = ()
    peak_rss_bytes: int | None = None
    measured_at: str = ""

    @property
    def is_settled(self) -> bool:
        """Whether it is not measured again: steady, or of a backbone that does not convert."""
        return self.verdict in _STEADY or not self.measured_at

    @property
    def steady_ms(self) -> tuple[float, ...]:
        """Medians that may be learned from, ms: none where something disturbed them."""
        return self.medians_ms if self.verdict in _STEADY else ()


class Table:
    """Rows by backbone, runtime and threads, in a folder of their own beside the machine.

    The files are `latency.csv` and `machine.json`.
    """

    def __init__(self, folder: Path = HERE) -> None:
        self._latency = folder / "latency.csv"
        self._machine = folder / "machine.json"
        rows = _read(self._latency) if self._latency.exists() else ()
        self._rows = {(row.backbone, row.runtime, row.threads): row for row in rows}

    @property
    def rows(self) -> tuple[Row, ...]:
        """All of them, in the order in which they were first measured."""
        return tuple(self._rows.values())

    def missing(self, backbones: Iterable[str]) -> tuple[str, ...]:
        """Those that are not measured in every setting, in order: those with no figure first."""
        settings = [(runtime, threads) for runtime in Runtime for threads in THREADS]

        def lacks(name: str) -> int:
            found = [self._rows.get((name, *setting)) for setting in settings]
            unknown = any(row is None for row in found)
            return 2 * unknown + any(row is not None and not row.is_settled for row in found)

        lacking = {name: lacks(name) for name in backbones}
        return tuple(
            sorted((name for name in lacking if lacking[name]), key=lambda n: lacking[n] < 2)
        )

    def check(self, machine: Mapping[str, object]) -> None:
        """See that what is added is of the machine and versions of what is there.

        Raises:
            OtherMachine: it is not.
        """
        if not self._rows or not self._machine.exists():
            return
        known = json.loads(self._machine.read_text(encoding="utf-8"))
        other = sorted(key for key in known if known[key] != machine.get(key))
        if other:
            raise OtherMachine(
                f"{self._latency} is of another {', '.join(other)} than there is here; measure "
                "into another folder with --output"
            )

    def add(self, rows: Iterable[Row], machine: Mapping[str, object]) -> None:
        """Write rows, in the place of those of the same setting, and what they were measured on."""
        for row in rows:
            self._rows[row.backbone, row.runtime, row.threads] = row
        self._latency.parent.mkdir(parents=True, exist_ok=True)
        self._machine.write_text(json.dumps(machine, indent=2) + "\n", encoding="utf-8")
        written = self._latency.with_suffix(".new")
        with written.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(_COLUMNS)
            writer.writerows(_written(row) for row in self._rows.values())
        written.replace(self._latency)


def _written(row: Row) -> tuple[str, ...]:
    medians = [f"{median:.6g}" for median in row.medians_ms[:PROCESSES]]
    medians += [""] * (PROCESSES - len(medians))
    head = (row.backbone, row.runtime.value, str(row.threads), row.verdict.value)
    peak = "" if row.peak_rss_bytes is None else str(row.peak_rss_bytes)
    return (*head, *medians, peak, row.measured_at)


def _read(path: Path) -> tuple[Row, ...]:
    with path.open(encoding="utf-8", newline="") as stream:
        return tuple(
            Row(
                backbone=row["backbone"],
                runtime=Runtime(row["runtime"]),
                threads=int(row["threads"]),
                verdict=Verdict(row["verdict"]),
                medians_ms=tuple(
                    float(row[column])
                    for column in _COLUMNS
                    if column.startswith("process_") and row[column]
                ),
                peak_rss_bytes=int(row["peak_rss_bytes"]) if row["peak_rss_bytes"] else None,
                measured_at=row["measured_at"],
            )
            for row in csv.DictReader(stream)
        )
