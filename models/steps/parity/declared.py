"""The inputs of a model as its file declares them."""

from __future__ import annotations

from dataclasses import dataclass

from protos.inputs import ElementType

_SHOWN_NAME = 40


@dataclass(frozen=True)
class DeclaredInput:
    """One input.

    Attributes:
        name: of the input.
        axes: length of each axis, None for one that is open.
        element_type: kind of its numbers; None for one that no input here has.
        type_name: what the file calls that kind.
    """

    name: str
    axes: tuple[int | None, ...]
    element_type: ElementType | None
    type_name: str

    @property
    def shape(self) -> str:
        """Its axes in words: 1x3x?x?, empty for a single number."""
        return "x".join("?" if size is None else str(size) for size in self.axes)

    def __str__(self) -> str:
        """Say what it is: image (?x3x64x64 float32)."""
        return f"{self.name[:_SHOWN_NAME]} ({self.shape or 'one number,'} {self.type_name})"


def declared(name: str, axes: tuple[int | None, ...], type_name: str) -> DeclaredInput:
    """Return an input whose kind of number goes by the name that NumPy has for it."""
    known = {each.value: each for each in ElementType}
    return DeclaredInput(name, axes, known.get(type_name), type_name)
