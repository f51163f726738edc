"""Passes: the outputs stay, the operator goes, and the tools take what is left."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from models.catalog.variants import Target
from models.conversion.program import SIMPLIFIER
from models.passes import PASSES
from models.processes.child import Cancellation, StepFailed, StepLimits, run_step
from models.processes.requests import FileAnswer, PaddleLiteRequest, ParityAnswer, ParityRequest
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
FAILING = {name: of for name, of in BACKBONES.items() if name != "constant_attention_biases"}

# One pass alone, at a batch and size where shapes that are wrong would not fit by accident.
REWRITE = """
import copy, importlib, json, sys
import numpy as np
import paddle
from models.steps.paddle import architectures, synthetic
from protos.reference.differences import relative_difference
from protos.reference.noise import noise_images
from models.steps.paddle.tracing import trace
from protos.inputs import square

def operators(network):
    program = trace(network, images.shape).forward.main_program
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

name, architecture, operator, size = sys.argv[1:]
size = int(size)
paddle.seed(0)
network = architectures.build(architecture)
images = paddle.to_tensor(noise_images(2, square(size), 1))
synthetic.steady_involutions(network, 0)
synthetic.calibrate(network, size, 8)
with paddle.no_grad():
    before = network(images).numpy()
    untouched = copy.deepcopy(network)
    changed = importlib.import_module(f"models.passes.{name}").rewrite(network, images)
    after = network(images).numpy()
print(json.dumps({
    "changed": changed,
    "difference": relative_difference(after, before),
    # What was traced stays static, so that each network is traced once, at the end.
    "before": operators(untouched),
    "after": operators(network),
}))
"""

# A program that no pass has seen, with what Paddle computes.
EXPORT_AS_IT_IS = """
import sys
import numpy as np
import paddle
from models.steps.paddle import architectures, synthetic
from protos.reference.noise import noise_images
from models.steps.paddle.tracing import trace
from protos.inputs import square

architecture, prefix, reference = sys.argv[1:]
paddle.seed(0)
network = architectures.build(architecture)
images = noise_images(1, square(128), 1)
synthetic.steady_involutions(network, 0)
synthetic.calibrate(network, 128, 8)
with paddle.no_grad():
    output = network(paddle.to_tensor(images)).numpy()
paddle.jit.save(trace(network, images.shape), prefix, clip_extra=False)
np.savez(reference, inputs=images[None], output_count=1, output_0=output[None])
"""


@dataclass(frozen=True)
class Rewritten:
    changed: int
    difference: float
    before: dict[str, int]
    after: dict[str, int]


def rewrite(name: str, architecture: str, operator: str, size: int = 128) -> Rewritten:
    command = [sys.executable, "-c", REWRITE, name, architecture, operator, str(size)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Rewritten(**json.loads(done.stdout.splitlines()[-1]))


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
def test_a_pass_keeps_the_outputs_and_removes_the_operator(name: str, changed: int) -> None:
    (each,) = (each for each in PASSES if each.name == name)
    rewritten = rewrite(name, BACKBONES[name], each.operator)
    assert rewritten.changed == changed
    assert rewritten.difference < 1e-6
    assert rewritten.before["count"] > rewritten.after["count"] == 0


def test_an_involution_keeps_its_outputs_and_sums_in_four_dimensions() -> None:
    rewritten = rewrite("four_dimensional_involution", "RedNet26", "reduce_sum")
    assert rewritten.changed == 9
    assert rewritten.difference < 1e-5
    assert rewritten.before["inputs_over_4d"] == 9
    assert rewritten.after["inputs_over_4d"] == 0


def test_attention_keeps_its_outputs_and_multiplies_what_is_alike() -> None:
    rewritten = rewrite("heads_as_rows", "MobileNetV4_hybrid_medium", "matmul_v2")
    attentions = rewritten.changed
    assert attentions > 0
    assert rewritten.difference < 1e-5
    assert rewritten.before["repeating_inputs"] == 2 * attentions
    assert rewritten.after["repeating_inputs"] == 0


def test_biases_of_pairs_are_gathered_once_and_written_in_their_order() -> None:
    # It is made for one size.
    rewritten = rewrite("constant_attention_biases", "LeViT_128S", "gather", 224)
    assert rewritten.changed == 11
    assert rewritten.difference == 0
    assert rewritten.before["count"] > 500
    assert rewritten.after["count"] == 0


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


@pytest.mark.parametrize("backbone", FAILING.values())
def test_without_its_pass_a_backbone_still_fails_in_paddle_lite(
    backbone: str, tmp_path: Path
) -> None:
    prefix, reference = str(tmp_path / "program"), str(tmp_path / "reference.npz")
    command = [sys.executable, "-c", EXPORT_AS_IT_IS, backbone, prefix, reference]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(StepFailed, match=r"SIGSEGV|SIGABRT|differ from|not finite"):
        convert_for_x86_and_compare(tmp_path)


@pytest.mark.parametrize(("name", "backbone"), BACKBONES.items())
def test_every_tool_takes_what_the_pass_left(name: str, backbone: str, tmp_path: Path) -> None:
    conversion = convert_synthetic(backbone, tmp_path)
    for made in conversion.made.values():
        assert made.passes[0] == name
    assert conversion.made[Target.X86].parity.max_relative_difference < 1e-4
