"""What a network takes, in words: what is not as usual, one small image of three channels."""

from collections.abc import Iterator

from controller.views.counting import counted
from models.catalog.catalog import load_catalog
from protos.inputs import ImageSize, InputKind, Layout, NetworkInput

_USUAL = InputKind()


def input_words(takes: NetworkInput) -> str:
    """Say size and what is not as usual: 64 px; 48x192 px (height x width), 1 channel, batch 4."""
    order = "" if takes.size.is_square else " (height x width)"
    batch = () if takes.batch == 1 else (f"batch {takes.batch}",)
    return ", ".join((f"{takes.size} px{order}", *kind_words(takes.kind), *batch))


def images_words(backbone: str, size: ImageSize, batch: int) -> Iterator[str]:
    """Say what is not as usual of a figure's images: 48x192 px, batch 4.

    Usual is a backbone's evaluation size, and a square of a model that the catalog does not have.
    """
    known = load_catalog()
    is_usual = known.get(backbone).input_size == size if backbone in known else size.is_square
    if not is_usual:
        yield f"{size} px"
    if batch != 1:
        yield f"batch {batch}"


def kind_words(kind: InputKind) -> Iterator[str]:
    """Say what is not as usual: uint8, NHWC, 1 channel, scale_factor=1,1."""
    if kind.element_type is not _USUAL.element_type:
        yield kind.element_type.value
    if kind.layout is not Layout.NCHW:
        yield kind.layout.value
    if kind.channels != _USUAL.channels:
        yield counted(kind.channels, "channel")
    for constant in kind.constants:
        yield f"{constant.name}={','.join(f'{value:g}' for value in constant.values)}"
