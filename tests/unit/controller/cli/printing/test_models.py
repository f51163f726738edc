"""Backbones on the terminal, kept in `pages/models.txt`.

When a page was meant to change, write them anew and look at what differs:

    python -c "from tests.unit.controller.cli.printing.test_models import *
    print(bound(pages()), end='')" > tests/unit/controller/cli/printing/pages/models.txt
"""

from dataclasses import replace

from controller.cli.printing.models import print_models, print_own_models, print_tier
from controller.domain.catalog import OwnModel
from models.catalog.catalog import Backbone, load_catalog
from models.catalog.own import AssumedAxis, InputAxis, OwnFormat
from models.catalog.tiers import Tier, apply_rule
from protos.inputs import (
    ConstantInput,
    ElementType,
    ImageSize,
    InputKind,
    Layout,
    NetworkInput,
    square,
)
from tests.unit.controller.samples.pages import COLUMNS, bound, kept, printed

CATALOG = load_catalog()
MINE = OwnModel(
    name="Mine",
    format=OwnFormat.ONNX,
    digest="a7" * 32,
    size_bytes=14_100_000,
    takes=NetworkInput(size=square(192)),
    params_m=3.5,
    output_shapes=("1x10", "1x5"),
    added_at_unix_ms=0,
)
OPEN = replace(
    MINE,
    name="Open",
    params_m=0.000314,
    assumed=(
        AssumedAxis(axis=InputAxis.CHANNELS, size=3),
        AssumedAxis(axis=InputAxis.WIDTH, size=192),
    ),
)
STRANGE = replace(
    MINE,
    name="Strange",
    takes=NetworkInput(
        size=ImageSize(48, 192),
        batch=4,
        kind=InputKind(
            layout=Layout.NHWC,
            element_type=ElementType.UINT8,
            channels=1,
            constants=(
                ConstantInput(
                    name="scale_factor",
                    element_type=ElementType.FLOAT32,
                    shape=(2,),
                    values=(1, 0.5),
                    for_each_image=True,
                ),
            ),
        ),
    ),
    output_shapes=("4x10",),
)


def some(*names: str) -> list[Backbone]:
    return [CATALOG.get(name) for name in names]


def pages() -> dict[str, str]:
    marked = some(
        "MobileNetV3_large_x1_0",
        "ResNet50",
        # Published at 224 pixels, evaluated at 256, and so counted differently.
        "RegNetX_1600MF",
        # Distilled, and on more data.
        "ResNet34_vd_ssld",
        "SwinTransformer_large_patch4_window7_224_22kto1k",
        # No accuracy is published.
        "TinyNet_E",
        # A package cannot build it.
        "SwinTransformerV2_tiny_patch4_window8_256",
    )
    server = some("RegNetX_4GF", "TinyNet_E", "ResNet50", "ResNet101_vd", "ResNet200_vd")
    return {
        "what is marked and what is counted": printed(print_models, marked),
        "nothing to explain": printed(print_models, some("ResNet50")),
        "a tier with what it rejected": printed(print_tier, apply_rule(server, Tier.SERVER)),
        "own models": printed(print_own_models, [MINE, OPEN, STRANGE]),
        "no own models": printed(print_own_models, []),
    }


def test_models_are_printed_as_they_are_kept() -> None:
    assert bound(pages()) == kept(__file__, "models")


def test_the_whole_catalog_fits_a_terminal_and_is_counted() -> None:
    everything = printed(print_models, list(CATALOG))
    assert max(map(len, everything.splitlines())) <= COLUMNS
    assert f"\n{len(CATALOG)} backbones. " in everything
