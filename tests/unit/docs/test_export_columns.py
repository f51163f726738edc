"""The page of exports has the columns that there are."""

import re

from controller.views.export.columns import COLUMNS, RAW_COLUMN
from tests.pages import ROOT

_PAGE = (ROOT / "docs/asking/exports.md").read_text(encoding="utf-8")
_ROWS = re.findall(r"^\| `(\w+)` \| ([\w ]+) \| (.+) \|$", _PAGE, re.MULTILINE)


def test_each_column_is_told_in_its_order_with_its_kind() -> None:
    told = [(name, kind) for name, kind, _ in _ROWS]
    assert told[:-1] == [(name, kind.value) for name, kind in COLUMNS.items()]
    assert told[-1][0] == RAW_COLUMN
