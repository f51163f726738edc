"""A wrong name gets the right ones that were meant, whatever their case."""

import pytest

from models.names import nearest


@pytest.mark.parametrize(
    ("name", "known", "found"),
    [
        ("resnet50", ("ResNet50", "VGG16"), ("ResNet50",)),
        ("swep", ("best", "sweep", "demo"), ("sweep",)),
        ("pd", ("pc", "phone"), ("pc",)),
        ("PC", ("board", "cpuset", "datalim", "pc"), ("pc",)),
        ("anything", (), ()),
        ("x" * 501, ("x" * 501,), ()),
        ("phone", ("PHONE", "Phone", "other"), ("PHONE", "Phone")),
    ],
)
def test_the_nearest_names(name: str, known: tuple[str, ...], found: tuple[str, ...]) -> None:
    assert nearest(name, known) == found


def test_three_at_most_and_the_likest_first() -> None:
    known = ("tablet1", "tablet2", "Tablet", "tablets")
    near = nearest("tablet", known)
    assert (near[0], len(near)) == ("Tablet", 3)


def test_how_alike_they_must_be() -> None:
    assert nearest("phone", ("pc",), likeness=0.4) == ()
    assert nearest("phone", ("pc",), likeness=0.2) == ("pc",)
