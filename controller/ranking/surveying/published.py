"""What others published of devices like one, beside its measurements: told, never ranked."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from controller.domain.measurements import Measurement
from controller.domain.rankings import Constraints, Merit
from controller.domain.rankings.reference import (
    Agreement,
    DeviceReference,
    Difference,
    ReferencePair,
)
from controller.ranking.distinction import Distinction, distinction
from controller.ranking.entries import Entry, select_entries
from models.catalog.catalog import Catalog
from models.catalog.published import PublishedDevice, PublishedLatency
from protos.device import DeviceProfile
from protos.runtimes import Runtime

_USUAL = Distinction()
_RUNTIMES = {"paddle lite": Runtime.PADDLELITE, "onnx": Runtime.ONNXRUNTIME}
_CPU = "cpu"


def like(profile: DeviceProfile, published: Iterable[PublishedDevice]) -> tuple[str, ...]:
    """Return the published devices whose chip a profile names, as whole words of any case."""
    told = " ".join(
        (profile.cpu_model, profile.soc, profile.board, *profile.android_properties.values())
    )
    return tuple(
        device.name for device in published if any(_names(told, chip) for chip in device.chips)
    )


def _names(text: str, chip: str) -> bool:
    whole = rf"(?<![0-9A-Za-z]){re.escape(chip)}(?![0-9A-Za-z])"
    return re.search(whole, text, re.IGNORECASE) is not None


def beside_published(
    device: str,
    published_devices: Sequence[str],
    measurements: Sequence[Measurement],
    *,
    latencies: Iterable[PublishedLatency],
    catalog: Catalog,
    factor: float,
) -> DeviceReference:
    """Set published figures of one image at a time beside the measurements of a device.

    Each stands beside the measurement of its backbone, at the catalog's size and without anything
    out of the ordinary, whose setting differs least from it, of equally near ones the fastest. Only
    where runtime, processor, precision and threads are the same it agrees or not: it disagrees when
    it is outside of the measured interval and the medians differ by more than the factor.

    Args:
        device: its name.
        published_devices: those that it is taken for.
        measurements: of the device, oldest first.
        latencies: published figures, of whatever device.
        catalog: which sizes backbones have.
        factor: above 1.
    """
    measured = _measured(measurements, catalog)
    of_devices = (each for each in latencies if each.device in published_devices)
    wanted = (each for each in of_devices if each.batch == 1 and each.backbone in catalog)
    pairs = (_pair(each, measured.get(each.backbone, ()), factor) for each in wanted)
    return DeviceReference(
        device=device,
        published_devices=tuple(published_devices),
        pairs=tuple(sorted(pairs, key=lambda pair: pair.published.backbone)),
    )


def _measured(
    measurements: Sequence[Measurement], catalog: Catalog
) -> Mapping[str, Sequence[Entry]]:
    entries, _ = select_entries(measurements, Constraints(by=Merit.LATENCY))
    by_backbone: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        measurement = entry.measurement
        name = measurement.backbone
        is_alone = measurement.batch == 1 and distinction(measurement) == _USUAL
        if is_alone and name in catalog and measurement.input_size == catalog.get(name).input_size:
            by_backbone[name].append(entry)
    return by_backbone


def _pair(published: PublishedLatency, entries: Sequence[Entry], factor: float) -> ReferencePair:
    if not entries:
        return ReferencePair(published=published, agreement=Agreement.NOT_MEASURED)
    differing = [(tuple(_differences(published, each.measurement)), each) for each in entries]
    differences, nearest = min(differing, key=lambda each: len(each[0]))
    ratio = nearest.median_ms / published.latency_ms
    is_within = nearest.latency.low_ms <= published.latency_ms <= nearest.latency.high_ms
    agreement = Agreement.OTHER_SETTING
    if not differences:
        is_near = is_within or 1 / factor <= ratio <= factor
        agreement = Agreement.AGREES if is_near else Agreement.DISAGREES
    return ReferencePair(
        published=published,
        agreement=agreement,
        differences=differences,
        median_ms=nearest.median_ms,
        low_ms=nearest.latency.low_ms,
        high_ms=nearest.latency.high_ms,
        runtime=nearest.measurement.runtime,
        threads=nearest.measurement.threads,
        ratio=ratio,
    )


def _differences(published: PublishedLatency, measured: Measurement) -> Iterator[Difference]:
    if _runtime_of(published) is not measured.runtime:
        yield Difference.RUNTIME
    if published.processor != _CPU:
        yield Difference.PROCESSOR
    if published.precision != measured.precision.value:
        yield Difference.PRECISION
    if published.threads != measured.threads:
        yield Difference.THREADS


def _runtime_of(published: PublishedLatency) -> Runtime | None:
    # A version or a tool may follow: Paddle Lite (opt).
    told = published.runtime.lower()
    return next((runtime for name, runtime in _RUNTIMES.items() if told.startswith(name)), None)
