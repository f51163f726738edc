"""Which series count as one when the best of each series is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

COUNTS_AS: Mapping[str, str] = MappingProxyType(
    {
        "PP-HGNetV2": "PP-HGNet",
        "PP-LCNetV2": "PP-LCNet",
        "SwinTransformerV2": "SwinTransformer",
        "MobileViTV2": "MobileViT",
        "MobileViTV3": "MobileViT",
    }
)
"""Later versions that the survey behind the tier rules has in one series with the first.

The generations of MobileNet and of EfficientNet are different designs, which it keeps apart; a
series that is not named here counts as itself.
"""


def group_of(series: str) -> str:
    """Return the series that a series counts as."""
    return COUNTS_AS.get(series, series)
