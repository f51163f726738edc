"""What cannot be of a profile, as an agent tells it."""

from controller.domain.profiles import TraceDoubtful, unpack_trace
from controller.fleet.credibility.repetitions import (
    MAX_INTEGER,
    MAX_LAYER_WORD,
    MAX_LAYER_WORDS,
    MAX_LAYERS,
)
from controller.fleet.credibility.saying import doubt_of_start
from protos.fleet import Profiled
from protos.measuring import LayerTime


def doubt_of_profile(profiled: Profiled) -> str:
    """What cannot be; empty for what can."""
    times = profiled.times
    layers = times.layers
    medians_ns = (times.run_median_ns, *(layer.median_ns for layer in layers))
    checks = (
        (1 <= len(layers) <= MAX_LAYERS, f"a profile of {len(layers)} layers"),
        (
            times.run_median_ns > 0 and times.total_ns <= MAX_INTEGER,
            "inferences that took no time, or too much",
        ),
        (max(medians_ns) <= times.total_ns, "a median longer than all inferences together"),
        (times.unprofiled_run_median_ns <= MAX_INTEGER, "a figure that is too large"),
        (
            all(layer.total_ns <= times.total_ns for layer in layers),
            "a layer that took longer than all inferences together",
        ),
        (
            all(1 <= layer.call_count <= MAX_INTEGER for layer in layers),
            "a layer that never ran, or too often",
        ),
        (all(map(_has_fitting_words, layers)), "a layer whose name or shape is too long"),
    )
    doubt = next((sentence for holds, sentence in checks if not holds), "")
    return doubt or _doubt_of_trace(profiled.trace_gzip) or doubt_of_start(profiled.started_unready)


def _doubt_of_trace(trace_gzip: bytes) -> str:
    try:
        unpack_trace(trace_gzip)
    except TraceDoubtful as doubt:
        return str(doubt)
    return ""


def _has_fitting_words(layer: LayerTime) -> bool:
    words = (layer.name, layer.operator, layer.execution_provider, *layer.output_shapes)
    return len(words) <= MAX_LAYER_WORDS and all(len(word) <= MAX_LAYER_WORD for word in words)
