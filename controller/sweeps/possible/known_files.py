"""What files need of devices, as far as that is known before they are made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from models.catalog.needs import FileNeeds
from models.catalog.onnx_versions import TRANSLATED, OnnxVersions
from models.catalog.variants import Variant


@dataclass(frozen=True)
class KnownFiles:
    """What files need.

    Attributes:
        made: of the variants of which there is one, or was.
        own: of own models that were added as ONNX, by name.
    """

    made: Mapping[Variant, FileNeeds] = field(default_factory=dict)
    own: Mapping[str, OnnxVersions] = field(default_factory=dict)

    def of(self, variant: Variant) -> FileNeeds:
        """What a variant's file needs; of one that was not made, what is asked of its making."""
        made, own = self.made.get(variant), self.own.get(variant.backbone)
        if made is not None:
            return made
        return FileNeeds(own or TRANSLATED)


NOTHING_KNOWN: Final = KnownFiles()
"""No file was made, and no own model is there."""
