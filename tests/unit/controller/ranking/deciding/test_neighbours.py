"""Which other devices, and which of their settings, races and predictions may learn from."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from controller.domain.devices import Device
from controller.domain.measurements import Verdict
from controller.domain.rankings.predictions import LEAST_MEASURED
from controller.ranking.prediction.elsewhere import (
    MOST_DEVICES,
    MOST_OTHERS,
    nearest_devices,
    telling_settings,
)
from controller.ranking.prediction.evidence import Network, Setting, is_comparable
from models.catalog.precisions import Precision
from protos.inputs import square
from protos.runtimes import Runtime
from tests.unit.controller.samples.measurements import catalog, device, measurement, settings

OWN = device()
NETWORKS: list[Network] = [(f"Net{number}", square(224)) for number in range(30)]

devices = st.lists(
    st.tuples(st.sampled_from(["Cortex-A76", "Cortex-A55", ""]), st.sampled_from(["", "qemu"])),
    max_size=40,
).map(lambda kinds: [other(number, *kind) for number, kind in enumerate(kinds)])
measured = st.dictionaries(
    st.builds(
        Setting,
        st.sampled_from("abcdefgh"),
        st.sampled_from(Runtime),
        st.integers(1, 8),
    ),
    st.sets(st.sampled_from(NETWORKS)).map(lambda names: dict.fromkeys(sorted(names), 5.0)),
    max_size=50,
)


def other(number: int, cpu_model: str, emulator: str = "", architecture: str = "aarch64") -> Device:
    profile = replace(
        OWN.profile, cpu_model=cpu_model, emulator=emulator, architecture=architecture
    )
    return device(device_id=f"{number:02}", name=f"other{number}", profile=profile)


@given(devices, st.data())
def test_few_real_devices_are_chosen_and_each_is_as_alike_as_any_that_is_not(
    others: list[Device], data: st.DataObject
) -> None:
    counts = {each.device_id: data.draw(st.integers(0, 5)) for each in others}
    chosen = nearest_devices(OWN, others, counts)
    real = [each for each in others if not each.profile.emulator]
    assert len(chosen) == min(MOST_DEVICES, len(real))
    left = [each for each in real if each not in chosen]

    def alike(each: Device) -> tuple[bool, int]:
        return each.profile.cpu_model == OWN.profile.cpu_model, counts[each.device_id]

    assert not left or min(map(alike, chosen)) >= max(map(alike, left))
    assert nearest_devices(OWN, others[::-1], counts) == chosen


def test_the_same_processor_comes_before_the_same_architecture_and_that_before_much_measured() -> (
    None
):
    same, alike, much = (
        other(1, OWN.profile.cpu_model),
        other(2, "another"),
        other(3, "another", architecture="x86_64"),
    )
    assert nearest_devices(OWN, [much, alike, same], {"03": 9_000}) == [same, alike, much]
    # Of processors that nobody names nothing is known to be alike.
    unnamed = replace(OWN, profile=replace(OWN.profile, cpu_model=""))
    also = other(4, "")
    assert nearest_devices(unnamed, [also, alike], {"02": 1}) == [alike, also]


@given(measured, st.sets(st.sampled_from(NETWORKS)), st.sampled_from(Runtime))
def test_few_settings_that_can_tell_are_chosen_of_the_same_runtime_and_most_in_common_first(
    found: dict[Setting, dict[Network, float]], asked: set[Network], runtime: Runtime
) -> None:
    chosen = telling_settings(found, asked, {runtime})
    can_tell = [each for each in found if len(found[each]) >= LEAST_MEASURED]
    assert len(chosen) == min(MOST_OTHERS, len(can_tell))
    order = [(each.runtime is not runtime, -len(asked & found[each].keys())) for each in chosen]
    assert order == sorted(order)
    assert len(set(chosen)) == len(chosen)
    assert set(chosen) <= set(can_tell)


def test_one_rule_says_what_tells_of_others() -> None:
    known = {each.name: each for each in catalog(Net=70.0)}
    plain = measurement("Net", settings=settings())
    aside = [
        replace(plain, verdict=Verdict.DISTURBED),
        replace(plain, verdict=Verdict.THROTTLED),
        replace(plain, verdict=Verdict.FAILED),
        replace(plain, emulator="qemu-user"),
        replace(plain, precision=Precision.INT8),
        replace(plain, batch=8),
        replace(plain, input_size=square(96)),
        replace(plain, settings=settings(cores=(1,))),
        replace(plain, backbone="nobody's"),
    ]
    wide = replace(plain, verdict=Verdict.WIDE)
    assert [each for each in (plain, *aside, wide) if is_comparable(each, known)] == [plain, wide]
