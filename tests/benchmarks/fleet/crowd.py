"""Thousands of agents at one controller: joining, connecting, idling, coming back, working."""

import math
import os
import resource
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
from sqlalchemy import func, select

from controller.api.limits import DEFAULTS
from controller.domain.jobs import AttemptState
from controller.state import attempts
from controller.state.catalog.accuracy import store_catalog
from controller.state.database import Database, open_database
from controller.state.devices import enrol, list_devices
from controller.state.schema import attempts as attempts_table
from models.catalog.catalog import load_catalog
from tests.benchmarks.fleet.bare import bare_stream_bytes
from tests.benchmarks.fleet.beside import Person, Served, served
from tests.benchmarks.fleet.member_process import MemberProcess, ask_all, member_processes
from tests.benchmarks.fleet.simulated import hello, plan, report_of, start
from tests.benchmarks.pages.section import Section
from tests.benchmarks.size import scaled
from tests.measured import record_report

AGENTS = 10_000
A_PROCESS = 5_000
# How many are connected, one after another.
SIZES = (1_000, 5_000, AGENTS)
# How many work at once, and of how many threads and batches their jobs are: more than they measure.
WORKING = ((1, 100, 10), (10, 100, 4), (100, 10, 6), (1_000, 5, 1))
WORKING_S = 10.0
# What connecting took of memory is given back within it.
IDLE_S = 20.0
BACK_S, QUERY_S, PEAK_BYTES, IDLE_BYTES = 120.0, 1.0, 1e9, 40_960
JOINS_A_S, RESULTS_A_S = 50.0, 1_000.0
_GIVEN_UP_S = 240.0
_RANKED = 99_999
_LOOK_S = 0.25


@dataclass(frozen=True)
class Figure:
    """What was found, as the page shows it, and whether it is what was promised."""

    what: str
    found: str
    promised: str = ""
    holds: bool = True


