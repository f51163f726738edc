"""What nobody could mean is refused before anything of it is made."""

from dataclasses import replace

import pytest

from controller.domain.conversions import ConversionSpec
from controller.domain.errors import EdgerankError, ErrorCode
from controller.sweeps.planning import plan_conversion, plan_sweep
from models.catalog.variants import WeightsKind
from protos.inputs import square
from tests.unit.controller.sweeps.test_planning import CATALOG, SPEC, device


def test_more_jobs_than_may_be_at_once_are_refused_before_any_is_made() -> None:
    every = tuple(backbone.name for backbone in CATALOG)
    huge = replace(
        SPEC,
        backbones=every,
        threads=tuple(range(1, 257)),
        input_sizes=tuple(map(square, range(32, 132))),
        batches=tuple(range(1, 57)),
    )
    with pytest.raises(EdgerankError, match=r"1,000,000 may be") as refused:
        plan_sweep(huge, [device("pc")], CATALOG)
    assert refused.value.code is ErrorCode.INVALID_INPUT
    conversion = ConversionSpec(
        backbones=every,
        weights=WeightsKind.SYNTHETIC,
        input_sizes=huge.input_sizes,
        batches=huge.batches,
    )
    with pytest.raises(EdgerankError, match=r"1,000,000 may be"):
        plan_conversion(conversion, CATALOG)


def test_so_are_more_repetitions_than_may_be_at_once() -> None:
    many = replace(
        SPEC,
        backbones=("MobileNetV1",),
        threads=tuple(range(1, 41)),
        input_sizes=tuple(map(square, range(32, 132))),
        batches=tuple(range(1, 51)),
        fewest_repetitions=16,
        most_repetitions=16,
    )
    with pytest.raises(EdgerankError, match=r"6,400,000 repetitions of 400,000 jobs") as refused:
        plan_sweep(many, [device("pc")], CATALOG)
    assert refused.value.code is ErrorCode.INVALID_INPUT


@pytest.mark.parametrize(
    ("changes", "token"),
    [
        ({"priority": 11}, "-10 to 10, not 11"),
        ({"priority": -11}, "-10 to 10, not -11"),
        ({"deadline_unix_ms": 0}, "since 1970, not 0 ms"),
    ],
)
def test_how_urgent_a_sweep_may_be_has_its_bounds(changes: dict[str, int], token: str) -> None:
    with pytest.raises(EdgerankError, match=token) as refused:
        plan_sweep(replace(SPEC, **changes), [device("pc")], CATALOG)  # type: ignore[arg-type]
    assert refused.value.code is ErrorCode.INVALID_INPUT
