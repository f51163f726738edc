"""A profile on the terminal, kept in `pages/profile.txt`.

When a page was meant to change, write them anew and look at what differs:

    python -c "from tests.unit.controller.cli.printing.test_profile import *
    print(bound(pages()), end='')" > tests/unit/controller/cli/printing/pages/profile.txt
"""

from dataclasses import replace

from controller.cli.printing.profile import TOP_LAYERS, print_profile
from controller.domain.profiles import OperatorProfile
from controller.views.operator_times import summarise
from models.catalog.precisions import Precision
from tests.unit.controller.samples.pages import COLUMNS, bound, kept
from tests.unit.controller.samples.pages import printed as on_terminal
from tests.unit.controller.samples.profiles import PROFILE, layer, times

MANY = replace(
    PROFILE,
    times=times(*(layer(f"layer-{number}", "Conv", number) for number in range(TOP_LAYERS + 1))),
    precision=Precision.INT8_STATIC,
    batch=4,
)


def printed(profile: OperatorProfile, *, by_layer: bool) -> str:
    return on_terminal(print_profile, summarise(profile, "trace.json"), by_layer=by_layer)


def pages() -> dict[str, str]:
    # What a network calls its layers is text, whatever it looks like.
    return {
        "operators and the slowest layers": printed(PROFILE, by_layer=False),
        "every layer": printed(MANY, by_layer=True),
    }


def test_profiles_are_printed_as_they_are_kept() -> None:
    assert bound(pages()) == kept(__file__, "profile")


def test_a_profile_of_an_emulated_device_is_marked() -> None:
    assert "(qemu-user)" in printed(replace(PROFILE, emulator="qemu-user"), by_layer=False)
    assert "emulated" not in printed(PROFILE, by_layer=False)


def test_a_profile_fits_a_terminal() -> None:
    assert all(len(line) <= COLUMNS for page in pages().values() for line in page.splitlines())


def test_of_many_layers_the_slowest_are_shown_unless_every_one_is_asked_for() -> None:
    every, few = printed(MANY, by_layer=True), printed(MANY, by_layer=False)
    assert all(f"layer-{number} " in every for number in range(TOP_LAYERS + 1))
    assert f"slowest {TOP_LAYERS}" in few
    assert "layer-1 " in few
    assert "layer-0 " not in few
