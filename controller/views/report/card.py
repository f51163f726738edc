"""A model card: what is known of one measured backbone, as model hubs read it.

Front matter and headings are those of Hugging Face's model cards:
https://huggingface.co/docs/hub/model-cards
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ruamel.yaml import YAML

from controller.domain.cores import CoreChoice, Cores
from controller.domain.devices import Device
from controller.domain.measurements import Measurement
from controller.domain.quantities import format_latency, format_memory, format_number
from controller.domain.rankings import Constraints
from controller.domain.sweeps import (
    DEFAULT_GATE,
    DEFAULT_RELATIVE_HALF_WIDTH,
    DEFAULT_TIME_BUDGET_MS,
    SweepSpec,
    ordinary_repetitions,
)
from controller.ranking.distinction import distinction
from controller.views import wording
from controller.views.counting import counted, minute
from controller.views.device_words import surroundings_words
from controller.views.reasons import sentences
from controller.views.report.markdown import markdown
from controller.views.report.parts import Heading, Part, Table
from controller.views.sweeps.commands import sweep_command
from models.catalog.catalog import IMAGENET, Backbone
from models.catalog.variants import WeightsKind
from protos.measuring import StartGate

_LABELS = (Heading("what"), Heading("figure"))


def model_card(measurement: Measurement, device: Device, backbone: Backbone | None) -> str:
    """Write the card of a measurement.

    Args:
        measurement: what was measured.
        device: on what.
        backbone: what the catalog knows of it; None where it knows nothing.
    """
    buffer = io.StringIO()
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.dump(_front_matter(measurement), buffer)
    return f"---\n{buffer.getvalue()}---\n\n{markdown(_parts(measurement, device, backbone))}"


def reproducing_sweep(measurement: Measurement) -> SweepSpec:
    """The sweep that measures the very same again, whatever was measured before."""
    settings, unusual = measurement.settings, distinction(measurement)
    fewest, most = ordinary_repetitions(unusual.sustained_minutes)
    wanted = measurement.repetitions_wanted or most
    cores = Cores(choice=CoreChoice.LISTED, cpus=unusual.cores) if unusual.cores else Cores()
    return SweepSpec(
        backbones=(measurement.backbone,),
        devices=(measurement.device,),
        runtimes=(measurement.runtime,),
        threads=(measurement.threads,),
        weights=measurement.weights,
        fewest_repetitions=min(fewest, wanted),
        most_repetitions=wanted,
        relative_half_width=(
            settings.relative_half_width if settings else DEFAULT_RELATIVE_HALF_WIDTH
        ),
        time_budget_ms=settings.time_budget_ms if settings else DEFAULT_TIME_BUDGET_MS,
        precisions=(measurement.precision,),
        input_sizes=(measurement.input_size,),
        batches=(measurement.batch,),
        cores=cores,
        flush_denormals=unusual.flush_denormals,
        onnxruntime=unusual.onnxruntime,
        gate=_gate(settings.gate if settings else DEFAULT_GATE),
        sustained_minutes=unusual.sustained_minutes,
        paced_fps=unusual.paced_fps,
        accelerators=() if unusual.accelerator is None else (unusual.accelerator,),
        sentinel=True,
        fresh=True,
    )


def _gate(gate: StartGate) -> StartGate:
    """The gate as a person can say it: one that waits for nothing has no deadline of its own."""
    return replace(gate, deadline_ms=gate.deadline_ms or DEFAULT_GATE.deadline_ms)


def _front_matter(measurement: Measurement) -> Mapping[str, Any]:
    is_own = measurement.weights is WeightsKind.OWN
    matter: dict[str, Any] = {} if is_own else {"license": "apache-2.0"}
    matter |= {
        "library_name": "onnx" if measurement.format.value == "onnx" else "paddlelite",
        "pipeline_tag": "image-classification",
        "tags": ["edgerank", measurement.runtime.value, measurement.precision.value],
    }
    if measurement.top1 is None:
        return matter
    dataset = measurement.accuracy_dataset
    named = "imagenet-1k" if dataset == IMAGENET else dataset
    metrics = [("top-1 accuracy", measurement.top1), ("top-5 accuracy", measurement.top5)]
    return matter | {
        "datasets": [named],
        "model-index": [
            {
                "name": measurement.backbone,
                "results": [
                    {
                        "task": {"type": "image-classification", "name": "Image classification"},
                        "dataset": {"type": named, "name": dataset},
                        "metrics": [
                            {"type": "accuracy", "name": name, "value": value, "verified": False}
                            for name, value in metrics
                            if value is not None
                        ],
                        "source": {"name": measurement.accuracy_source},
                    }
                ],
            }
        ],
    }


def _parts(measurement: Measurement, device: Device, backbone: Backbone | None) -> Iterator[Part]:
    yield Part(
        heading=f"{measurement.backbone} on {measurement.device}",
        sentences=(
            f"{wording.top1_figure(measurement)}, {wording.latency_words(measurement)}, measured "
            f"with {wording.setting(measurement)} on {minute(measurement.measured_at_unix_ms)} UTC "
            f"by the device's clock; verdict: {wording.verdict_words(measurement)}.",
            *surroundings_words(device.profile),
        ),
    )
    yield Part(heading="Model", table=Table(_LABELS, tuple(_model_rows(measurement, backbone))))
    yield Part(heading="Accuracy", sentences=tuple(_accuracy_sentences(measurement)))
    yield Part(heading="Speed and memory", table=Table(_LABELS, tuple(_figures(measurement))))
    yield Part(heading="Device", table=Table(_LABELS, tuple(_device_rows(device))))
    yield Part(heading="Provenance", table=Table(_LABELS, tuple(_provenance(measurement))))
    yield Part(
        heading="How to reproduce",
        sentences=(
            "With the device connected to a controller, this measures the same again, in a sweep "
            "of its own:",
        ),
        command=sweep_command(reproducing_sweep(measurement), Constraints()),
    )


def _model_rows(measurement: Measurement, backbone: Backbone | None) -> Iterator[tuple[str, str]]:
    yield "Series", measurement.series or "unknown"
    if backbone is not None:
        yield "Architecture", backbone.architecture
        yield "Distilled", "yes" if backbone.distilled else "no"
        yield "Images beyond ImageNet-1k", "yes" if backbone.extra_data else "no"
    if measurement.params_m is not None:
        yield "Parameters", f"{format_number(measurement.params_m)} M"
    if measurement.flops_g is not None:
        yield "Multiply-adds of one image", f"{format_number(measurement.flops_g)} G"
    yield "Input", f"{measurement.input_size} px, batch {measurement.batch}"
    yield "Precision", measurement.precision.value
    yield (
        "File",
        f"{measurement.format.value} for {measurement.target.value}, "
        + format_memory(measurement.artifact_size_bytes),
    )


def _accuracy_sentences(measurement: Measurement) -> Iterator[str]:
    if measurement.top1 is None:
        yield f"No accuracy is known on {measurement.accuracy_dataset} in this precision and size."
    else:
        top5 = "" if measurement.top5 is None else f", {measurement.top5:.2f} % top-5"
        yield (
            f"{wording.top1_figure(measurement)}{top5} on {measurement.accuracy_dataset}, not "
            f"measured here. Source: {measurement.accuracy_source or 'not said'}."
        )
    if measurement.weights is WeightsKind.SYNTHETIC:
        yield wording.SYNTHETIC_NOTE


def _figures(measurement: Measurement) -> Iterator[tuple[str, str]]:
    latency, memory = measurement.latency, measurement.memory
    if latency is not None:
        yield "Median latency, 95 % interval", wording.latency_words(measurement)
        yield (
            "90th and 99th percentile",
            " and ".join(map(format_latency, (latency.p90_ms, latency.p99_ms))),
        )
        processes = counted(latency.repetition_count, "process", "processes")
        yield "Samples", f"{wording.samples_words(latency)}, in {processes}"
        yield "Loading", format_latency(latency.load_ms)
    if memory is not None:
        yield "Peak memory above the bare runtime's", wording.memory_words(measurement)
    if measurement.outputs is not None:
        yield (
            "Outputs beside Paddle's own, on the device",
            (f"{measurement.outputs.max_relative_difference:.1e} largest relative difference"),
        )
    yield "Verdict", measurement.verdict.value
    if measurement.reasons:
        yield "Why", sentences(measurement.reasons)


def _device_rows(device: Device) -> Iterator[tuple[str, str]]:
    profile = device.profile
    yield "Name", device.name
    told = {
        "Processor": profile.cpu_model,
        "Architecture": profile.architecture,
        "Board": ", ".join(dict.fromkeys(filter(None, (profile.board, profile.soc)))),
        "Memory": format_memory(profile.memory_bytes) if profile.memory_bytes else "",
        "System": ", ".join(filter(None, (profile.operating_system, profile.kernel))),
        "Logical cores": str(profile.logical_cores or ""),
    }
    yield from ((name, value) for name, value in told.items() if value)


def _provenance(measurement: Measurement) -> Iterator[tuple[str, str]]:
    build = f" ({measurement.runtime_build})" if measurement.runtime_build else ""
    yield "Runtime", f"{measurement.runtime.value} {measurement.runtime_version}{build}"
    yield "Artifact, SHA-256", measurement.artifact_sha256 or "unknown"
    yield "Weights", measurement.weights.value
    yield "Weights or their recipe, SHA-256", measurement.weights_digest or "unknown"
    yield "Measurement", measurement.measurement_id
    yield "Sweep", measurement.sweep_id
    if measurement.affinity:
        yield "Cores", ", ".join(map(str, measurement.affinity))
