"""Inference on a clock, whose time passes while the network runs and while it rests."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from agent.child.pacing import pace
from protos.measuring import PacedSamples

MS = 1_000_000


class Application:
    """What runs the network, and the time that it sees; each run takes the next of some times."""

    def __init__(self, runs_ms: Iterator[int], wakes_late_ms: int = 0) -> None:
        self.now_ns = 5 * MS
        self.begun_ns: list[int] = []
        self._runs_ms = runs_ms
        self._wakes_late_ns = wakes_late_ms * MS

    def run(self) -> None:
        self.begun_ns.append(self.now_ns - 5 * MS)
        self.now_ns += next(self._runs_ms) * MS

    def rest(self, for_ns: int) -> None:
        self.now_ns += for_ns + self._wakes_late_ns

    def paced(self, *, length_ms: int, settling_ms: int = 0) -> PacedSamples:
        return pace(
            self.run,
            interval_ns=10 * MS,
            length_ns=length_ms * MS,
            settling_ns=settling_ms * MS,
            clock_ns=lambda: self.now_ns,
            sleep_ns=self.rest,
        )


def always(run_ms: int) -> Iterator[int]:
    return iter([run_ms] * 10_000)


def test_each_frame_has_an_inference_with_a_rest_behind_it() -> None:
    application = Application(always(4))
    paced = application.paced(length_ms=50)
    assert application.begun_ns == [0, 10 * MS, 20 * MS, 30 * MS, 40 * MS]
    assert paced == PacedSamples(latency_ns=(4 * MS,) * 5, delay_ns=(0,) * 5)


def test_a_frame_that_comes_meanwhile_is_dropped() -> None:
    application = Application(iter([4, 25, 4, 10, 4]))
    paced = application.paced(length_ms=60)
    # The one of 25 ms hides two frames; one that ends as the next comes hides none.
    assert [ns // MS for ns in application.begun_ns] == [0, 10, 40, 50]
    assert paced.latency_ns == (4 * MS, 25 * MS, 4 * MS, 10 * MS)


def test_what_it_takes_to_wake_up_is_told_beside_the_latency() -> None:
    paced = Application(always(4), wakes_late_ms=1).paced(length_ms=30)
    assert paced == PacedSamples(latency_ns=(4 * MS,) * 3, delay_ns=(0, MS, MS))


def test_while_clocks_fall_nothing_is_told_but_the_slowest_network_tells_something() -> None:
    assert len(Application(always(4)).paced(length_ms=50, settling_ms=20).latency_ns) == 3
    assert Application(always(90)).paced(length_ms=50, settling_ms=20).latency_ns == (90 * MS,)


@given(st.lists(st.integers(1, 60), min_size=200, max_size=200), st.integers(10, 200))
def test_no_inference_begins_but_behind_a_frame_of_its_own(
    runs_ms: list[int], length_ms: int
) -> None:
    application = Application(iter(runs_ms))
    paced = application.paced(length_ms=length_ms)
    assert all(begun_ns % (10 * MS) == 0 for begun_ns in application.begun_ns)
    assert len(set(application.begun_ns)) == len(paced.latency_ns)
    assert max(application.begun_ns) < length_ms * MS
