"""What a device may be called, and that the controller takes the same."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.cli.naming import NamingRefused, check_device_name, check_labels
from controller.domain.errors import EdgerankError
from controller.fleet.credibility import check_hello
from protos.device import DeviceProfile
from protos.fleet import Hello
from protos.names import MAX_LABEL_LENGTH, MAX_LABELS

names = st.text(max_size=3) | st.from_regex(r"[A-Za-z0-9._-]{0,66}", fullmatch=True)
values = st.text() | st.integers(MAX_LABEL_LENGTH - 1, MAX_LABEL_LENGTH + 1).map("x".__mul__)


@pytest.mark.parametrize("name", ["pixel-6", "7", "a.b_c-d", "x" * 64, "ALL"])
def test_names_that_can_be_selected_are_taken(name: str) -> None:
    check_device_name(name)


@pytest.mark.parametrize(
    "name", ["", "a,b", "a b", "-a", ".a", "a\n", "\x1b[31mred", "all", "x" * 65, "küche"]
)
def test_names_that_cannot_be_selected_are_refused_in_one_line(name: str) -> None:
    with pytest.raises(NamingRefused) as caught:
        check_device_name(name)
    assert caught.value.exit_code == 2
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "labels",
    [
        {"": "x"},
        {"a b": "x"},
        {"a": "\x1b[2J"},
        {"a": "two\nlines"},
        {"a": "x" * (MAX_LABEL_LENGTH + 1)},
        {f"k{number}": "" for number in range(MAX_LABELS + 1)},
    ],
)
def test_labels_that_cannot_be_shown_are_refused_in_one_line(labels: dict[str, str]) -> None:
    with pytest.raises(NamingRefused) as caught:
        check_labels(labels)
    assert str(caught.value).isprintable()


@given(names, st.dictionaries(names, values, max_size=3))
@example("all", {})
@example("a", {f"k{number}": "küche 3" for number in range(MAX_LABELS)})
@example("a", {f"k{number}": "küche 3" for number in range(MAX_LABELS + 1)})
def test_the_controller_takes_what_the_agent_takes(name: str, labels: dict[str, str]) -> None:
    profile = DeviceProfile(architecture="x86_64")
    hello = Hello(device_id="d", name=name, labels=labels, profile=profile)
    try:
        check_device_name(name)
        check_labels(labels)
    except NamingRefused:
        with pytest.raises(EdgerankError):
            check_hello(hello)
    else:
        check_hello(hello)
