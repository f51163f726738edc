"""What a person reads of predictions."""

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
