"""Conversions begin in the order in which devices need them, whatever sweeps there are."""

from collections.abc import Mapping, Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from controller.conversions.demand import Demand
from controller.conversions.need import Urgency, Wish, most_needed

DEVICES = [f"device-{number}" for number in range(6)]
BACKBONES = [f"backbone-{number}" for number in range(5)]
urgencies = st.builds(
    Urgency,
    priority=st.integers(-10, 10),
    deadline_unix_ms=st.none() | st.integers(0, 10),
)


@st.composite
def wishes(draw: st.DrawFn) -> Wish:
    devices = draw(st.frozensets(st.sampled_from(DEVICES), min_size=1))
    idle = draw(st.frozensets(st.sampled_from(sorted(devices))))
    place = draw(st.integers(0, 20))
    return Wish(urgency=draw(urgencies), devices=devices, idle=idle, place=place)


waiting = st.dictionaries(st.sampled_from(BACKBONES), st.lists(wishes(), max_size=3), min_size=1)
wanted = st.dictionaries(
    st.sampled_from(BACKBONES), st.lists(wishes(), min_size=1, max_size=3), min_size=1
)


def priority(some: Sequence[Wish]) -> int:
    """Of the most urgent; what nobody wants has none."""
    return max((wish.urgency.priority for wish in some), default=0)


def idle(some: Sequence[Wish]) -> frozenset[str]:
    return frozenset(device for wish in some for device in wish.idle)


def alike(**changes: object) -> Wish:
    usual: dict[str, object] = {
        "urgency": Urgency(),
        "devices": frozenset(DEVICES[:2]),
        "idle": frozenset(),
        "place": 5,
    }
    return Wish(**usual | changes)  # type: ignore[arg-type]


@given(waiting)
def test_nothing_goes_before_what_a_more_urgent_sweep_waits_for(
    conversions: Mapping[str, Sequence[Wish]],
) -> None:
    first = most_needed(conversions)
    assert priority(conversions[first]) == max(map(priority, conversions.values()))


@given(waiting)
def test_of_one_priority_what_serves_most_devices_with_nothing_to_do_is_first(
    conversions: Mapping[str, Sequence[Wish]],
) -> None:
    first = most_needed(conversions)
    rivals = [
        each for each in conversions.values() if priority(each) == priority(conversions[first])
    ]
    assert len(idle(conversions[first])) == max(len(idle(each)) for each in rivals)


@given(waiting, st.randoms())
def test_the_choice_is_the_same_in_whichever_order_equal_wishes_were_made(
    conversions: Mapping[str, Sequence[Wish]], random: Random
) -> None:
    shuffled = {name: random.sample(some, len(some)) for name, some in conversions.items()}
    assert most_needed(shuffled) == most_needed(conversions)


@given(
    st.dictionaries(
        st.sampled_from(BACKBONES), st.lists(wishes(), min_size=1, max_size=3), min_size=1
    )
)
def test_as_long_as_devices_have_nothing_to_do_each_conversion_serves_one_of_them(
    conversions: Mapping[str, Sequence[Wish]],
) -> None:
    """What the rule is for: of one priority, nobody waits behind a second helping of others."""
    left = {
        name: [alike(devices=wish.devices, idle=wish.devices, place=wish.place) for wish in some]
        for name, some in conversions.items()
    }
    hungry = set().union(*(wish.devices for some in left.values() for wish in some))
    while left:
        name = most_needed(left)
        served = set().union(*(wish.devices for wish in left.pop(name)))
        assert not hungry or served & hungry
        hungry -= served
        left = {
            each: [alike(devices=w.devices, idle=w.devices & hungry, place=w.place) for w in some]
            for each, some in left.items()
        }
    assert not hungry


def test_what_is_left_of_equals_is_decided_by_deadline_devices_and_place() -> None:
    tomorrow = Urgency(deadline_unix_ms=86_400_000)
    alone, everybody = frozenset(DEVICES[:1]), frozenset(DEVICES)
    assert most_needed({"any time": [alike()], "due": [alike(urgency=tomorrow)]}) == "due"
    assert (
        most_needed({"few": [alike(devices=alone)], "many": [alike(devices=everybody)]}) == "many"
    )
    assert most_needed({"late": [alike(place=9)], "early": [alike(place=3)]}) == "early"
    # Each is decided only where what is before it is equal.
    assert most_needed({"idle": [alike(idle=alone)], "due": [alike(urgency=tomorrow)]}) == "idle"
    due, many = [alike(urgency=tomorrow, devices=alone)], [alike(devices=everybody)]
    assert most_needed({"due": due, "many": many}) == "due"
    assert most_needed({"early": [alike(place=0)], "many": many}) == "many"


def test_what_two_sweeps_want_is_needed_by_the_devices_of_both() -> None:
    halves = [alike(devices=frozenset(DEVICES[:2])), alike(devices=frozenset(DEVICES[2:4]))]
    assert most_needed({"one": [alike(devices=frozenset(DEVICES[:3]))], "both": halves}) == "both"


def test_what_is_converted_ahead_is_the_last_of_what_has_no_priority() -> None:
    patient = alike(urgency=Urgency(priority=-1))
    assert most_needed({"ahead": [], "wanted": [alike()]}) == "wanted"
    assert most_needed({"wanted": [patient], "ahead": []}) == "ahead"


def demanded() -> Demand:
    """Two backbones that a phone waits for, and one for a board."""
    demand = Demand()
    places = {"a": {"phone": 0}, "b": {"phone": 1}, "c": {"board": 2}}
    demand.want("sweep", Urgency(), places, ["phone", "board"])
    return demand


def test_a_device_that_was_served_waits_behind_one_that_has_nothing_yet() -> None:
    demand = demanded()
    assert demand.first(["c", "b", "a"]) == "a"
    demand.served(["phone"])
    assert demand.first(["c", "b"]) == "c"
    demand.served(["board"])
    assert demand.first(["c", "b"]) == "b"


def test_a_sweep_that_was_made_more_urgent_is_next_and_one_that_ended_is_forgotten() -> None:
    demand = demanded()
    demand.want("other", Urgency(), {"d": {"tablet": 7}}, [])
    assert demand.first(["d", "b"]) == "b"
    demand.urge("other", Urgency(priority=1))
    assert demand.first(["d", "b"]) == "d"
    demand.forget("other")
    assert demand.first(["d", "b"]) == "b"
    demand.urge("other", Urgency(priority=9))
    assert demand.first(["d", "b"]) == "b"
