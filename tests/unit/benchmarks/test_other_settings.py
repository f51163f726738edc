"""What predictions are tried on may be known, and is not what they are asked for."""

from tests.benchmarks.predicting.leaving_out import holds
from tests.benchmarks.predicting.other_settings import latencies, memories
from tests.benchmarks.predicting.trials import Subject


def device(setting: str) -> str:
    return setting.split(",", maxsplit=1)[0]


def is_asked_and_known(subject: Subject) -> bool:
    return any(dict(each.values) == dict(subject.values) for each in subject.elsewhere)


def test_only_other_settings_of_the_same_device_are_known() -> None:
    subjects = list(latencies())
    assert len({subject.shown for subject in subjects}) == len(subjects) == 11
    for subject in subjects:
        assert subject.elsewhere
        assert {device(each.setting) for each in subject.elsewhere} == {device(subject.shown)}
        assert not is_asked_and_known(subject)


def test_memory_is_tried_with_nothing_known_and_with_the_other_runtime() -> None:
    subjects = list(memories())
    assert len({subject.shown for subject in subjects}) == len(subjects) == 8
    for subject in subjects:
        assert len(subject.values) >= 200
        assert bool(subject.elsewhere) == subject.shown.endswith("the other runtime")
        assert not is_asked_and_known(subject)
        assert all(1e6 < value < 1e10 for value in subject.values.values())


def test_a_row_that_says_nothing_of_a_figure_keeps_no_promise() -> None:
    setting = "Snapdragon 855, 1 thread"
    few = [setting, "41", "16", "edgerank", "9 %", "", "3.0 %", "4.0 %", "60 %", "90 %", "", ""]
    many = [setting, "41", "64", "edgerank", "99 %", "0.993", "1 %", "1 %", "85 %", "100 %", "", ""]
    assert not holds([few, many])
    few[5] = "0.990"
    assert holds([few, many])
