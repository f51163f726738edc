"""How far outputs may be apart on a device: what was measured passes, what is wrecked does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.catalog.precisions import Precision
from models.catalog.variants import PRECISIONS, Format, Target, Variant
from models.recipes.acceptance import ACCEPTANCE, PARITY_TOLERANCE
from models.recipes.output_tolerance import ALLOWANCES, output_tolerance
from protos.inputs import square

VARIANTS = [
    Variant("ResNet18", format_, precision, target, square(224))
    for (format_, target), precisions in PRECISIONS.items()
    for precision in precisions
]
# What a network that ignores its image is off by, at least.
WRECKED = 0.23


def variant(format_: Format, target: Target, precision: Precision) -> Variant:
    return Variant("ResNet18", format_, precision, target, square(224))


ARM_FP32 = variant(Format.PADDLELITE, Target.ARM, Precision.FP32)
ARM_FP16 = variant(Format.PADDLELITE, Target.ARM, Precision.FP16)
ARM_INT8 = variant(Format.PADDLELITE, Target.ARM, Precision.INT8_DYNAMIC)
X86_FP32 = variant(Format.PADDLELITE, Target.X86, Precision.FP32)


def test_every_variant_has_an_allowance_and_nothing_else_has() -> None:
    of_variants = {(each.format, each.target, each.precision) for each in VARIANTS}
    assert of_variants == {(*key, each) for key, row in ALLOWANCES.items() for each in row}


@given(which=st.sampled_from(VARIANTS), found=st.floats(0, 1))
def test_what_was_found_where_a_file_was_made_passes_on_the_device(
    which: Variant, found: float
) -> None:
    accepted = ACCEPTANCE[which.precision].tolerance
    tolerance = output_tolerance(which, min(found, accepted), accepted)
    assert min(found, accepted) <= tolerance <= 1.0


@given(which=st.sampled_from(VARIANTS), found=st.floats(0, 1), more=st.floats(0, 1))
def test_what_was_further_off_may_be_further_off(which: Variant, found: float, more: float) -> None:
    nearer = output_tolerance(which, found, PARITY_TOLERANCE)
    assert output_tolerance(which, found + more, PARITY_TOLERANCE) >= nearer


@pytest.mark.parametrize(
    ("which", "of_twin", "on_arm"),
    [
        (ARM_FP32, 3.0e-6, 5.1e-4),
        (ARM_FP32, 1.3e-5, 1.3e-4),
        (ARM_FP32, 2.8e-6, 1.4e-5),
        (ARM_FP16, 7.4e-3, 1.8e-2),
        (ARM_FP16, 4.7e-3, 1.9e-2),
        (ARM_FP16, 9.8e-4, 1.6e-2),
        (ARM_INT8, 1.1e-1, 1.1e-1 + 2e-6),
        (ARM_INT8, 2.8e-2, 2.8e-2 + 5e-6),
    ],
)
def test_what_arm_computed_passes(which: Variant, of_twin: float, on_arm: float) -> None:
    assert on_arm < output_tolerance(which, of_twin, ACCEPTANCE[which.precision].tolerance)


@pytest.mark.parametrize("which", [ARM_FP32, X86_FP32])
def test_a_float32_network_that_ignores_its_image_never_passes(which: Variant) -> None:
    assert output_tolerance(which, PARITY_TOLERANCE, PARITY_TOLERANCE) < WRECKED / 10


def test_x86_has_no_part_of_what_arm_is_allowed() -> None:
    assert output_tolerance(X86_FP32, 3e-6, PARITY_TOLERANCE) < 5.1e-4


def test_a_network_that_amplifies_rounding_is_allowed_what_it_was_where_it_was_made() -> None:
    assert output_tolerance(X86_FP32, 2e-4, 4e-3) == 4e-3
