"""The packaged features are of the catalog, and a damaged file is refused."""

import pytest

from models.catalog.catalog import load_catalog
from models.catalog.features import COLUMNS, FeaturesInvalid, load_features, parse_features

HEADER = ",".join(COLUMNS)
ROW = ",".join(["Net", "224", *["1"] * (len(COLUMNS) - 2)])


def test_the_packaged_features_agree_with_what_was_counted() -> None:
    counted = {
        (each.architecture, each.input_size.height): each.counted_flops_g for each in load_catalog()
    }
    features = load_features()
    assert len(features) >= 90
    for key, each in features.items():
        assert each.multiply_adds / 1e9 == counted[key]


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{HEADER}x\n{ROW}\n",
        f"{HEADER}\n{ROW}\n{ROW}\n",
        f"{HEADER}\n{ROW}x\n",
        f"{HEADER}\n1\n",
    ],
)
def test_a_damaged_file_is_refused(text: str) -> None:
    with pytest.raises(FeaturesInvalid):
        parse_features(text)
