"""Whatever stands at a parameter of the query API, the answer is one of its own, and soon there."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest

_DOCUMENT = Path(__file__).parents[3] / "docs" / "asking" / "openapi.json"
_PATHS: Final[dict[str, Any]] = json.loads(_DOCUMENT.read_text(encoding="utf-8"))["paths"]
# One that a client waits for in vain does not end by itself.
_PATIENCE_S: Final = 20
# With these each is answered in full, so that the odd one beside them is looked at.
_SOUND: Final = {
    "device": "phone",
    "a": "before:2999-01-01",
    "b": "before:2999-01-01",
    "sweep": "1",
    "measurement_id": "1",
}
_ODD: Final = (
    *("a\0b", "9" * 4_301, "-1e400", "\u0663\u202e\U0001f600", "x" * 20_001, "[" * 5_000),
    "2020-01-01T00:00:00+99:99",
)
_REPEATED: Final = 2_000


def odd_requests(path: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """An address and what is asked there, with one odd value each, and each value many times."""
    parameters = _PATHS[path]["get"].get("parameters", [])
    needed = [each["name"] for each in parameters if each.get("required")]
    for parameter in parameters:
        name, is_in_path = parameter["name"], parameter["in"] == "path"
        rest = [(each, _SOUND[each]) for each in needed if each != name and each in _SOUND]
        in_query = [each for each in rest if f"{{{each[0]}}}" not in path]
        for odd in _ODD:
            letters = quote(odd, safe="") or "%20"
            address = path.replace(f"{{{name}}}", letters) if is_in_path else path
            for each, sound in rest:
                address = address.replace(f"{{{each}}}", sound)
            yield address, in_query if is_in_path else [*in_query, (name, odd)]
        if not is_in_path:
            address = path
            for each, sound in rest:
                address = address.replace(f"{{{each}}}", sound)
            yield address, [*in_query, *[(name, "1")] * _REPEATED]


@pytest.mark.parametrize(
    "path", [path for path in sorted(_PATHS) if "parameters" in _PATHS[path]["get"]]
)
def test_odd_values_are_answered(asking: httpx.Client, path: str) -> None:
    broken = []
    for address, asked in odd_requests(path):
        with asking.stream("GET", address, params=tuple(asked), timeout=_PATIENCE_S) as response:
            if response.status_code >= 500:
                broken.append((address[:80], asked[-1:], response.status_code))
    assert not broken
