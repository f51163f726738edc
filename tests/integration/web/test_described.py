"""The query API does what its OpenAPI document says, whatever it is asked."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance, unsupported_method

_DOCUMENT = Path(__file__).parents[3] / "docs" / "asking" / "openapi.json"
_PATHS = json.loads(_DOCUMENT.read_text(encoding="utf-8"))["paths"]
# A cursor is of a page, and constraints may contradict each other; other methods have a test.
_NOT_HELD: Final = [positive_data_acceptance, unsupported_method]
_ASKED: Final = [
    (path, mode)
    for path in sorted(_PATHS)
    for mode in GenerationMode
    # Of what takes no parameter, none can be wrong.
    if mode is GenerationMode.POSITIVE or _PATHS[path]["get"].get("parameters")
]


@pytest.fixture(scope="package")
def described(web: str) -> Any:
    """The document that a running controller gives."""
    return schemathesis.openapi.from_url(f"{web}api/v1/openapi.json")


@pytest.mark.parametrize(("path", "mode"), _ASKED)
def test_it_answers_as_described(described: Any, path: str, mode: GenerationMode) -> None:
    operation = described[path]["GET"]
    answered = []

    @settings(
        max_examples=12,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def answers(case: Any) -> None:
        response = case.call()
        assert response.status_code < 500
        case.validate_response(response, excluded_checks=_NOT_HELD)
        answered.append(response.status_code)

    answers()
    assert answered
