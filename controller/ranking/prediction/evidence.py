"""What a controller knows that predictions are made of."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol, TypeAlias

from controller.domain.measurements import Measurement, Verdict
from controller.domain.rankings.predictions import Elsewhere, Figure
from controller.ranking.distinction import Distinction, distinction_of
from models.catalog.catalog import Backbone
from models.catalog.features import NetworkCount, NetworkFeatures
from models.catalog.precisions import MADE_PRECISIONS, Precision
from models.catalog.variants import Target
from protos.inputs import ImageSize
from protos.measuring import MeasureSettings
from protos.runtimes import Runtime

Network: TypeAlias = tuple[str, ImageSize]
"""A network: a backbone's name and the size of its image."""

_USUAL: Final = Distinction()
_SURE: Final = (Verdict.OK, Verdict.WIDE)


class Made(Protocol):
    """Of a file, what tells whether predictions are made of figures of such."""

    @property
    def backbone(self) -> str:
        """The name of what it is made of."""

    @property
    def precision(self) -> Precision:
        """Of its numbers."""

    @property
    def target(self) -> Target:
        """What it is made for."""

    @property
    def input_size(self) -> ImageSize:
        """Of the images."""

    @property
    def batch(self) -> int:
        """Images per inference."""


class Told(Made, Protocol):
    """Of a figure, what tells whether predictions are made of such, and judged by them."""

    @property
    def verdict(self) -> Verdict:
        """Of the measurement."""

    @property
    def settings(self) -> MeasureSettings | None:
        """How it was measured; None where nobody knows."""

    @property
    def emulator(self) -> str:
        """What computed in the device's place; empty is nothing."""


class Setting(NamedTuple):
    """Where something was measured, and in which precision."""

    device: str
    runtime: Runtime
    threads: int
    precision: Precision = Precision.FP32

    @property
    def name(self) -> str:
        """What it is called among the settings that a prediction learned from."""
        named = f"{self.device}, {self.runtime.value}, {self.threads}"
        return named if self.precision is Precision.FP32 else f"{named}, {self.precision.value}"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that predictions are made of.

    Attributes:
        measurements: some of the device that is asked about, at least one of each kind of weights.
        catalog: backbones by name.
        measured: see `measured_settings`.
        features: by backbone's name, of all that have any.
        refusals: by backbone's name, why nothing was counted of its network.
        others: what backbones took in settings of other devices, where no more is known of them.
    """

    measurements: Sequence[Measurement]
    catalog: Mapping[str, Backbone]
    measured: Mapping[Setting, Mapping[str, Measurement]]
    features: Mapping[str, NetworkFeatures]
    refusals: Mapping[str, str]
    others: Mapping[Figure, Sequence[Elsewhere]] = field(default_factory=dict)


def tells_of(other: Precision, wanted: Precision) -> bool:
    """Whether figures of one precision may tell of those of another one.

    Those of fp32 tell of each, and each of itself: so what is predicted in fp32 is the same
    whatever else was measured.
    """
    return other in (Precision.FP32, wanted)


def gather(
    measurements: Sequence[Measurement],
    backbones: Sequence[Backbone],
    published: Mapping[tuple[str, int], NetworkFeatures],
    counted: Mapping[Network, NetworkCount],
) -> Evidence:
    """Bring together what is known.

    Args:
        measurements: oldest first.
        backbones: the catalog.
        published: features by architecture and input size, pixels, counted beforehand.
        counted: by backbone's name and image, what was counted when it was converted or added;
            it goes before what is published.
    """
    catalog = {each.name: each for each in backbones}
    here = {
        name: found
        for name, each in catalog.items()
        if (found := counted.get((name, each.input_size))) is not None
    }
    networks = features_by_network(backbones, published, counted)
    features = {
        name: networks[name, each.input_size]
        for name, each in catalog.items()
        if (name, each.input_size) in networks
    }
    return Evidence(
        measurements=measurements,
        catalog=catalog,
        measured=measured_settings(measurements, catalog),
        features=features,
        refusals={
            name: each.refusal
            for name, each in here.items()
            if each.refusal and name not in features
        },
    )


def features_by_network(
    backbones: Iterable[Backbone],
    published: Mapping[tuple[str, int], NetworkFeatures],
    counted: Mapping[Network, NetworkCount],
) -> dict[Network, NetworkFeatures]:
    """The features of every network that has any, at whatever size it was counted.

    Args:
        backbones: those that `published` may tell of, at the size of each.
        published: features by architecture and input size, pixels, counted beforehand.
        counted: what was counted when it was converted or added; it goes before.
    """
    backbones = tuple(backbones)
    sizes = {each.name: each.input_size for each in backbones}
    own = features_by_name(backbones, published)
    found = {(name, sizes[name]): features for name, features in own.items()}
    return found | {
        network: each.features for network, each in counted.items() if each.features is not None
    }


def features_by_name(
    backbones: Iterable[Backbone], published: Mapping[tuple[str, int], NetworkFeatures]
) -> dict[str, NetworkFeatures]:
    """The features of every backbone whose network was counted beforehand at its input size."""
    return {
        each.name: published[key]
        for each in backbones
        if (key := (each.architecture, each.input_size.height)) in published
    }


def is_comparable(told: Told, catalog: Mapping[str, Backbone]) -> bool:
    """Whether a figure is of what is predicted, and tells what the device takes.

    That is what `is_predicted` says, on a device that is no emulated one, where nothing disturbed
    it.

    Args:
        told: of the figure.
        catalog: backbones by name.
    """
    is_sure = told.verdict in _SURE and not told.emulator
    return is_sure and is_predicted(told, told.settings, catalog)


def is_predicted(
    made: Made, settings: MeasureSettings | None, catalog: Mapping[str, Backbone]
) -> bool:
    """Whether figures of a file are predicted, measured in some settings.

    That is one image of the backbone's own size, in a precision that is made of it, with nothing
    out of the ordinary.

    Args:
        made: the file.
        settings: None where nobody knows.
        catalog: backbones by name.
    """
    known = catalog.get(made.backbone)
    accelerator = made.target if made.target.is_accelerator else None
    return (
        known is not None
        and made.precision in MADE_PRECISIONS
        and made.batch == 1
        and made.input_size == known.input_size
        and distinction_of(settings, accelerator) == _USUAL
    )


def measured_settings(
    measurements: Iterable[Measurement], catalog: Mapping[str, Backbone]
) -> dict[Setting, dict[str, Measurement]]:
    """What was measured in each setting, the last of each backbone, where it is comparable.

    Args:
        measurements: oldest first.
        catalog: backbones by name.
    """
    found: defaultdict[Setting, dict[str, Measurement]] = defaultdict(dict)
    for each in measurements:
        if each.latency is not None and is_comparable(each, catalog):
            setting = Setting(each.device, each.runtime, each.threads, each.precision)
            found[setting][each.backbone] = each
    return dict(found)
