"""What a side of a comparison means is read exactly, or refused with what would be right."""

from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.selectors import Selector, SelectorInvalid, parse_selector
from protos.runtimes import Runtime
from tests.unit.controller.samples.measurements import measurement

DAY_UNIX_MS = 1_795_478_400_000  # 2026-11-24, 00:00 UTC


def test_a_plain_word_is_a_sweep() -> None:
    selector = parse_selector("3f2a9c01b7de")
    assert selector == Selector(text="3f2a9c01b7de", sweep_id="3f2a9c01b7de")
    assert selector.selects(measurement("Net", sweep_id="3f2a9c01b7de"))
    assert not selector.selects(measurement("Net", sweep_id="8d18c12d8aac"))


def test_a_runtime_and_a_version_of_it() -> None:
    ort = measurement("Net", runtime=Runtime.ONNXRUNTIME, runtime_version="1.23.2")
    lite = measurement("Net", runtime=Runtime.PADDLELITE, runtime_version="1.23.2")
    assert parse_selector("runtime:onnxruntime").selects(ort)
    assert not parse_selector("runtime:onnxruntime").selects(lite)
    assert parse_selector("version:onnxruntime=1.23.2").selects(ort)
    assert not parse_selector("version:onnxruntime=1.23").selects(ort)
    assert not parse_selector("version:onnxruntime=1.23.2").selects(lite)


def test_a_build_is_chosen_by_a_part_of_what_it_says_of_itself() -> None:
    build = "git-commit-id=a83fc4d58c, build type=Release"
    ort = measurement("Net", runtime=Runtime.ONNXRUNTIME, runtime_build=build)
    lite = measurement("Net", runtime=Runtime.PADDLELITE, runtime_build=build)
    assert parse_selector("build:onnxruntime=a83fc4d58c").selects(ort)
    assert not parse_selector("build:onnxruntime=4f2b1e09aa").selects(ort)
    assert not parse_selector("build:onnxruntime=a83fc4d58c").selects(lite)
    with pytest.raises(SelectorInvalid, match="tells the builds"):
        parse_selector("build:onnxruntime")


@pytest.mark.parametrize(
    ("date", "unix_ms"),
    [
        ("2026-11-24", DAY_UNIX_MS),
        ("2026-11-24T18:30", DAY_UNIX_MS + 66_600_000),
        ("2026-11-24T01:00+01:00", DAY_UNIX_MS),
    ],
)
def test_a_day_begins_at_midnight_utc(date: str, unix_ms: int) -> None:
    assert parse_selector(f"after:{date}").after_unix_ms == unix_ms
    assert parse_selector(f"before:{date}").before_unix_ms == unix_ms


@given(st.integers(DAY_UNIX_MS - 10**9, DAY_UNIX_MS + 10**9) | st.just(DAY_UNIX_MS))
def test_before_and_after_a_date_part_all_measurements(measured_at_unix_ms: int) -> None:
    measured = measurement("Net", measured_at_unix_ms=measured_at_unix_ms)
    before, after = (parse_selector(f"{side}:2026-11-24") for side in ("before", "after"))
    assert before.selects(measured) is not after.selects(measured)


def test_terms_joined_by_commas_must_all_hold() -> None:
    selector = parse_selector("s1, runtime:paddlelite,after:2026-11-24,before:2026-11-25")
    inside: dict[str, Any] = {"sweep_id": "s1", "measured_at_unix_ms": DAY_UNIX_MS}
    assert selector.selects(measurement("Net", runtime=Runtime.PADDLELITE, **inside))
    assert not selector.selects(measurement("Net", runtime=Runtime.ONNXRUNTIME, **inside))
    later = inside | {"measured_at_unix_ms": DAY_UNIX_MS + 86_400_000}
    assert not selector.selects(measurement("Net", runtime=Runtime.PADDLELITE, **later))


@pytest.mark.parametrize("name", ["3f2", "nightly run", "夜間"])
def test_a_sweep_is_meant_by_its_id_or_its_name(name: str) -> None:
    assert parse_selector(f"{name},runtime:paddlelite").sweep_id == name


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "write a sweep's id or name, runtime:NAME"),
        ("s1,", "'' selects no measurements"),
        ("device:pc", "'device:pc' selects no measurements"),
        ("runtime:", "'runtime:' selects no measurements"),
        ("runtime:tflite", "write paddlelite or onnxruntime"),
        ("version:onnxruntime", "as version:onnxruntime=1.23.2"),
        ("version:1.23.2", "write version:RUNTIME=VERSION"),
        ("before:yesterday", "'yesterday' is no date"),
        ("after:2026-13-01", "write 2026-11-24 or"),
        ("s1,s2", "says its sweep twice"),
        ("runtime:onnxruntime,version:paddlelite=2", "runtime twice"),
        ("after:2026-11-24,after:2026-11-25", "says its after twice"),
    ],
)
def test_what_is_no_selector_says_how_to_write_one(text: str, sentence: str) -> None:
    with pytest.raises(SelectorInvalid, match=sentence):
        parse_selector(text)


@given(
    st.text()
    | st.builds(
        "{}:{}".format,
        st.sampled_from(["runtime", "version", "before", "after"]),
        st.text() | st.datetimes(timezones=st.timezones() | st.none()).map(datetime.isoformat),
    )
)
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(SelectorInvalid):
        assert parse_selector(text).text == text
