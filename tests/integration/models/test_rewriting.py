"""What Paddle Lite quantises of a program is rewritten to its liking, or refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from models.passes import PROGRAM_PASSES
from models.processes.child import StepFailed
from models.processes.requests import RewriteRequest
from tests.integration.models.one_step import step

# A program with one product of weights the pass takes and, when asked, one that it does not.
PRODUCTS = """
import sys
import paddle

class Network(paddle.nn.Layer):
    def __init__(self):
        super().__init__()
        self.first = paddle.nn.Linear(6, 5)
        self.second = self.create_parameter([5, 5])

    def forward(self, x):
        y = self.first(x)
        return paddle.matmul(y, self.second, transpose_y=sys.argv[2] == "transposed")

paddle.seed(0)
network = Network()
network.eval()
spec = paddle.static.InputSpec([2, 3, 6], "float32")
paddle.jit.save(paddle.jit.to_static(network, input_spec=[spec]), sys.argv[1], clip_extra=False)
"""

RUN_BOTH = """
import json, sys
import numpy as np
import paddle
from protos.reference.differences import relative_difference

paddle.enable_static()
executor = paddle.static.Executor(paddle.CPUPlace())
image = np.random.default_rng(0).standard_normal((2, 3, 6)).astype("float32")
outputs, operators = [], []
for prefix in sys.argv[1:]:
    with paddle.static.scope_guard(paddle.static.Scope()):
        program, (name,), ends = paddle.static.load_inference_model(prefix, executor)
        outputs += executor.run(program, feed={name: image}, fetch_list=ends)
    operators.append([op.type for op in program.global_block().ops])
print(json.dumps([relative_difference(*outputs), *operators]))
"""


def products(folder: Path, kind: str) -> str:
    prefix = str(folder / "program")
    # What traces a network reads its source, which has to be a file then.
    script = folder / "products.py"
    script.write_text(PRODUCTS)
    subprocess.run([sys.executable, script, prefix, kind], check=True, capture_output=True)
    return prefix


def test_every_pass_on_a_program_is_tested() -> None:
    assert [each.name for each in PROGRAM_PASSES] == ["mul_by_constant"]


def test_multiplying_by_a_constant_keeps_the_outputs(tmp_path: Path) -> None:
    prefix = products(tmp_path, "plain")
    step("rewrite_program", RewriteRequest(prefix, f"{prefix}-int8"), tmp_path)
    command = [sys.executable, "-c", RUN_BOTH, prefix, f"{prefix}-int8"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    difference, before, after = json.loads(done.stdout.splitlines()[-1])
    assert difference < 1e-6
    assert before.count("matmul_v2") == after.count("mul") == 2
    assert "matmul_v2" not in after


# A product of weights in a block inside, as in a branch: its operands are those of the outer one.
INNER = """
import sys
from paddle.base.proto import framework_pb2

FP32, TENSOR = framework_pb2.VarType.FP32, framework_pb2.VarType.LOD_TENSOR
program = framework_pb2.ProgramDesc()
outer = program.blocks.add(idx=0, parent_idx=-1)
for name, shape, persistable in (("x", [2, 6], False), ("w", [6, 5], True), ("y", [2, 5], False)):
    variable = outer.vars.add(name=name, persistable=persistable)
    variable.type.type = TENSOR
    variable.type.lod_tensor.tensor.data_type = FP32
    variable.type.lod_tensor.tensor.dims.extend(shape)
operator = program.blocks.add(idx=1, parent_idx=0).ops.add(type="matmul_v2")
for slot, name in (("X", "x"), ("Y", "w")):
    operator.inputs.add(parameter=slot, arguments=[name])
operator.outputs.add(parameter="Out", arguments=["y"])
transposed = sys.argv[2] == "transposed"
operator.attrs.add(name="trans_y", type=framework_pb2.BOOLEAN, b=transposed)
with open(sys.argv[1] + ".pdmodel", "wb") as stream:
    stream.write(program.SerializeToString())
"""


def assert_refused(request: RewriteRequest, workdir: Path) -> None:
    with pytest.raises(StepFailed, match=r"^rewrite_program: 1 ") as caught:
        step("rewrite_program", request, workdir)
    assert not caught.value.crashed
    assert "matrix products" in caught.value.reason


def test_a_product_in_an_inner_block_is_rewritten_or_refused_as_any(tmp_path: Path) -> None:
    for kind in ("plain", "transposed"):
        prefix = str(tmp_path / kind)
        subprocess.run([sys.executable, "-c", INNER, prefix, kind], check=True)
        Path(f"{prefix}.pdiparams").touch()
    plain, transposed = (
        RewriteRequest(f"{tmp_path}/{kind}", f"{tmp_path}/{kind}-int8")
        for kind in ("plain", "transposed")
    )
    step("rewrite_program", plain, tmp_path)
    assert_refused(transposed, tmp_path)


def test_a_product_that_paddle_lite_would_not_read_back_is_refused(tmp_path: Path) -> None:
    prefix = products(tmp_path, "transposed")
    assert_refused(RewriteRequest(prefix, f"{prefix}-int8"), tmp_path)
