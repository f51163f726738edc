"""What was counted of networks, found again by the backbone that it is of."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from controller.domain.catalog import OwnModel
from controller.state.artifacts import record_artifact
from controller.state.catalog.network_counts import stored_counts
from controller.state.catalog.own_models import forget_own_model, record_own_model
from controller.state.database import Database, open_database
from controller.state.measurements.stamps import evidence_stamp
from models.catalog.features import NetworkCount, NetworkFeatures
from models.catalog.own import OwnFormat
from models.catalog.precisions import Precision
from models.catalog.variants import Format, Target, Variant, WeightsKind
from protos.inputs import NetworkInput, square
from tests.integration.controller.conftest import converted_of

# More than 32 bits hold.
LARGE = NetworkCount(
    features=NetworkFeatures(
        params=7, multiply_adds=3 * 10**11, activations=10**9, traffic_bytes=10**10
    )
)
REFUSED = NetworkCount(refusal="no rule says what the operator Einsum costs")
SIZE = square(224)
VARIANT = Variant("MobileNetV1", Format.ONNX, Precision.FP32, Target.ANY, SIZE)
OWN = OwnModel(
    name="Mine",
    format=OwnFormat.ONNX,
    digest="d" * 64,
    size_bytes=7,
    takes=NetworkInput(size=SIZE),
    params_m=0.1,
    output_shapes=("1x10",),
    added_at_unix_ms=1,
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path / 'controller.sqlite'}")
    yield opened
    opened.close()


def test_the_newest_conversion_counts(database: Database) -> None:
    before = evidence_stamp(database, [])
    first = replace(converted_of(VARIANT), count=REFUSED)
    record_artifact(database, first, now_unix_ms=1)
    assert stored_counts(database) == {("MobileNetV1", SIZE): REFUSED}
    again = replace(first, conversion_key="other", sha256="e" * 64, count=LARGE)
    record_artifact(database, again, now_unix_ms=2)
    assert stored_counts(database) == {("MobileNetV1", SIZE): LARGE}
    assert evidence_stamp(database, []) != before


def test_a_repeat_tells_what_was_not_counted_before(database: Database) -> None:
    record_artifact(database, converted_of(VARIANT), now_unix_ms=1)
    assert stored_counts(database) == {}
    record_artifact(database, replace(converted_of(VARIANT), count=LARGE), now_unix_ms=2)
    assert stored_counts(database) == {("MobileNetV1", SIZE): LARGE}


def test_several_images_say_nothing_of_one(database: Database) -> None:
    made = replace(converted_of(replace(VARIANT, batch=4)), count=LARGE)
    record_artifact(database, made, now_unix_ms=1)
    assert stored_counts(database) == {}


def test_of_an_own_model_only_the_files_of_now_count(database: Database) -> None:
    record_own_model(database, OWN, LARGE)
    assert stored_counts(database) == {("Mine", SIZE): LARGE}
    forget_own_model(database, "Mine", with_accuracy=False)
    assert stored_counts(database) == {}
    record_own_model(database, replace(OWN, digest="e" * 64), None)
    made = converted_of(replace(VARIANT, backbone="Mine"))
    own = replace(made.weights, kind=WeightsKind.OWN, digest="d" * 64)
    record_artifact(database, replace(made, weights=own, count=LARGE), now_unix_ms=1)
    assert stored_counts(database) == {}


def test_what_was_counted_of_a_model_goes_with_the_last_that_has_its_files(
    database: Database,
) -> None:
    def digests() -> set[str]:
        with database.transaction() as transaction:
            return set(transaction.scalars(text("SELECT digest FROM network_counts")))

    record_own_model(database, OWN, LARGE)
    record_own_model(database, replace(OWN, name="Twin"), LARGE)
    record_artifact(database, replace(converted_of(VARIANT), count=LARGE), now_unix_ms=1)
    forget_own_model(database, "Mine", with_accuracy=False)
    assert stored_counts(database)["Twin", SIZE] == LARGE
    forget_own_model(database, "Twin", with_accuracy=False)
    assert digests() == {converted_of(VARIANT).sha256}


@pytest.mark.parametrize("rotten", ["7", '{"features": {"params": -1}}', "nothing"])
def test_a_count_of_which_nothing_can_be_made_spoils_no_other(
    database: Database, rotten: str
) -> None:
    record_own_model(database, OWN, LARGE)
    record_own_model(database, replace(OWN, name="Other", digest="e" * 64), LARGE)
    with database.transaction() as transaction:
        transaction.execute(
            text("UPDATE network_counts SET counted = :rotten WHERE digest = :digest"),
            {"rotten": rotten, "digest": OWN.digest},
        )
    assert stored_counts(database) == {("Other", SIZE): LARGE}
