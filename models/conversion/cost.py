"""What converting a backbone is expected to cost, from what is known of it without trying.

The constants were fitted to whole conversions (fp32, three artifacts) on two x86-64 cores: memory
to the largest peak of a child among eleven backbones from PPLCNet_x0_25 to ViT_large_patch16_384,
and to that of all children together of the smaller ones; time to those and the smallest backbone of
each series. Memory is rather over- than underestimated. Reduced precisions are in no fit: their
room on the disk is counted file by file.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from models.catalog.catalog import Backbone
from models.catalog.precisions import Precision
from models.catalog.variants import Target, Variant, variants_of
from models.conversion.failing import MAX_ONNX_WEIGHTS_BYTES
from models.conversion.work import EXPORT, ONNX, OPTIMISE, REDUCE, SIMPLIFY, Work, needed
from models.recipes.acceptance import ACCEPTANCE
from models.recipes.reduction import goes_through_onnx
from protos.inputs import ImageSize

CHILD_BYTES = 320_000_000
"""Peak of a child that holds its libraries and hardly a network: PPLCNet_x0_25, 340 MB."""

SERVERS_BYTES = 420_000_000
"""Fork servers that have read their libraries: three, 411 MB (PSS, measured), counted for each
conversion though those of one run share them."""

PADDLE_BYTES_PER_PARAM = 16
"""Export, with the weights three times: ResNeXt101_32x48d_wsl, 10.4 GB for 828 M parameters; or the
end of an export and the optimiser beside it, or that and a comparison."""

ONNX_BYTES_PER_PARAM = 36
"""Simplifying the ONNX file, which runs alone: VGG16, 4.9 GB for 138 M parameters;
ViT_large_patch16_384, 10.5 GB for 305 M."""

BYTES_PER_MULTIPLY_ADD = 0.02
"""Activations: EfficientNetB7 at 600 px, 3.4 GB for 66 M parameters and 37.7 G multiply-adds."""

BYTES_PER_IMAGE_VALUE = 24
"""Drawing reference inputs: 21 bytes for each number (measured), and the inputs before them."""

DISK_BYTES_PER_PARAM: Mapping[Work, int] = MappingProxyType(
    {
        EXPORT: 4,
        OPTIMISE[Target.X86, Precision.FP32]: 4,
        OPTIMISE[Target.ARM, Precision.FP32]: 4,
        OPTIMISE[Target.ARM, Precision.FP16]: 4,
        OPTIMISE[Target.OPENCL, Precision.FP32]: 4,
        OPTIMISE[Target.NNAPI, Precision.FP32]: 4,
        OPTIMISE[Target.X86, Precision.INT8_DYNAMIC]: 2,
        OPTIMISE[Target.ARM, Precision.INT8_DYNAMIC]: 2,
        ONNX: 4,
        SIMPLIFY: 4,
        REDUCE[Precision.FP16]: 3,
        REDUCE[Precision.INT8_DYNAMIC]: 4,
        REDUCE[Precision.INT8_STATIC]: 4,
    }
)
"""What the file that a step leaves takes; the other steps leave none that grows with the weights.

