"""`edgerank profile` helps whoever types it."""

import click
from click.testing import CliRunner

from controller.cli.options.backbones import complete_backbone
from controller.cli.profile import profile


def test_the_help_has_examples_and_what_it_costs() -> None:
    text = CliRunner().invoke(profile, ["--help"]).output
    assert "edgerank profile MobileNetV1" in text
    assert "Watching costs time" in " ".join(text.split())
    assert "--graph-optimization" in text
    assert "--max-temperature" in text


def test_names_of_backbones_are_completed() -> None:
    context = click.Context(profile)
    found = complete_backbone(context, profile.params[0], "MobileNetV1")
    assert "MobileNetV1_x0_25" in [item.value for item in found]
    assert all(item.value.startswith("MobileNetV1") for item in found)
