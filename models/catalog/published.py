"""Latency that others published: of their devices, each with its source, none with an interval."""

import csv
import functools
import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Final

PHONE_SOURCE: Final = "quic/ai-hub-models, perf.yaml, 52c080d2"
_ONE_IMAGE: Final = 1
_WHOLE: Final = re.compile("[1-9][0-9]{0,5}")


class PublishedInvalid(ValueError):
    """A row of the published figures is not what it should be; the message says which."""


@dataclass(frozen=True, slots=True)
class PublishedLatency:
    """A figure that others published.

    Attributes:
        backbone: the network, by the catalog's name.
        device: as it was published.
        runtime: likewise; empty where it was not said.
        processor: what computed there: cpu, gpu or npu.
        precision: likewise: fp32, fp16, int8, or the publisher's word; empty where it was not said.
        batch: images of one inference; where it was not said, one.
        latency_ms: of one inference, ms: one number, without an interval.
        source: where it was published.
        threads: None where it was not said.
    """

    backbone: str
    device: str
    runtime: str
    processor: str
    precision: str
    batch: int
    latency_ms: float
    source: str
    threads: int | None = None


@dataclass(frozen=True, slots=True)
class PublishedDevice:
    """A device that others published figures of.

    Attributes:
        name: as it was published.
        processor: what computed, where that is the same for all of its figures; else empty.
        chips: how a device's own profile names the same chip; empty where none can.
    """

    name: str
    processor: str
    chips: tuple[str, ...]


@functools.cache
def load_published_devices() -> Mapping[str, PublishedDevice]:
    """Return the published devices by their names."""
    return {
        row["device"]: PublishedDevice(
            name=row["device"],
            processor=row["processor"],
            chips=tuple(filter(None, row["chips"].split(";"))),
        )
        for row in _rows("published_devices.csv")
    }


@functools.cache
def load_published_latencies() -> tuple[PublishedLatency, ...]:
    """Return every published figure of a network of the catalog, in the files' order.

    Raises:
        PublishedInvalid: one of the package's files is damaged.
    """
    return (*_of_documents(), *_of_phones())


def _of_documents() -> Iterator[PublishedLatency]:
    devices = load_published_devices()
    for row in _rows("reference_latency.csv"):
        if row["device"] not in devices:
            raise PublishedInvalid(f"published figures are of an unknown device, {row['device']}")
        yield PublishedLatency(
            backbone=row["name"],
            device=row["device"],
            runtime=row["runtime"],
            processor=devices[row["device"]].processor,
            precision=row["precision"].lower(),
            threads=_whole(row["threads"]),
            batch=_whole(row["batch"]) or _ONE_IMAGE,
            latency_ms=_latency(row["latency_ms"]),
            source=row["source"],
        )


def _of_phones() -> Iterator[PublishedLatency]:
    backbones = {row["model"]: row["backbone"] for row in _rows("phone_models.csv")}
    for row in _rows("phone_latency.csv"):
        if row["model"] in backbones:
            yield PublishedLatency(
                backbone=backbones[row["model"]],
                device=row["device"],
                runtime=row["runtime"],
                processor=row["compute_unit"].lower(),
                # What the publisher calls so is fp32 as a file, and may be computed as fp16.
                precision="fp32" if row["precision"] == "float" else row["precision"],
                threads=None,
                batch=_ONE_IMAGE,
                latency_ms=_latency(row["latency_ms"]),
                source=PHONE_SOURCE,
            )


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = resources.files("models").joinpath(f"data/{name}").read_text(encoding="utf-8")
    yield from csv.DictReader(io.StringIO(text), strict=True)


def _whole(text: str) -> int | None:
    if not text:
        return None
    if not _WHOLE.fullmatch(text):
        raise PublishedInvalid(f"{text!r} among the published figures is no whole number")
    return int(text)


def _latency(text: str) -> float:
    latency_ms = float(text)
    if not (math.isfinite(latency_ms) and latency_ms > 0):
        raise PublishedInvalid(f"{text} among the published figures is no latency")
    return latency_ms
