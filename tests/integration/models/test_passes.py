"""Passes: the outputs stay, the operator goes, and the tools take what is left."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from models.catalog.variants import Target
from models.conversion.program import SIMPLIFIER
from models.passes import PASSES
from models.processes.child import Cancellation, StepFailed, StepLimits, run_step
from models.processes.requests import FileAnswer, PaddleLiteRequest, ParityAnswer, ParityRequest
from protos.inputs import square
from tests.integration.models.conftest import Conversion, convert_synthetic

# The smallest backbone that each pass is made for.
BACKBONES = {
    "constant_attention_mask": "SwinTransformer_tiny_patch4_window7_224",
    "square_by_product": "ConvNeXt_tiny",
    "four_dimensional_involution": "RedNet26",
    "fold_by_transposition": "MobileViTV2_x0_5",
    "sum_by_addition": "ResNeSt50",
    "heads_as_rows": "MobileNetV4_hybrid_medium",
    "constant_attention_biases": "LeViT_128S",
}
# What paddle2onnx alone does not take, Paddle Lite does.
FAILING = [name for name in BACKBONES if name != "constant_attention_biases"]
# The operator that each pass is about, and the size of the images.
ABOUT = {
    **{each.name: (each.operator, 128) for each in PASSES},
    "four_dimensional_involution": ("reduce_sum", 128),
    "heads_as_rows": ("matmul_v2", 128),
    # It is made for one size.
    "constant_attention_biases": ("gather", 224),
}

# What a pass does to a network, at a batch and size where shapes that are wrong would not fit by
# accident; and that network as the converters would get it without the pass, with what Paddle
# computes.
STUDY = """
import copy, importlib, json, sys
import numpy as np
import paddle
from models.steps.paddle import architectures, synthetic
from protos.reference.differences import relative_difference
from protos.reference.noise import noise_images
from models.steps.paddle.tracing import trace
from protos.inputs import square

def operators(traced):
    program = traced.forward.main_program
    kinds = [op.type for block in program.blocks for op in block.ops]
    return {
        "count": kinds.count(operator),
        "inputs_over_4d": sum(
            len(block.var(op.input_arg_names[0]).shape) > 4
            for block in program.blocks for op in block.ops if op.type == operator
        ),
        "repeating_inputs": sum(
            len({tuple(block.var(name).shape[:-2]) for name in op.input_arg_names}) > 1
            for block in program.blocks for op in block.ops if op.type == operator
        ),
    }

name, architecture, operator, size, folder = sys.argv[1:]
size = int(size)
paddle.seed(0)
network = architectures.build(architecture)
images = noise_images(2, square(size), 1)
given = paddle.to_tensor(images)
synthetic.steady_involutions(network, 0)
synthetic.calibrate(network, size, 8)
with paddle.no_grad():
    before = network(given).numpy()
    untouched = copy.deepcopy(network)
    changed = importlib.import_module(f"models.passes.{name}").rewrite(network, given)
    after = network(given).numpy()
# What was traced stays static, so that each network is traced once, at the end.
as_it_was, rewritten = (trace(each, images.shape) for each in (untouched, network))
paddle.jit.save(as_it_was, f"{folder}/program", clip_extra=False)
np.savez(f"{folder}/reference", inputs=images[None], output_count=1, output_0=before[None])
print(json.dumps({
    "changed": changed,
    "difference": relative_difference(after, before),
    "before": operators(as_it_was),
    "after": operators(rewritten),
}))
"""


@dataclass(frozen=True)
class Study:
    """What a pass did to its backbone, and the folder of the program that it was not done to."""

    changed: int
    difference: float
    before: dict[str, int]
    after: dict[str, int]
    folder: Path


Studying = Callable[[str], Study]


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Studying:
    """Gives what a pass does to its backbone, which is built once."""

    @functools.cache
    def study(name: str) -> Study:
        folder = tmp_path_factory.mktemp(name)
        operator, size = ABOUT[name]
        arguments = (name, BACKBONES[name], operator, str(size), str(folder))
        command = [sys.executable, "-c", STUDY, *arguments]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return Study(**json.loads(done.stdout.splitlines()[-1]), folder=folder)

    return study


def test_every_pass_is_tested() -> None:
    assert [each.name for each in PASSES] == list(BACKBONES)


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        # Every other block of 2, 2, 6 and 2 shifts its windows.
        ("constant_attention_mask", 6),
        ("square_by_product", 4),
        ("fold_by_transposition", 3),
        # One split attention in each of 3, 4, 6 and 3 blocks.
        ("sum_by_addition", 16),
    ],
)
def test_a_pass_keeps_the_outputs_and_removes_the_operator(
    name: str, changed: int, studied: Studying
) -> None:
    study = studied(name)
    assert study.changed == changed
    assert study.difference < 1e-6
    assert study.before["count"] > study.after["count"] == 0


def test_an_involution_keeps_its_outputs_and_sums_in_four_dimensions(studied: Studying) -> None:
    study = studied("four_dimensional_involution")
    assert study.changed == 9
    assert study.difference < 1e-5
    assert study.before["inputs_over_4d"] == 9
    assert study.after["inputs_over_4d"] == 0


def test_attention_keeps_its_outputs_and_multiplies_what_is_alike(studied: Studying) -> None:
    study = studied("heads_as_rows")
    attentions = study.changed
    assert attentions > 0
    assert study.difference < 1e-5
    assert study.before["repeating_inputs"] == 2 * attentions
    assert study.after["repeating_inputs"] == 0


def test_biases_of_pairs_are_gathered_once_and_written_in_their_order(studied: Studying) -> None:
    study = studied("constant_attention_biases")
    assert study.changed == 11
    assert study.difference == 0
    assert study.before["count"] > 500
    assert study.after["count"] == 0


def test_other_networks_are_left_alone(pplcnet: Conversion, mobilenet: Conversion) -> None:
    for conversion in (pplcnet, mobilenet):
        assert {made.passes for made in conversion.made.values()} == {(), (SIMPLIFIER,)}


def convert_for_x86_and_compare(folder: Path) -> None:
    prefix, artifact, reference = (str(folder / n) for n in ("program", "x86.nb", "reference.npz"))
    steps: list[tuple[str, object, type]] = [
        ("paddle_lite", PaddleLiteRequest(prefix, "x86", artifact), FileAnswer),
        ("parity_paddle_lite", ParityRequest(artifact, reference, 1e-4), ParityAnswer),
    ]
    for step, request, answer_type in steps:
        run_step(
            step,
            request,
            answer_type,
            workdir=folder,
            limits=StepLimits(),
            cancellation=Cancellation(),
        )


@pytest.mark.parametrize("name", FAILING)
def test_without_its_pass_a_backbone_still_fails_in_paddle_lite(
    name: str, studied: Studying
) -> None:
    folder = studied(name).folder
    with pytest.raises(StepFailed, match=r"SIGSEGV|SIGABRT|differ from|not finite"):
        convert_for_x86_and_compare(folder)


# With attention in windows it is `tests.integration.models.test_on_request` that converts, at two
# images of yet another size.
@pytest.mark.parametrize("name", [name for name in BACKBONES if name != "constant_attention_mask"])
def test_every_tool_takes_what_the_pass_left(name: str, tmp_path: Path) -> None:
    _, size = ABOUT[name]
    conversion = convert_synthetic(BACKBONES[name], tmp_path, input_size=square(size))
    for made in conversion.made.values():
        assert made.passes[0] == name
    assert conversion.made[Target.X86].parity.max_relative_difference < 1e-4
