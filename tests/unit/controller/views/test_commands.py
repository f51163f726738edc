"""A suggested sweep is written as the command that starts the very same one."""

import shlex
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.cores import CoreChoice, Cores
from controller.domain.rankings import Constraints
from controller.domain.sweeps import DEFAULT_GATE, MAX_REPETITIONS, SweepSpec
from controller.views.sweeps.commands import sweep_command
from models.catalog.catalog import load_catalog
from models.catalog.precisions import Precision
from models.catalog.tiers import Tier, select_tier
from models.catalog.variants import Target, WeightsKind
from protos.runtimes import GraphOptimization, OnnxRuntimeOptions, Runtime
from tests.unit.controller.samples.asked_sweeps import asked_by, spelt_out


def _listed(cpus: Collection[int]) -> Cores:
    return Cores(choice=CoreChoice.LISTED, cpus=tuple(sorted(cpus)))


NO_LIMITS = Constraints()
GAP = SweepSpec(
    backbones=("A", "B"),
    devices=("my pi",),
    runtimes=(Runtime.PADDLELITE,),
    threads=(4,),
    weights=WeightsKind.PRETRAINED,
    fewest_repetitions=3,
    most_repetitions=10,
    relative_half_width=0.01,
    time_budget_ms=10_000,
    gate=DEFAULT_GATE,
    sentinel=True,
)
AGAIN = replace(
    GAP,
    devices=("pi5",),
    runtimes=(Runtime.PADDLELITE, Runtime.ONNXRUNTIME),
    threads=(1, 2),
    weights=WeightsKind.SYNTHETIC,
    fewest_repetitions=10,
    most_repetitions=20,
    time_ms=1_200_000,
    time_budget_ms=3_000,
    relative_half_width=0.025,
    precisions=(Precision.FP32, Precision.INT8_STATIC),
    batches=(1, 4),
    cores=_listed({4, 5, 6, 7}),
    flush_denormals=True,
    onnxruntime=OnnxRuntimeOptions(spinning=False),
    fresh=True,
)
WRITTEN = [
    (
        GAP,
        "edgerank sweep --models A,B --devices 'my pi' --runtimes paddlelite --threads 4 "
        "--weights pretrained",
    ),
    (
        AGAIN,
        "edgerank sweep --models A,B --devices pi5 --runtimes paddlelite,onnxruntime "
        "--threads 1,2 --precisions fp32,int8-static --batch 1,4 --cores 4-7 --flush-denormals "
        "--no-spinning --weights synthetic --repetitions 10-20 --time 1200s "
        "--time-budget 3000ms --precision 2.5% --fresh",
    ),
    (
        replace(GAP, sustained_minutes=10, fewest_repetitions=1, most_repetitions=1),
        "edgerank sweep --models A,B --devices 'my pi' --runtimes paddlelite --threads 4 "
        "--sustained 10m --weights pretrained",
    ),
]


def started_by(text: str) -> SweepSpec:
    """The sweep that a controller is asked for when a person pastes a command."""
    program, name, *arguments = shlex.split(text)
    assert (program, name) == ("edgerank", "sweep")
    return asked_by(*arguments)


@pytest.mark.parametrize(("spec", "written"), WRITTEN, ids=["gap", "again", "sustained"])
def test_options_that_would_say_their_defaults_are_left_out(spec: SweepSpec, written: str) -> None:
    assert sweep_command(spec, NO_LIMITS) == written


def _some(choices: Any) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(st.sampled_from(choices), min_size=1, unique=True).map(tuple)


@given(
    st.builds(
        SweepSpec,
        backbones=_some(["A", "B", "C"]),
        devices=_some(["pi5", "my pi", "it's"]),
        runtimes=_some(Runtime),
        threads=_some([1, 2, 4]),
        weights=st.sampled_from([WeightsKind.PRETRAINED, WeightsKind.SYNTHETIC]),
        fewest_repetitions=st.integers(1, 5),
        most_repetitions=st.integers(5, MAX_REPETITIONS),
        time_ms=st.none() | st.integers(1, 10_000_000),
        relative_half_width=st.sampled_from([0.005, 0.01, 0.025, 0.03]),
        time_budget_ms=st.integers(100, 600_000),
        precisions=st.just(()) | _some(Precision),
        batches=st.just(()) | _some([1, 4]),
        cores=st.just(Cores()) | st.sets(st.integers(0, 15), min_size=1, max_size=4).map(_listed),
        flush_denormals=st.booleans(),
        onnxruntime=st.none()
        | st.builds(
            OnnxRuntimeOptions,
            execution_provider=st.sampled_from(
                ["CPUExecutionProvider", "XnnpackExecutionProvider"]
            ),
            graph_optimization=st.sampled_from(GraphOptimization),
            spinning=st.booleans(),
            arena=st.booleans(),
        ),
        gate=st.just(DEFAULT_GATE),
        sustained_minutes=st.integers(0, 60),
        paced_fps=st.just(0.0) | st.floats(1, 240),
        accelerators=st.just(()) | _some([Target.OPENCL, Target.NNAPI]),
        sentinel=st.just(True),
        fresh=st.booleans(),
    )
)
@settings(deadline=None)
def test_whoever_pastes_the_command_starts_the_very_same_sweep(spec: SweepSpec) -> None:
    assert spelt_out(started_by(sweep_command(spec, NO_LIMITS))) == spelt_out(spec)


def test_of_many_backbones_a_whole_tier_is_named_as_such() -> None:
    mobile = tuple(backbone.name for backbone in select_tier(load_catalog(), Tier.MOBILE))
    words = sweep_command(replace(GAP, backbones=mobile), Constraints(tier=Tier.MOBILE)).split()
    assert words[3] == "tier:mobile"
    named = sweep_command(replace(GAP, backbones=mobile[:2]), Constraints(tier=Tier.MOBILE)).split()
    assert named[3] == ",".join(mobile[:2])
