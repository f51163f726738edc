"""What goes on, in words, kept in `pages/activities.txt`.

When words were meant to change, write the page anew and look at what differs:

    python -c "from tests.unit.controller.views.test_activities import *
    print(page(), end='')" > tests/unit/controller/views/pages/activities.txt
"""

from functools import partial

from controller.domain.sweeps import Activity, ActivityKind
from controller.views.activities import activities_words, activity_words
from protos.reasons import ReasonCode, reason
from protos.runtimes import Runtime
from tests.unit.controller.samples.pages import kept

_on_device = partial(Activity, backbone="PPLCNet_x1_0", device="pc", runtime=Runtime.ONNXRUNTIME)
_fetching = partial(Activity, kind=ActivityKind.FETCHING_WEIGHTS, backbone="ResNet50")
CROWDED = reason(ReasonCode.CORES_TAKEN, load_by_others=1.27, most=0.5)
ACTIVITIES = (
    _fetching(done_bytes=12_400_000, total_bytes=102_000_000),
    # Whoever sends the weights does not tell how many there are.
    _fetching(done_bytes=12_400_000),
    Activity(kind=ActivityKind.CONVERTING, backbone="ResNet50", step="parity_onnx"),
    Activity(kind=ActivityKind.CONVERTING, backbone="ResNet50", step="parity_onnx", is_again=True),
    *(
        _on_device(kind=kind, is_profile=is_profile, waiting_for=waiting_for, ordinal=1)
        for is_profile in (False, True)
        for kind, waiting_for in (
            (ActivityKind.STARTING, None),
            (ActivityKind.FETCHING_ARTIFACT, None),
            (ActivityKind.WAITING, None),
            (ActivityKind.WAITING, CROWDED),
            (ActivityKind.MEASURING, None),
        )
    ),
    _on_device(kind=ActivityKind.WAITING, waiting_for=CROWDED, waits_at_most_ms=9_600),
)


def page() -> str:
    return "".join(f"{activity_words(each)}\n" for each in ACTIVITIES)


def test_activities_are_told_as_they_are_kept() -> None:
    assert page() == kept(__file__, "activities")


def test_every_kind_of_activity_is_told() -> None:
    assert {each.kind for each in ACTIVITIES} == set(ActivityKind)


def test_devices_are_told_one_after_the_other_and_nothing_is_empty() -> None:
    assert activities_words(ACTIVITIES[:2]).split("; ") == page().splitlines()[:2]
    assert activities_words(()) == ""
