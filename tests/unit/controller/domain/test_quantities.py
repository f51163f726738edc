from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.errors import ErrorCode
from controller.domain.quantities import (
    QuantityInvalid,
    format_interval,
    format_latency,
    format_memory,
    format_number,
    parse_bytes_per_s,
    parse_celsius,
    parse_latency_ms,
    parse_memory_bytes,
)


@pytest.mark.parametrize(
    ("text", "latency_ms"),
    [
        ("20ms", 20),
        ("0.02s", 20),
        ("950us", 0.95),
        ("950 \N{MICRO SIGN}s", 0.95),
        ("950\N{GREEK SMALL LETTER MU}s", 0.95),
        (" 1.5 ms ", 1.5),
        (".5ms", 0.5),
        ("800000ns", 0.8),
    ],
)
def test_a_latency_is_read_with_its_unit(text: str, latency_ms: float) -> None:
    assert parse_latency_ms(text) == pytest.approx(latency_ms)


def test_a_temperature_is_read_with_its_unit() -> None:
    assert parse_celsius("45C") == 45
    assert parse_celsius("52.5 C") == 52.5
    for text in ("45", "113F", "0C", "-3C", "hot"):
        with pytest.raises(QuantityInvalid, match="write 45C or"):
            parse_celsius(text)


@pytest.mark.parametrize(
    ("text", "memory_bytes"),
    [
        ("80MB", 80_000_000),
        ("80MiB", 83_886_080),
        ("1.5GB", 1_500_000_000),
        ("64 KiB", 65_536),
        ("64kB", 64_000),
        ("0.5B", 1),
    ],
)
def test_decimal_and_binary_units_of_memory_are_told_apart(text: str, memory_bytes: int) -> None:
    assert parse_memory_bytes(text) == memory_bytes


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("20", "'20' has none"),
        ("20MB", "'MB'"),
        ("0ms", "'0ms'"),
        ("-3ms", "'-3ms'"),
        ("fast", "'fast'"),
        ("", "''"),
        ("1,5ms", "'1,5ms'"),
        ("9" * 400 + "s", "so many digits"),
    ],
)
def test_a_latency_that_cannot_be_read_says_how_to_write_one(text: str, token: str) -> None:
    with pytest.raises(QuantityInvalid, match=token) as error:
        parse_latency_ms(text)
    assert error.value.code is ErrorCode.INVALID_INPUT
    assert "20ms, 0.02s or" in str(error.value)


@pytest.mark.parametrize("text", ["80", "80Mb", "80ms", "80 M", "-1MB", "MB"])
def test_memory_that_cannot_be_read_says_how_to_write_it(text: str) -> None:
    with pytest.raises(QuantityInvalid, match="80MB, 80MiB or") as error:
        parse_memory_bytes(text)
    assert error.value.code is ErrorCode.INVALID_INPUT


@pytest.mark.parametrize(
    ("text", "bytes_per_s"),
    [
        ("20MB/s", 20_000_000),
        ("500 kB/s", 500_000),
        ("1.5MiB/s", 1_572_864),
        ("100Mbit/s", 12_500_000),
    ],
)
def test_a_rate_is_read_with_its_unit(text: str, bytes_per_s: float) -> None:
    assert parse_bytes_per_s(text) == bytes_per_s


@pytest.mark.parametrize("text", ["20", "20MB", "0MB/s", "20 MB / s", "20MB/min", "/s", "fast"])
def test_a_rate_that_cannot_be_read_says_how_to_write_it(text: str) -> None:
    with pytest.raises(QuantityInvalid, match="20MB/s, 500kB/s or"):
        parse_bytes_per_s(text)


@given(st.text(max_size=20))
@pytest.mark.parametrize("parse", [parse_latency_ms, parse_memory_bytes, parse_bytes_per_s])
def test_any_text_is_a_quantity_above_0_or_a_typed_error(
    parse: Callable[[str], float], text: str
) -> None:
    with suppress(QuantityInvalid):
        assert parse(text) > 0


@pytest.mark.parametrize(
    ("latency_ms", "text"),
    [
        (0.0, "0 ms"),
        (0.0512, "0.0512 ms"),
        (4.312, "4.31 ms"),
        (9.999, "10.0 ms"),
        (99.96, "100 ms"),
        (1240.4, "1,240 ms"),
    ],
)
def test_a_latency_is_written_with_three_digits(latency_ms: float, text: str) -> None:
    assert format_latency(latency_ms) == text


def test_an_interval_is_written_in_brackets() -> None:
    assert format_interval(4.281, 4.352) == "[4.28, 4.35]"


@pytest.mark.parametrize(
    ("memory_bytes", "text"),
    [(0, "0 B"), (999, "999 B"), (81_200_000, "81.2 MB"), (999_700_000, "1.00 GB")],
)
def test_memory_is_written_in_decimal_units(memory_bytes: int, text: str) -> None:
    assert format_memory(memory_bytes) == text


@given(st.integers(0, 10**15))
def test_written_memory_reads_back_within_its_digits(memory_bytes: int) -> None:
    written = format_memory(max(1, memory_bytes)).replace(",", "")
    assert parse_memory_bytes(written) == pytest.approx(max(1, memory_bytes), rel=0.006)


@given(st.floats(1e-9, 1e9))
def test_a_written_number_is_within_half_a_digit(number: float) -> None:
    assert float(format_number(number).replace(",", "")) == pytest.approx(number, rel=0.0051)
