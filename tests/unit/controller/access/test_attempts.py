"""Who fails to join too often is not listened to, and nobody else is kept out by it."""

import pytest

from controller.access.attempts import WINDOW_MS, FailedAttempts
from controller.domain.errors import EdgerankError, ErrorCode


def is_heard(attempts: FailedAttempts, address: str, now_ms: int) -> bool:
    try:
        attempts.check(address, now_ms)
    except EdgerankError as error:
        return error.code is not ErrorCode.LIMIT
    return True


@pytest.fixture
def attempts() -> FailedAttempts:
    return FailedAttempts(an_address=3, in_all=5)


def test_an_address_may_fail_so_often_in_a_minute(attempts: FailedAttempts) -> None:
    for now_ms in (0, 10, 20):
        assert is_heard(attempts, "a", now_ms)
        attempts.failed("a", now_ms)
    assert not is_heard(attempts, "a", 20)
    assert is_heard(attempts, "b", 20)
    assert not is_heard(attempts, "a", WINDOW_MS - 1)
    assert is_heard(attempts, "a", WINDOW_MS)


def test_where_all_fail_too_often_an_honest_first_attempt_is_heard(
    attempts: FailedAttempts,
) -> None:
    for number in range(5):
        attempts.failed(f"attacker {number}", 0)
    assert not is_heard(attempts, "attacker 1", 1)
    assert is_heard(attempts, "honest", 1)


def test_however_many_addresses_somebody_has_little_is_remembered(
    attempts: FailedAttempts,
) -> None:
    for number in range(30_000):
        attempts.failed(str(number), 0)
    assert len(attempts._failed) == len(attempts._by_address) == 10_000
