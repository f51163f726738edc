"""What docstrings say, in the words of JSON."""

from tests.unit.tools.schemas.orchard import Colour, Fruit, Plain, Ripeness
from tools.schemas.docstrings import describe


def test_paragraphs_are_one_line_and_other_sections_are_left_out() -> None:
    assert describe(Fruit).text == "What grows on a tree. Not on a bush."


def test_fields_are_those_of_the_section_in_one_line_without_a_full_stop() -> None:
    described = describe(Fruit).members
    assert described["name"] == "as people say"
    assert described["weight_g"].endswith("g; null where nobody weighed it")
    assert "is_heavy" not in described


def test_members_of_an_enum_are_described_beneath_them() -> None:
    assert describe(Ripeness).members == {"SOFT": "It falls | is picked"}
    assert describe(Ripeness).text.endswith("null of it matters to wasps.")
    assert describe(Colour).members == {}


def test_a_class_may_say_nothing() -> None:
    assert describe(Plain).text == ""
