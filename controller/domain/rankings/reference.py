"""What others published of devices like ours, beside what was measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from models.catalog.published import PublishedLatency
from protos.runtimes import Runtime

USUAL_FACTOR: Final = 1.5
"""By how much medians have to differ to disagree, unless somebody says otherwise."""


class Agreement(Enum):
    """What a measurement makes of a published figure."""

    AGREES = "agrees"
    """It is within the measured interval, or within the factor."""
    DISAGREES = "disagrees"
    """It is outside of both."""
    OTHER_SETTING = "other setting"
    """It was published for another setting than was measured, so that nothing follows."""
    NOT_MEASURED = "not measured"
    """The backbone was not measured here."""


class Difference(Enum):
    """In what a published figure's setting is another than the measured one, or not known."""

    RUNTIME = "runtime"
    PROCESSOR = "processor"
    PRECISION = "precision"
    THREADS = "threads"


@dataclass(frozen=True, kw_only=True)
class ReferencePair:
    """A published figure, and the measurement whose setting is the nearest to it.

    Attributes:
        published: what others published.
        agreement: what the measurement makes of it.
        differences: in what the settings differ.
        median_ms: measured median, ms; None without a measurement.
        low_ms: lower end of its 95 % interval, ms.
        high_ms: upper end, ms.
        runtime: that measured it.
        threads: that it was told to use.
        ratio: measured over published latency; None without a measurement.
    """

    published: PublishedLatency
    agreement: Agreement
    differences: tuple[Difference, ...] = ()
    median_ms: float | None = None
    low_ms: float | None = None
    high_ms: float | None = None
    runtime: Runtime | None = None
    threads: int | None = None
    ratio: float | None = None


@dataclass(frozen=True, kw_only=True)
class DeviceReference:
    """A device beside what others published of devices like it.

    Attributes:
        device: its name.
        published_devices: those that have its chip, or the one that a person named.
        pairs: every published figure of one image at a time, by backbone.
    """

    device: str
    published_devices: tuple[str, ...]
    pairs: tuple[ReferencePair, ...]


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What others published, beside what was measured.

    Attributes:
        factor: by how much medians have to differ to disagree.
        devices: those like which somebody published figures.
        without_reference: the others, as far as their profiles tell.
        published_devices: every device that figures were published of.
    """

    factor: float
    devices: tuple[DeviceReference, ...]
    without_reference: tuple[str, ...]
    published_devices: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ReferenceQuestion:
    """Which devices to set beside published figures.

    Attributes:
        devices: names and labels; empty is every device.
        taken_for: the published device that all of them are taken for; None lets profiles say it.
        factor: by how much medians have to differ to disagree.
    """

    devices: Sequence[str] = ()
    taken_for: str | None = None
    factor: float = USUAL_FACTOR
