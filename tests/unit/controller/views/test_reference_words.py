"""What published figures beside measured ones are called."""

from dataclasses import replace

from controller.domain.rankings.reference import Agreement
from controller.views.report.reference import reference_parts
from tests.unit.controller.samples.reports import REFERENCE


def test_counts_are_told_as_people_say_them() -> None:
    device = REFERENCE.devices[0]
    counts = {
        Agreement.AGREES: 1,
        Agreement.DISAGREES: 2,
        Agreement.OTHER_SETTING: 3,
        Agreement.NOT_MEASURED: 4,
    }
    pairs = [
        replace(device.pairs[0], agreement=each)
        for each, count in counts.items()
        for _ in range(count)
    ]
    told = replace(REFERENCE, devices=(replace(device, pairs=tuple(pairs)),))
    _, part = reference_parts(told)
    assert part.sentences == (
        "10 published figures: 1 agrees, 2 disagree, 3 of another setting, 4 not measured.",
    )
