"""How fast artifacts go to a device, and to all of them together."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from controller.api.bandwidth import UNLIMITED, Bandwidth, PushLimits
from controller.fleet.clock import SystemClock

CHUNK_BYTES = 256_000
SAVED_S = 0.25


@dataclass
class OwnedClock(SystemClock):
    """A clock that a test owns."""

    now_ms: int = 0

    def monotonic_ms(self) -> int:
        return self.now_ms


def test_without_a_limit_nothing_waits() -> None:
    bandwidth = Bandwidth(UNLIMITED, OwnedClock())
    assert [bandwidth.wait_s("phone", CHUNK_BYTES) for _ in range(1_000)] == [0] * 1_000


def test_a_device_waits_for_its_own_bytes_and_for_nobody_elses() -> None:
    limits = PushLimits(a_device_bytes_per_s=CHUNK_BYTES)
    bandwidth = Bandwidth(limits, OwnedClock())
    assert [bandwidth.wait_s("phone", CHUNK_BYTES) for _ in range(3)] == [0.75, 1.75, 2.75]
    assert bandwidth.wait_s("board", CHUNK_BYTES) == 0.75


def test_all_devices_share_what_they_have_together_in_the_order_in_which_they_asked() -> None:
    bandwidth = Bandwidth(PushLimits(in_all_bytes_per_s=CHUNK_BYTES), OwnedClock())
    asked = ["phone", "board", "phone", "board"]
    assert [bandwidth.wait_s(who, CHUNK_BYTES) for who in asked] == [0.75, 1.75, 2.75, 3.75]


@given(
    limits=st.builds(
        PushLimits,
        in_all_bytes_per_s=st.floats(10_000, 1e8),
        a_device_bytes_per_s=st.floats(10_000, 1e8),
    ),
    asked=st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(1, CHUNK_BYTES), st.integers(0, 500)),
        min_size=1,
        max_size=200,
    ),
)
def test_whoever_asks_when_no_more_bytes_go_than_may(
    limits: PushLimits, asked: list[tuple[str, int, int]]
) -> None:
    clock = OwnedClock()
    bandwidth = Bandwidth(limits, clock)
    gone: list[tuple[str, int, float]] = []
    for who, size_bytes, later_ms in asked:
        clock.now_ms += later_ms
        at_s = clock.now_ms / 1_000 + bandwidth.wait_s(who, size_bytes)
        gone.append((who, size_bytes, at_s))
    assert limits.in_all_bytes_per_s is not None
    assert limits.a_device_bytes_per_s is not None
    assert within(gone, limits.in_all_bytes_per_s)
    for device in "abc":
        assert within([each for each in gone if each[0] == device], limits.a_device_bytes_per_s)


def within(gone: list[tuple[str, int, float]], bytes_per_s: float) -> bool:
    """Whether no more has gone at any moment than the time since the start and what is saved."""
    total = 0
    for _, size_bytes, at_s in sorted(gone, key=lambda each: each[2]):
        total += size_bytes
        # What goes last is whole when it goes.
        if total - size_bytes > bytes_per_s * (at_s + SAVED_S) * (1 + 1e-9) + 1:
            return False
    return True