def run() -> Section:
    """A whole fleet beside a person who asks, killed and started again."""
    agents = min(scaled(AGENTS), _most_connections())
    with (
        tempfile.TemporaryDirectory() as name,
        mock.patch.dict(os.environ, {"XDG_CONFIG_HOME": str(Path(name) / "config")}),
    ):
        folder = Path(name)
        figures = [Figure("agents", f"{agents:,}", f"{AGENTS:,}", agents >= scaled(AGENTS))]
        _prepare_ranking(folder)
        with served(folder / "state") as first:
            counts = [A_PROCESS] * (agents // A_PROCESS) + [agents % A_PROCESS]
            joining = [count for count in counts if count]
            with member_processes(joining, first.join_token(agents), folder) as processes:
                fleet = _Fleet(folder, processes, agents, first)
                figures += fleet.first_day()
                figures += fleet.working_day()
    return Section(
        title="A crowd of agents",
        promise=f"{AGENTS:,} simulated agents, {A_PROCESS:,} a process, on the same cores as the "
        "controller: each with a certificate of its own by a join token, a connection with TLS of "
        "both sides, dialling and beating as an agent does, all at once, and no runtime. Figures "
        "beside which something is promised are held against it.",
        header=("what", "found", "promised"),
        rows=[(each.what, each.found, each.promised) for each in figures],
        holds=all(each.holds for each in figures),
    )


class _Fleet:
    """A fleet through its first day and a day of work."""

    def __init__(
        self, folder: Path, processes: Sequence[MemberProcess], agents: int, first: Served
    ) -> None:
        self._folder = folder
        self._processes = processes
        self._agents = agents
        self._first = first
        self._token = first.access_token()

    def first_day(self) -> list[Figure]:
        """Everybody joins; some connect and idle, then more."""
        before_bytes = self._first.rss_bytes()
        begin_s = time.perf_counter()
        ask_all(self._processes, "join")
        joins_a_s = self._agents / (time.perf_counter() - begin_s)
        bare_bytes = bare_stream_bytes()
        figures = [
            Figure("enrolments a second", *_at_least(joins_a_s, JOINS_A_S)),
            Figure("memory of gRPC by itself for a stream such as an agent has", _kb(bare_bytes)),
        ]
        sizes = [size for size in map(scaled, SIZES) if size < self._agents]
        with self._person() as person:
            for size in (*sizes, self._agents):
                figures += self._grows_to(size, person, before_bytes, bare_bytes)
            listing_s = person.listing_s()
        peak_bytes = self._first.peak_rss_bytes()
        return [
            *figures,
            Figure("the list of all devices", f"{listing_s:.2f} s"),
            Figure(
                "most that the controller held",
                f"{peak_bytes / 1e6:.0f} MB",
                f"≤ {PEAK_BYTES / 1e6:.0f} MB",
                peak_bytes <= PEAK_BYTES,
            ),
        ]

    def _grows_to(
        self, size: int, person: Person, before_bytes: float, bare_bytes: float
    ) -> list[Figure]:
        """Those who are still to come connect at once, and idle."""
        asked_s, dials = time.time(), self._dials()
        ask_all(self._processes, "connect", below=size)
        connected = self._until_connected(asked_s, size)
        dials = self._dials() - dials
        connecting_s = person.p99_s(asked_s)
        idle_s = time.time()
        time.sleep(IDLE_S)
        each_bytes = (self._first.rss_bytes() - before_bytes) / size - bare_bytes
        idling_s = person.p99_s(idle_s)
        return [
            self._connected(
                f"until {size:,} are connected, of whom the rest dial at once", connected
            ),
            Figure(f"dials until {size:,} are connected", f"{dials:,}"),
            Figure(f"{size:,}: p99 of a ranking meanwhile", *_at_most_s(connecting_s, QUERY_S)),
            Figure(
                f"{size:,}: p99 of a ranking beside idle agents",
                *_at_most_s(idling_s, QUERY_S),
            ),
            Figure(
                f"{size:,}: what edgerank remembers of an idle agent, beside gRPC",
                _kb(each_bytes),
                f"≤ {_kb(IDLE_BYTES)}",
                each_bytes <= IDLE_BYTES,
            ),
        ]

    def working_day(self) -> list[Figure]:
        """Some work, while all are there; the controller is killed under them."""
        groups = self._prepare_work()
        curve = [self._works(first, count) for first, count in groups]
        if len(groups) > 1:
            self._start_work(*groups[-2])
        killed_s, dials = time.time(), self._dials()
        self._first.running.kill()
        with served(self._folder / "state", self._first.port, self._first.fleet_port) as second:
            with self._person() as person:
                back = self._until_connected(killed_s, self._agents)
                beside_s = person.p99_s(killed_s)
            dials = self._dials() - dials
            self._start_work(0, 0)
            time.sleep(WORKING_S / 4)
            acknowledged = [
                attempt_id
                for told in ask_all(self._processes, "tell")
                for attempt_id in told["attempt_ids"]
            ]
            second.running.stop()
        return [
            *curve,
            self._connected("until all are back after a SIGKILL", back),
            Figure("dials for that", f"{dials:,}"),
            Figure("p99 of a ranking meanwhile, once answered", *_at_most_s(beside_s, QUERY_S)),
            self._lost(acknowledged, groups[-2][1] if len(groups) > 1 else 0),
        ]

    def _person(self) -> Person:
        return Person(self._first.address, self._token, hello(_RANKED).name)

    def _until_connected(self, since_s: float, wanted: int) -> tuple[int, float]:
        """How many are connected, and how long that took; until so many are, or are given up."""
        while True:
            connected = sum(each["connected"] for each in ask_all(self._processes, "look"))
            taken_s = time.time() - since_s
            if connected >= wanted or taken_s >= _GIVEN_UP_S:
                return connected, taken_s
            time.sleep(_LOOK_S)

    def _connected(self, what: str, found: tuple[int, float]) -> Figure:
        connected, taken_s = found
        taken, promised, holds = _at_most_s(taken_s, BACK_S)
        if taken_s >= _GIVEN_UP_S:
            return Figure(what, f"{connected:,} after {taken}", promised, holds=False)
        return Figure(what, taken, promised, holds)

    def _dials(self) -> int:
        return sum(each["dials"] for each in ask_all(self._processes, "look"))

    def _start_work(self, first: int, count: int) -> None:
        ask_all(self._processes, "work", first=first, count=count)

    def _works(self, first: int, count: int) -> Figure:
        begin_s = time.time()
        self._start_work(first, count)
        time.sleep(WORKING_S)
        self._start_work(0, 0)
        ends_s, waits_s = [], []
        for told in ask_all(self._processes, "tell"):
            for at_s, wait_s in zip(told["committed_s"], told["waits_s"], strict=True):
                if at_s >= begin_s:
                    ends_s.append(at_s)
                    waits_s.append(wait_s)
        rate = len(ends_s) / (max(ends_s) - min(ends_s)) if len(ends_s) > 1 else 0.0
        p50_s, p99_s = np.percentile(waits_s or [math.nan], (50, 99))
        found, promised, holds = _at_least(rate, RESULTS_A_S)
        return Figure(
            f"results a second of {count:,} agents; from a report to its acknowledgement p50, p99",
            f"{found}; {1e3 * p50_s:.0f} ms, {1e3 * p99_s:.0f} ms",
            promised if count >= 100 else "",
            holds or count < 100,
        )

    def _prepare_work(self) -> list[tuple[int, int]]:
        """Sweeps for groups of agents, each for its own; gives the first number and the count."""
        database = _opened(self._folder)
        ids = {each.name: each.device_id for each in list_devices(database, frozenset())}
        groups, first = [], 0
        for count, threads, batches in WORKING:
            if first + count > self._agents:
                break
            names = {hello(number).name for number in range(first, first + count)}
            # Who never came has no work.
            chosen = frozenset(ids[name] for name in ids.keys() & names)
            start(database, *plan(database, chosen, threads, batches))
            groups.append((first, count))
            first += count
        database.close()
        return groups

    def _lost(self, acknowledged: Sequence[str], most_unheard: int) -> Figure:
        database = _opened(self._folder)
        of_state = select(attempts_table.c.state, func.count()).group_by(attempts_table.c.state)
        known = select(attempts_table.c.attempt_id).where(
            attempts_table.c.state == AttemptState.REPORTED
        )
        with database.transaction() as transaction:
            counts = dict(transaction.execute(of_state).tuples().all())
            reported = set(transaction.scalars(known))
        database.close()
        missing = set(acknowledged) - reported
        # A lease that was on its way when the controller was killed reached nobody.
        unheard = counts.get(AttemptState.LOST, 0)
        return Figure(
            f"acknowledged reports that are not there, of {len(acknowledged):,}; leases that were "
            "on their way, and given anew",
            f"{len(missing)}; {unheard}",
            "0",
            not missing and unheard <= most_unheard,
        )


def _prepare_ranking(folder: Path) -> None:
    """Figures of a device that never connects, for who asks."""
    (folder / "state").mkdir(mode=0o700)
    database = _opened(folder)
    store_catalog(database, load_catalog())
    device_id = enrol(database, hello(_RANKED), now_unix_ms=0).device_id
    start(database, *plan(database, frozenset({device_id}), 5, 4))
    rng = np.random.default_rng(0)
    while (lease := attempts.lease_next(database, device_id, now_unix_ms=0)) is not None:
        record_report(database, device_id, report_of(lease, rng), now_unix_ms=0)
    database.close()


def _opened(folder: Path) -> Database:
    return open_database(f"sqlite:///{folder / 'state' / 'controller.sqlite'}")


def _most_connections() -> int:
    """How many a controller takes at its members' port here."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = DEFAULTS.descriptors(2) if hard == resource.RLIM_INFINITY else hard
    return DEFAULTS.connections_of_ports(allowed, 2)[-1]


def _at_least(rate: float, promised: float) -> tuple[str, str, bool]:
    return f"{rate:,.0f}", f"≥ {promised:,.0f}", rate >= promised


def _at_most_s(found_s: float, promised_s: float) -> tuple[str, str, bool]:
    return f"{found_s:.2f} s", f"≤ {promised_s:g} s", found_s <= promised_s


def _kb(found_bytes: float) -> str:
    return f"{found_bytes / 1_024:.0f} KB"
