"""Reports of many devices, each with the name of its schema."""

import dataclasses

from controller.domain.rankings.on_device import on_device
from controller.domain.rankings.reference import Reference
from controller.ranking.surveying import survey
from controller.ranking.surveying.published import beside_published
from models.catalog.catalog import load_catalog
from models.catalog.published import PublishedLatency
from protos.runtimes import Runtime
from tests.unit.controller.samples.measurements import DEVICE, measurement
from tests.unit.controller.samples.predictions import PREDICTIONS

PUBLISHED = PublishedLatency(
    backbone="MobileNetV2",
    device="Snapdragon 855",
    runtime="Paddle Lite",
    processor="cpu",
    precision="fp32",
    threads=1,
    batch=1,
    latency_ms=10.0,
    source="a document",
)
LITE = measurement("MobileNetV2", 12.0, 0.1, runtime=Runtime.PADDLELITE)
SURVEY = survey({DEVICE: [LITE, measurement("ReXNet_2_0", 50.0)], "idle": []}, load_catalog())
REFERENCE = Reference(
    factor=1.5,
    devices=(
        beside_published(
            DEVICE,
            ("Snapdragon 855",),
            [LITE],
            latencies=[PUBLISHED],
            catalog=load_catalog(),
            factor=1.5,
        ),
    ),
    without_reference=("idle",),
    published_devices=("Snapdragon 855",),
)
PLACED = [
    dataclasses.replace(load_catalog().get("VGG16"), name=name)
    for name in ("MobileNetV1_x0_0", "PPLCNet_x1_0", "VGG16")
]
REPORTS = [
    ("rankings/survey", SURVEY),
    ("rankings/reference", REFERENCE),
    ("rankings/predictions", PREDICTIONS),
    ("rankings/on_device", on_device(PREDICTIONS, PLACED)),
]
