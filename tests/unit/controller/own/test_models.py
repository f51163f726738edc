"""What may join the catalog is said before a byte of it is sent, and then it is as any backbone."""

from dataclasses import replace

import pytest

from controller.domain.catalog import OwnFile, OwnModel, OwnModelHeader, as_backbone, joined_catalog
from controller.domain.errors import EdgerankError, ErrorCode
from controller.own.models import check_header, trained_of
from models.catalog.catalog import Catalog
from models.catalog.own import MAX_OWN_BYTES, OwnFormat, Trained
from models.catalog.tiers import Tier, select_tier
from protos.inputs import InputValues, NetworkInput, square
from tests.unit.controller.samples.measurements import catalog

FILE = OwnFile(size_bytes=1_000, sha256="5f" * 32)
HEADER = OwnModelHeader(name="Mine", format=OwnFormat.ONNX, files=(FILE,))
WEIGHTS = replace(HEADER, format=OwnFormat.WEIGHTS, architecture="ResNet50")
MODEL = OwnModel(
    name="Mine",
    format=OwnFormat.ONNX,
    digest="a7" * 32,
    size_bytes=1_000,
    takes=NetworkInput(size=square(192), batch=4),
    params_m=3.5,
    output_shapes=("1x10",),
    added_at_unix_ms=0,
)
PACKAGED = catalog(ResNet50=76.5)


def test_a_sound_header_is_taken() -> None:
    check_header(HEADER, PACKAGED)
    check_header(replace(HEADER, input_size=square(1024)), PACKAGED)
    check_header(replace(HEADER, format=OwnFormat.PADDLE, files=(FILE, FILE)), PACKAGED)
    check_header(WEIGHTS, PACKAGED)
    check_header(replace(WEIGHTS, classes=17), PACKAGED)


@pytest.mark.parametrize(
    ("header", "token"),
    [
        (replace(HEADER, name="my net"), "'my net' .* 1 to 64"),
        (replace(HEADER, name="../x"), "name a model"),
        (replace(HEADER, name=""), "name a model"),
        (replace(HEADER, files=()), "model.onnx"),
        (replace(HEADER, format=OwnFormat.PADDLE), "model.pdmodel and model.pdiparams"),
        (replace(HEADER, files=(replace(FILE, size_bytes=0),)), "none of them empty"),
        (replace(HEADER, files=(replace(FILE, sha256="../../x"),)), "SHA-256"),
        (
            replace(HEADER, files=(replace(FILE, size_bytes=MAX_OWN_BYTES + 10**8),)),
            "2.1 GB; .* at most 2 GB",
        ),
        (
            replace(HEADER, inputs=(InputValues(name="x", values=(1,)),) * 5),
            "5 inputs .* at most 4",
        ),
        (
            replace(HEADER, inputs=(InputValues(name="x\x1b[2J", values=(1,)),)),
            "cannot be printed",
        ),
        (replace(WEIGHTS, architecture=None), "architecture"),
        (replace(WEIGHTS, classes=0), "1 to 1,000,000"),
    ],
)
def test_what_cannot_be_kept_is_refused_unsent(header: OwnModelHeader, token: str) -> None:
    with pytest.raises(EdgerankError, match=token) as refused:
        check_header(header, PACKAGED)
    assert refused.value.code is ErrorCode.INVALID_INPUT


def test_weights_are_of_an_architecture_or_backbone_of_the_catalog() -> None:
    assert trained_of(HEADER, PACKAGED) is None
    (resnet,) = PACKAGED
    of_its_name = trained_of(replace(WEIGHTS, classes=17), PACKAGED)
    assert of_its_name == Trained(
        architecture=resnet.architecture, evaluation_size=resnet.input_size, classes=17
    )
    distilled = Catalog([replace(resnet, name="ResNet50_ssld", input_size=square(288)), resnet])
    meant = trained_of(replace(WEIGHTS, architecture="ResNet50_ssld"), distilled)
    assert meant == Trained(architecture=resnet.architecture, evaluation_size=square(288))
    # An own model is no architecture.
    joined = joined_catalog(PACKAGED, [MODEL])
    for unknown in ("ResNet", "Mine"):
        with pytest.raises(EdgerankError) as refused:
            trained_of(replace(WEIGHTS, architecture=unknown), joined)
        assert refused.value.code is ErrorCode.UNKNOWN_NAME


@pytest.mark.parametrize("name", ["ResNet50", "resnet50"])
def test_a_name_of_the_catalog_is_taken(name: str) -> None:
    with pytest.raises(EdgerankError, match="has ResNet50 already") as refused:
        check_header(replace(HEADER, name=name), PACKAGED)
    assert refused.value.code is ErrorCode.NAME_TAKEN


def test_an_own_model_is_a_backbone_without_accuracy_that_no_tier_takes() -> None:
    joined = joined_catalog(PACKAGED, [MODEL])
    assert joined.get("Mine") == as_backbone(MODEL)
    assert joined.get("Mine").top1 is None
    assert (joined.get("Mine").input_size, joined.get("Mine").batch) == (square(192), 4)
    for tier in Tier:
        assert "Mine" not in {backbone.name for backbone in select_tier(joined, tier)}


def test_a_newer_package_does_not_take_an_own_models_name() -> None:
    joined = joined_catalog(PACKAGED, [replace(MODEL, name="ResNet50")])
    assert [backbone.series for backbone in joined] == ["own"]


def test_a_catalog_takes_and_gives_back() -> None:
    joined = joined_catalog(PACKAGED, [])
    iterating = iter(joined)
    joined.add(as_backbone(MODEL))
    assert [backbone.name for backbone in iterating] == ["ResNet50"]
    assert "Mine" in joined
    with pytest.raises(ValueError, match="'Mine'"):
        joined.add(as_backbone(MODEL))
    joined.remove("Mine")
    assert list(joined) == list(PACKAGED)
