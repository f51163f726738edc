"""How long a controller takes to answer that remembers a million measurements."""

import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import grpc
import httpx
import numpy as np
import psutil

from protos.v1 import query_pb2, query_pb2_grpc, types_pb2
from tests.benchmarks.asking.filling import DEVICES, THREADS, device_name, fill
from tests.benchmarks.pages.section import Section
from tests.benchmarks.size import scaled
from tests.processes import EDGERANK, running_controller

COUNT: Final = 1_000_000
ASKED: Final = 60
PAGE: Final = 200
LISTED: Final = 50
_FLEETS: Final = 2
_PREDICTED: Final = 4
AT_FIRST_MS: Final = 1_000.0
EXPORT_S: Final = 60.0
EXPORT_BYTES: Final = 300_000_000


@dataclass(frozen=True)
class _Question:
    name: str
    limit_ms: float
    ask: Callable[[int], object]


def run() -> Section:
    """Each question many times, of another device or limit each time; then one export."""
    count = scaled(COUNT)
    devices = min(DEVICES, max(2, count // 5_000))
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        fill(state, count, devices)
        home_ms = _home_ms(state)
        with running_controller(state) as (controller, address):
            process = psutil.Process(controller.process.pid)
            with grpc.insecure_channel(address, options=_ANY_SIZE) as channel:
                asked = list(_questions(query_pb2_grpc.QueryStub(channel), devices))
                begun = [_begun(each) for each in (asked[0], asked[-1])]
                timed = [_timed(each) for each in asked]
            rows = [_home_row(home_ms)]
            rows += [each.row() for each in (*begun, *timed)]
            taken_s, own, its = _export(process, Path(folder) / "all.parquet", address)
            predicting = _predicting_row(process, address, devices)
    rows += [_export_row(count, taken_s, own, its), predicting]
    are_fast = all(each.is_fast for each in (*begun, *timed)) and home_ms <= AT_FIRST_MS
    return Section(
        title="Questions to a controller that remembers much",
        promise=f"with {COUNT:,} measurements ({devices} devices, each backbone in several "
        "runtimes, threads and precisions) the ranking of one device is answered in 50 ms, of each "
        "device in 500 ms, the Pareto front in 300 ms, a page of measurements in 100 ms (95th "
        "percentile of the call); all go to Parquet, samples included, in under "
        f"{EXPORT_S:g} s with under {EXPORT_BYTES / 1e6:.0f} MB more of memory on either side. "
        "The first answer after a restart, and the web page with it, comes in "
        f"{AT_FIRST_MS / 1e3:g} s. "
        "What is predicted of a device has no limit. "
        "First: each question is another one; again: nothing has changed since. Both are held "
        "against the limit.",
        header=(
            "question",
            "first ms, p50",
            "first ms, p95",
            "again ms, p50",
            "again ms, p95",
            "limit",
        ),
        rows=rows,
        holds=are_fast and taken_s <= EXPORT_S and max(own, its) <= EXPORT_BYTES,
    )


def _home_ms(state: Path) -> float:
    """What the web page of a device takes, answer and all, that is the first one asked for."""
    with running_controller(state, 0, "--web-port", "0") as (controller, _):
        web = controller.output.wait_for(r"web pages and query API at (https?://\S+)")[1]
        begin = time.perf_counter()
        httpx.get(web, params={"device": device_name(0)}, trust_env=False).raise_for_status()
        return (time.perf_counter() - begin) * 1e3


def _home_row(taken_ms: float) -> tuple[str, ...]:
    told = f"{taken_ms:.0f}"
    return ("the web page, after a restart", *(told,) * 4, f"{AT_FIRST_MS:.0f}")


_ANY_SIZE: Final = [("grpc.max_receive_message_length", -1)]


def _questions(stub: query_pb2_grpc.QueryStub, devices: int) -> Iterator[_Question]:
    def rank(number: int) -> object:
        limits = query_pb2.Constraints(max_latency_ms=5 + number // devices)
        return stub.Rank(
            query_pb2.RankRequest(
                device=device_name(number % devices), constraints=limits, most_listed=LISTED
            )
        )

    def front(number: int) -> object:
        limits = query_pb2.Constraints(min_top1=60 + number // devices)
        return stub.Rank(
            query_pb2.RankRequest(
                device=device_name(number % devices), constraints=limits, most_listed=0
            )
        )

    def page(number: int) -> object:
        wanted = query_pb2.ListMeasurementsRequest(device=device_name(number % devices))
        return stub.PageMeasurements(query_pb2.PageMeasurementsRequest(wanted=wanted, most=PAGE))

    def fleet(number: int) -> object:
        limits = query_pb2.Constraints(max_latency_ms=20 + number)
        return stub.RankFleet(query_pb2.RankFleetRequest(constraints=limits, most_listed=0))

    yield _Question("best on one device", 50, rank)
    yield _Question("the Pareto front of one device", 300, front)
    yield _Question(f"the first {PAGE} measurements of a device", 100, page)
    yield _Question(f"best on each of {devices} devices", 500, fleet)


@dataclass(frozen=True)
class _Took:
    """What answers to a question took, each asked for the first time and again, ms."""

    question: _Question
    first: list[float]
    again: list[float]

    @property
    def is_fast(self) -> bool:
        return max(_p95(self.first), _p95(self.again)) <= self.question.limit_ms

    def row(self) -> tuple[str, ...]:
        figures = (
            *(statistics.median(self.first), _p95(self.first)),
            *(statistics.median(self.again), _p95(self.again)),
            self.question.limit_ms,
        )
        return (self.question.name, *(f"{each:.0f}" for each in figures))


def _begun(question: _Question) -> _Took:
    """What a question takes that is the first one after a restart."""
    taken = [_took_ms(question, -1)]
    told = replace(question, name=f"{question.name}, after a restart", limit_ms=AT_FIRST_MS)
    return _Took(told, taken, taken)


def _timed(question: _Question) -> _Took:
    count = _FLEETS if "each" in question.name else scaled_asks()
    first = [_took_ms(question, number) for number in range(count)]
    again = [_took_ms(question, number) for number in range(count) for _ in range(2)]
    return _Took(question, first, again)


def scaled_asks() -> int:
    """How often each question is asked."""
    return max(8, scaled(ASKED))


def _took_ms(question: _Question, number: int) -> float:
    begin = time.perf_counter()
    question.ask(number)
    return (time.perf_counter() - begin) * 1e3


def _p95(taken: list[float]) -> float:
    return float(np.percentile(taken, 95))


def _export_row(count: int, taken_s: float, own: int, its: int) -> tuple[str, ...]:
    told = (
        f"{taken_s:.1f} s; {own / 1e6:.0f} MB more in the controller, {its / 1e6:.0f} MB beside it"
    )
    return (f"{count:,} measurements to Parquet", told, "", "", "", f"{EXPORT_S:g} s")


def _export(controller: psutil.Process, file: Path, address: str) -> tuple[float, int, int]:
    """How long an export takes, s, and by how much it makes either side larger, bytes."""
    before = controller.memory_info().rss
    environment = {**os.environ, "EDGERANK_CONTROLLER": address}
    begin = time.perf_counter()
    command = subprocess.Popen([*EDGERANK, "export", str(file)], env=environment)
    with _most(controller) as of_controller, _most(psutil.Process(command.pid)) as of_command:
        if command.wait() != 0:
            raise RuntimeError("the export failed")
    return time.perf_counter() - begin, of_controller.most - before, of_command.most


def _predicting_row(controller: psutil.Process, address: str, devices: int) -> tuple[str, ...]:
    """What a few devices' predictions in one setting take, first and again, and of memory."""
    before = controller.memory_info().rss
    with grpc.insecure_channel(address, options=_ANY_SIZE) as channel:
        stub = query_pb2_grpc.QueryStub(channel)

        def predict(number: int) -> object:
            asked = query_pb2.PredictRequest(
                device=device_name(number % devices),
                runtime=types_pb2.RUNTIME_ONNXRUNTIME,
                threads=THREADS[0],
            )
            return stub.Predict(asked)

        question = _Question("", 0, predict)
        with _most(controller) as found:
            first = [_took_ms(question, number) for number in range(_PREDICTED)]
            again = [_took_ms(question, number) for number in range(_PREDICTED)]
    told = f"one setting predicted on one device; {(found.most - before) / 1e6:.0f} MB more"
    figures = (statistics.median(first), _p95(first), statistics.median(again), _p95(again))
    return (told, *(f"{each:.0f}" for each in figures), "")


@dataclass
class _Most:
    most: int = 0


@contextmanager
def _most(process: psutil.Process) -> Iterator[_Most]:
    """The most memory that a process has while the block runs, looked at ten times a second."""
    found, is_over = _Most(), threading.Event()

    def look() -> None:
        while not is_over.wait(0.1):
            with suppress(psutil.NoSuchProcess):
                found.most = max(found.most, process.memory_info().rss)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield found
    finally:
        is_over.set()
        looking.join()
