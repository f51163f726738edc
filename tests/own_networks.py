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


# Operators that only networks have which take minutes to convert.
_SAVE_RARE = """
import sys
import paddle
from paddle.nn import functional

class Rare(paddle.nn.Layer):
    def __init__(self):
        super().__init__()
        self.convolution = paddle.nn.Conv2D(3, 8, 3, stride=2, padding=1)
        self.token = self.create_parameter([1, 1, 8])
        self.linear = paddle.nn.Linear(8, 10)

    def forward(self, images):
        maps = functional.leaky_relu(self.convolution(images), 0.1)
        small = functional.avg_pool2d(maps, 2)
        for mode in ("nearest", "bilinear"):
            maps = maps + functional.interpolate(small, scale_factor=2, mode=mode)
        tokens = maps.flatten(2).transpose([0, 2, 1])
        first = self.token.expand([paddle.shape(tokens)[0], -1, -1])
        return self.linear(paddle.concat([first, tokens], 1).mean(1))

paddle.seed(3)
network = Rare()
network.eval()
spec = paddle.static.InputSpec([None, 3, 64, 64], "float32", "x")
paddle.jit.save(paddle.jit.to_static(network, input_spec=[spec]), sys.argv[1])
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


# Bytes in grey with the channel last, four at once, wider than high, and a second input.
_SAVE_STRANGE = """
import sys
import paddle


class Strange(paddle.nn.Layer):
    def __init__(self):
        super().__init__()
        self.convolution = paddle.nn.Conv2D(1, 8, 3, stride=2)
        self.pool = paddle.nn.AdaptiveAvgPool2D(1)
        self.linear = paddle.nn.Linear(8, 10)

    def forward(self, image, scale_factor):
        floats = image.astype("float32").transpose([0, 3, 1, 2])
        pooled = self.pool(paddle.nn.functional.relu(self.convolution(floats)))
        return self.linear(pooled.flatten(1)) * scale_factor.sum(axis=1, keepdim=True)


paddle.seed(7)
network = Strange()
network.eval()
specs = [
    paddle.static.InputSpec([4, 48, 192, 1], sys.argv[2], "image"),
    paddle.static.InputSpec([None, 2], "float32", "scale_factor"),
]
paddle.jit.save(paddle.jit.to_static(network, input_spec=specs), sys.argv[1])
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


def quantised_network() -> onnx.ModelProto:
    """The network with its activations in eight bits, as a quantiser leaves it (QDQ)."""
    model = onnx_network(FIXED_SHAPE)
    convolution, active, pooling, *others = list(model.graph.node)
    pooling.input[0] = "rounded"
    del model.graph.node[:]
    range_of = ("scale", "zero")
    model.graph.node.extend(
        [
            convolution,
            active,
            helper.make_node("QuantizeLinear", ["active", *range_of], ["in_bytes"]),
            helper.make_node("DequantizeLinear", ["in_bytes", *range_of], ["rounded"]),
            pooling,
            *others,
        ]
    )
    model.graph.initializer.extend(
        [
            numpy_helper.from_array(np.array(0.1, np.float32), "scale"),
            numpy_helper.from_array(np.array(0, np.uint8), "zero"),
        ]
    )
    return model


def strange_network(
    shape: Sequence[int | str | None],
    *,
    kind: int = TensorProto.FLOAT,
    channels: int = 3,
    is_nhwc: bool = False,
    factor: Sequence[int | str | None] | None = None,
    output_kind: int = TensorProto.FLOAT,
) -> onnx.ModelProto:
    """A network of any image in; with `factor`, of a second input of that shape, too.

    One of float16 in and out computes in float16 throughout, one with another image in float32.
    """
    numbers = np.float16 if output_kind == TensorProto.FLOAT16 else np.float32
    rng = np.random.default_rng(0)
    weights = [
        numpy_helper.from_array(rng.standard_normal((8, channels, 3, 3)).astype(numbers), "kernel"),
        numpy_helper.from_array(rng.standard_normal((8, 10)).astype(numbers), "matrix"),
    ]
    nodes = []
    image = "image"
    if kind != output_kind:
        nodes.append(helper.make_node("Cast", [image], ["floats"], to=output_kind))
        image = "floats"
    if is_nhwc:
        nodes.append(helper.make_node("Transpose", [image], ["first"], perm=[0, 3, 1, 2]))
        image = "first"
    nodes += [
        helper.make_node("Conv", [image, "kernel"], ["convolved"], strides=[2, 2]),
        helper.make_node("Relu", ["convolved"], ["active"]),
        helper.make_node("GlobalAveragePool", ["active"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], ["scores"]),
    ]
    inputs = [helper.make_tensor_value_info("image", kind, shape)]
    if factor is not None:
        inputs.append(helper.make_tensor_value_info("scale_factor", TensorProto.FLOAT, factor))
        nodes[-1].output[0] = "unscaled"
        axes = numpy_helper.from_array(np.array([1], np.int64), "axes")
        weights.append(axes)
        nodes.append(helper.make_node("ReduceSum", ["scale_factor", "axes"], ["sum"], keepdims=1))
        nodes.append(helper.make_node("Mul", ["unscaled", "sum"], ["scores"]))
    output = helper.make_tensor_value_info("scores", output_kind, None)
    graph = helper.make_graph(nodes, "network", inputs, [output], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)


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


def save_strange_paddle(folder: Path, kind: str = "uint8") -> Path:
    """A folder with a program that takes unusual images and a second input, `scale_factor`."""
    return _save_written(_SAVE_STRANGE, folder, kind)


def save_rare_paddle(folder: Path) -> Path:
    """A folder with a program that interpolates, expands a token and leaks."""
    return _save_written(_SAVE_RARE, folder)


def _save_written(source: str, folder: Path, *arguments: str) -> Path:
    folder.mkdir(parents=True)
    # Paddle reads the source of what it turns into a program.
    script = folder / "save.py"
    script.write_text(source)
    command = [sys.executable, str(script), str(folder / "inference"), *arguments]
    subprocess.run(command, check=True, capture_output=True)
    script.unlink()
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
