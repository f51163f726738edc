"""Who is not answered dials again ever more patiently, so that a line of many gets shorter."""

from hypothesis import given
from hypothesis import strategies as st

from agent.link.dialling import dial_patience_s


@given(number=st.integers(1, 10_000), timeout_s=st.floats(0.1, 3_600))
def test_a_dial_waits_longer_than_the_one_before_and_not_for_ever(
    number: int, timeout_s: float
) -> None:
    first, this, after = (dial_patience_s(each, timeout_s) for each in (1, number, number + 1))
    assert first == timeout_s
    assert this <= after <= 2 * this
    assert after <= max(timeout_s, 120)


def test_a_dial_waits_twice_as_long_as_the_one_before() -> None:
    assert [dial_patience_s(number, 10.0) for number in range(1, 7)] == [10, 20, 40, 80, 120, 120]
