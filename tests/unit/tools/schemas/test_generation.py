"""Schemas that hold what is printed, and nothing else."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from controller.views.documents import to_document
from protos.reasons import ReasonCode, reason
from tests.unit.tools.schemas.orchard import Basket, Colour, Described, Fruit, Ripeness, Undescribed
from tools.schemas import generation
from tools.schemas.generation import schema_of

PLUM = Fruit(
    name="plum",
    weight_g=40.5,
    seed_count=1,
    ripeness=Ripeness.SOFT,
    colours=(Colour.RED, Colour.HIDDEN),
    prices={"here": 2, "there": 2.5},
    rings=((1, 2), ()),
    flaws=(reason(ReasonCode.CLOCK_SET, step_ms=5, repetition=1, repetitions=2),),
)
APPLE = Fruit(name="apple", weight_g=None, seed_count=5, is_sweet=None)
BASKET = Basket(best=PLUM, fruits=(PLUM, APPLE))


def printed(domain_object: object) -> Any:
    return json.loads(json.dumps(to_document(domain_object)))


def is_valid(document: object, of: Any) -> bool:
    schema = schema_of("orchard", of)
    Draft202012Validator.check_schema(schema)
    return bool(Draft202012Validator(schema).is_valid(document))


@pytest.mark.parametrize(
    ("domain_object", "of"),
    [
        (BASKET, Basket),
        (Basket(), Basket),
        ((PLUM, APPLE), tuple[Fruit, ...]),
        ((), tuple[Fruit, ...]),
    ],
)
def test_what_is_printed_is_valid(domain_object: object, of: Any) -> None:
    assert is_valid(printed(domain_object), of)


@dataclass(frozen=True)
class Spoiled:
    what: str
    spoil: Callable[[Any], Any]


@pytest.mark.parametrize(
    "spoiled",
    [
        Spoiled("a field is missing", lambda plum: plum.pop("rings")),
        Spoiled("a field is too many", lambda plum: plum.update(leaves=2)),
        Spoiled("no value of the enum", lambda plum: plum.update(ripeness="rotten")),
        Spoiled("no value of a list's enum", lambda plum: plum["colours"].append("blue")),
        Spoiled("a number is not whole", lambda plum: plum.update(seed_count=1.5)),
        Spoiled("an inner number is not whole", lambda plum: plum["rings"][0].append(1.5)),
        Spoiled("null where it cannot be", lambda plum: plum.update(name=None)),
        Spoiled("a text where a number is", lambda plum: plum["prices"].update(here="2")),
        Spoiled("a reason has no sentence", lambda plum: plum["flaws"][0].pop("sentence")),
        Spoiled("a reason has an unknown code", lambda plum: plum["flaws"][0].update(code="?")),
        Spoiled("a reason has too much", lambda plum: plum["flaws"][0].update(more=1)),
    ],
    ids=lambda spoiled: spoiled.what,
)
@pytest.mark.parametrize("place", ["best", "fruits"])
def test_anything_else_is_not(place: str, spoiled: Spoiled) -> None:
    document = printed(BASKET)
    spoiled.spoil(document["best"] if place == "best" else document["fruits"][0])
    assert not is_valid(document, Basket)


def test_every_field_is_required_in_the_order_in_which_it_is_printed() -> None:
    definition = schema_of("orchard", Basket)["$defs"]["Fruit"]
    assert definition["required"] == list(definition["properties"]) == list(printed(PLUM))


def test_it_says_whose_it_is_and_no_default() -> None:
    schema = schema_of("orchard", tuple[Fruit, ...])
    assert schema["$schema"] == generation.DIALECT
    assert schema["$id"].endswith(":orchard")
    assert schema["items"] == {"$ref": "#/$defs/Fruit"}
    assert '"default"' not in json.dumps(schema)


def test_descriptions_are_those_of_the_docstrings() -> None:
    definitions = schema_of("orchard", Basket)["$defs"]
    assert definitions["Fruit"]["properties"]["ripeness"]["description"] == "how soft it is"
    assert definitions["Ripeness"]["description"].count("\n") == 0
    assert definitions["Ripeness"]["enumDescriptions"] == ["", "It falls | is picked"]
    assert "enumDescriptions" not in definitions["Colour"]


@pytest.mark.parametrize(("cls", "field"), [(Undescribed, "forgotten"), (Described, "removed")])
def test_what_docstrings_and_fields_do_not_share_is_refused(cls: type, field: str) -> None:
    with pytest.raises(generation.Undescribed, match=rf"orchard\.{cls.__name__} .*'{field}'"):
        schema_of("orchard", cls)
