"""The outcomes of a conversion as rows: what was asked for, by the target of each file."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from controller.domain.conversions import ConversionOutcome, ConversionResult, is_checked, is_made
from controller.views.counting import counted
from models.catalog.catalog import Catalog
from models.catalog.precisions import Precision
from models.catalog.variants import CheckedThrough, Target
from protos.inputs import ImageSize

TARGETS = tuple(target for target in Target if not target.is_accelerator)

_PRECISIONS = tuple(Precision)
_TWINS: Final = frozenset({CheckedThrough.X86_TWIN, CheckedThrough.FP32_AND_FP16_TWINS})


@dataclass(frozen=True)
class ConversionRow:
    """What became of a backbone in one precision, input size and batch, by target."""

    backbone: str
    input_size: ImageSize
    batch: int
    precision: Precision
    by_target: Mapping[Target, ConversionOutcome]

    @property
    def seconds(self) -> float:
        """The wall time of the file that took longest, with the steps that files share."""
        return max(outcome.seconds for outcome in self.by_target.values())

    @property
    def passes(self) -> tuple[str, ...]:
        """The rewrites that any of the files went through."""
        names = (name for outcome in self.by_target.values() for name in outcome.passes)
        return tuple(dict.fromkeys(names))

    @property
    def is_whole(self) -> bool:
        """Whether every file is there."""
        return all(is_made(outcome) for outcome in self.by_target.values())


def conversion_rows(outcomes: Iterable[ConversionOutcome], catalog: Catalog) -> list[ConversionRow]:
    """The rows in the order of the catalog, then by size, batch and precision."""
    by_row: defaultdict[tuple[str, ImageSize, int, Precision], dict[Target, ConversionOutcome]]
    by_row = defaultdict(dict)
    for outcome in outcomes:
        row = (outcome.backbone, outcome.input_size, outcome.batch, outcome.precision)
        by_row[row][outcome.target] = outcome
    places = {backbone.name: place for place, backbone in enumerate(catalog)}
    rows = [ConversionRow(*row, by_target) for row, by_target in by_row.items()]
    return sorted(
        rows,
        key=lambda row: (
            places[row.backbone],
            row.input_size,
            row.batch,
            _PRECISIONS.index(row.precision),
        ),
    )


def reasons(row: ConversionRow) -> Mapping[str, tuple[ConversionOutcome, ...]]:
    """The outcomes of a row whose files could not be made or are not Paddle's, by their reason."""
    found: defaultdict[str, list[ConversionOutcome]] = defaultdict(list)
    for target in Target:
        outcome = row.by_target.get(target)
        if outcome is not None and not is_checked(outcome):
            found[outcome.reason].append(outcome)
    return {reason: tuple(outcomes) for reason, outcomes in found.items()}


def not_kept_note(rows: Iterable[ConversionRow]) -> str:
    """How many files were checked and are not stored, as a sentence; empty for none."""
    count = sum(
        outcome.result is ConversionResult.CHECKED
        for row in rows
        for outcome in row.by_target.values()
    )
    if count == 0:
        return ""
    were = "was" if count == 1 else "were"
    return f"{counted(count, 'file')} {were} made and checked, and not kept: the disk had no room."


def twins_note(rows: Iterable[ConversionRow]) -> str:
    """What nobody knows of files that were checked through a twin; empty where there are none."""
    through = {
        outcome.checked_through
        for row in rows
        for outcome in row.by_target.values()
        if is_checked(outcome)
    }
    if not through & _TWINS:
        return ""
    half = (
        ", nor how half precision adds up there, which made up to 16 times the difference"
        if CheckedThrough.FP32_AND_FP16_TWINS in through
        else ""
    )
    return (
        "Files for arm were checked through their twins. These do not tell how ARM approximates "
        f"swish and sigmoid{half}: outputs are compared again on the device that measures them."
    )
