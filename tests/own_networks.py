"""Small models of a person's own, sound and unsound, as ONNX files and as Paddle programs."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPEN_SHAPE = ("N", 3, "H", "W")
FIXED_SHAPE = (1, 3, 64, 64)

# As people save a network: without a word about `clip_extra`.
_SAVE = """
import sys
import paddle

paddle.seed(7)
network = paddle.nn.Sequential(
    paddle.nn.Conv2D(3, int(sys.argv[2]), 3, stride=2),
    paddle.nn.BatchNorm2D(int(sys.argv[2])),
    paddle.nn.ReLU6(),
    paddle.nn.Hardswish(),
    paddle.nn.AdaptiveAvgPool2D(1),
    paddle.nn.Flatten(),
    paddle.nn.Linear(int(sys.argv[2]), 10),
)
network.eval()
spec = paddle.static.InputSpec([None, 3, None, None], "float32", "x")
paddle.jit.save(paddle.jit.to_static(network, input_spec=[spec]), sys.argv[1])
paddle.save(network.state_dict(), sys.argv[1] + ".pdparams")
"""


# As Paddle 1.x saves a network.
_SAVE_APART = """
import sys
import paddle

paddle.enable_static()
executor = paddle.static.Executor()
program, _, _ = paddle.static.load_inference_model(sys.argv[1], executor)
paddle.static.io.save_vars(
    executor, sys.argv[2], program, predicate=paddle.static.io.is_persistable
)
"""


def save_onnx(model: onnx.ModelProto, path: Path) -> Path:
    path.write_bytes(model.SerializeToString())
    return path


def onnx_network(
    shape: Sequence[int | str | None] | None = OPEN_SHAPE,
    *,
    kind: int = TensorProto.FLOAT,
    operator: str = "Relu",
    domain: str = "",
) -> onnx.ModelProto:
    """A network of an image in and ten scores out."""
    rng = np.random.default_rng(0)
    weights = [
        numpy_helper.from_array(rng.standard_normal((8, 3, 3, 3)).astype(np.float32), "kernel"),
        numpy_helper.from_array(rng.standard_normal((8, 10)).astype(np.float32), "matrix"),
    ]
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["convolved"], strides=[2, 2]),
        helper.make_node(operator, ["convolved"], ["active"], domain=domain),
        helper.make_node("GlobalAveragePool", ["active"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], ["scores"]),
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("image", kind, shape)],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ("N", 10))],
        weights,
    )
    domains = [helper.make_opsetid("", 14)]
    if domain:
        domains.append(helper.make_opsetid(domain, 1))
    return helper.make_model(graph, opset_imports=domains, ir_version=8)


def with_ending(model: onnx.ModelProto, *nodes: onnx.NodeProto, kind: int) -> onnx.ModelProto:
    """The network with operators after its scores, the last of which gives the output."""
    model.graph.node.extend(nodes)
    name = nodes[-1].output[0]
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info(name, kind, None))
    return model


def with_external_weights(model: onnx.ModelProto, location: str) -> onnx.ModelProto:
    """The network with a tensor that another file is said to have."""
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", location
    return model


def save_paddle(folder: Path, channels: int = 8) -> Path:
    """A folder with a program, its parameters, and a pickle of them beside."""
    folder.mkdir(parents=True)
    command = [sys.executable, "-c", _SAVE, str(folder / "inference"), str(channels)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def save_apart(prefix: Path, folder: Path) -> Path:
    """A folder with the program of a prefix, and a file for each of its parameters."""
    command = [sys.executable, "-c", _SAVE_APART, str(prefix), str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    (folder / "__model__").write_bytes(prefix.with_suffix(".pdmodel").read_bytes())
    return folder


# As people save what they trained, for a number of classes of their own.
_TRAIN = """
import sys
import paddle
from models.steps.paddle import architectures, synthetic
paddle.seed(5)
network = architectures.build(sys.argv[1], int(sys.argv[2]))
synthetic.calibrate(network, 64, 8)
paddle.save(network.state_dict(), sys.argv[3])
"""


def save_weights(path: Path, architecture: str, classes: int) -> Path:
    command = [sys.executable, "-c", _TRAIN, architecture, str(classes), str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return path