A file of reduced precision keeps in float32 what its tool does not reduce: in ONNX up to all.
"""

QUANTISING_BYTES_PER_PARAM = 12
"""Float32 in three files that quantising an ONNX file needs, and removes when it is done."""

_QUANTISING = (REDUCE[Precision.INT8_DYNAMIC], REDUCE[Precision.INT8_STATIC])

SECONDS = 3.7
SECONDS_PER_PARAM = 0.06e-6
SECONDS_PER_MULTIPLY_ADD = 1.25e-9


def expected_peak_bytes(backbone: Backbone, variants: Iterable[Variant]) -> int:
    """Return the memory that the children of a conversion are expected to take at once."""
    params = _params(backbone)
    fits_onnx = 4 * params <= MAX_ONNX_WEIGHTS_BYTES
    peaks = []
    for variant in variants:
        is_onnx = goes_through_onnx(variant) and fits_onnx
        per_param = ONNX_BYTES_PER_PARAM if is_onnx else PADDLE_BYTES_PER_PARAM
        activations = BYTES_PER_MULTIPLY_ADD * _multiply_adds(backbone, variant)
        images = BYTES_PER_IMAGE_VALUE * _reference_values(backbone, variant)
        peaks.append(CHILD_BYTES + SERVERS_BYTES + per_param * params + activations + images)
    return round(max(peaks, default=0.0))


def expected_disk_bytes(backbone: Backbone, variants: Iterable[Variant]) -> int:
    """Return the room that a conversion takes on the disk while it runs.

    What variants of one input size and batch share is there once, and all of it until the last
    variant is made. The reference inputs count, being images for every variant of a large batch.
    """
    wanted = tuple(variants)
    works = {
        (variant.input_size, variant.batch, work) for variant in wanted for work in needed(variant)
    }
    per_param = sum(DISK_BYTES_PER_PARAM.get(work, 0) for *_, work in works)
    if any(work in _QUANTISING for *_, work in works):
        per_param += QUANTISING_BYTES_PER_PARAM
    values: dict[tuple[ImageSize, int], int] = {}
    for variant in wanted:
        shape = (variant.input_size, variant.batch)
        values[shape] = max(values.get(shape, 0), _reference_values(backbone, variant))
    return round(per_param * _params(backbone)) + 4 * sum(values.values())


def seconds_by_variant(backbone: Backbone, variants: Iterable[Variant]) -> dict[Variant, float]:
    """Return each variant's share of the wall time; good for weighing variants against each other.

    Each input size and batch goes its own way from the export on. Each of its steps is taken to
    last as long as the others, and the variants that need it share it.
    """
    by_shape: defaultdict[tuple[ImageSize, int], list[Variant]] = defaultdict(list)
    for variant in dict.fromkeys(variants):
        by_shape[variant.input_size, variant.batch].append(variant)
    shares: dict[Variant, float] = {}
    for alike in by_shape.values():
        sharers = Counter(work for variant in alike for work in needed(variant))
        for variant in alike:
            steps = sum(1 / sharers[work] for work in needed(variant))
            shares[variant] = _seconds_per_step(backbone, variant) * steps
    return shares


def expected_seconds(backbone: Backbone, variants: Iterable[Variant]) -> float:
    """Return the wall time of a conversion; good for weighing backbones against each other."""
    return sum(seconds_by_variant(backbone, variants).values())


def mixed_by_cost(backbones: Sequence[Backbone]) -> list[Backbone]:
    """Return the dearest, the cheapest, the second dearest and so on.

    Neighbours then share a machine well, and what is done so far tells how long the rest takes.
    """
    seconds = {each.name: expected_seconds(each, variants_of(each)) for each in backbones}
    ranked = sorted(backbones, key=lambda each: (-seconds[each.name], each.name))
    half = (len(ranked) + 1) // 2
    dear, cheap = ranked[:half], ranked[half:][::-1]
    mixed = [backbone for pair in zip(dear, cheap, strict=False) for backbone in pair]
    return mixed + dear[len(cheap) :]


def _seconds_per_step(backbone: Backbone, variant: Variant) -> float:
    """Return the fitted time of a conversion to float32 in this shape, by its number of steps."""
    fitted_steps = {work for each in variants_of(backbone) for work in needed(each)}
    seconds = (
        SECONDS
        + SECONDS_PER_PARAM * _params(backbone)
        + SECONDS_PER_MULTIPLY_ADD * _multiply_adds(backbone, variant)
    )
    return seconds / len(fitted_steps)


def _params(backbone: Backbone) -> float:
    return (backbone.counted_params_m or backbone.params_m or 0.0) * 1e6


def _multiply_adds(backbone: Backbone, variant: Variant) -> float:
    scale = variant.batch * variant.input_size.pixel_count / backbone.input_size.pixel_count
    return _flops_g(backbone) * 1e9 * scale


def _reference_values(backbone: Backbone, variant: Variant) -> int:
    """Return how many numbers the inputs have that a variant is compared on."""
    image_values = backbone.input_kind.channels * variant.input_size.pixel_count
    return ACCEPTANCE[variant.precision].input_count * variant.batch * image_values


def _flops_g(backbone: Backbone) -> float:
    """Return 10^9 multiply-adds; 0 where nobody knows them, as of a network that cannot run."""
    return backbone.counted_flops_g or backbone.flops_g or 0.0
