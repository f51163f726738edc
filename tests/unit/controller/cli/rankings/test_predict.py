"""What a person reads of predictions."""

from dataclasses import replace

from controller.cli.printing.rankings.predictions import print_predictions
from tests.unit.controller.samples.pages import printed
from tests.unit.controller.samples.predictions import PREDICTIONS


def test_every_figure_has_its_interval_and_the_sweep_can_be_copied() -> None:
    page = printed(print_predictions, PREDICTIONS)
    assert page.count("~ ") == 3
    assert page.count("[") == 3
    told = {name for name in ("PPLCNet_x1_0", "MobileNetV3_large_x1_0", "VGG16") if name in page}
    assert len(told) == 3
    (command,) = (line for line in page.splitlines() if line.startswith("edgerank sweep"))
    assert "--devices board" in command or "--device board" in command


def test_what_was_measured_is_told_where_it_is_asked_for_by_name() -> None:
    asked = ("MobileNetV1_x0_0", "PPLCNet_x1_0")
    page = printed(print_predictions, PREDICTIONS, asked)
    assert "Measured here, so not predicted: MobileNetV1_x0_0: 1.20 ms [1.19, 1.22]" in page
    assert "Measured here" not in printed(print_predictions, PREDICTIONS)


def test_what_was_predicted_before_it_was_measured_is_told_apart_from_what_is_left_out() -> None:
    page = " ".join(printed(print_predictions, PREDICTIONS).split())
    assert "each of the 16 predicted without its own measurement" in page
    assert "latency: 41 earlier predictions measured since" in page
    assert "made when 12 to 40 backbones were known" in page
    assert "off by 6.2% (median), 8.1% (mean)" in page
    assert "88% within intervals that promised 90%" in page
    assert "farthest off ResNet50, 31.2 ms predicted and 41.5 ms measured" in page


def test_where_none_was_measured_yet_that_is_said_once_of_what_is_predicted() -> None:
    first, second = PREDICTIONS.settings
    none = replace(PREDICTIONS, settings=(replace(first, earlier_errors=None), second))
    page = printed(print_predictions, none)
    assert page.count("no earlier prediction was measured yet") == 1
    assert "measured since" not in page
