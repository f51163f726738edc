"""Features of an ONNX graph: as those of the Paddle program with the same operators."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from models.catalog.features import NetworkFeatures
from models.steps.counting.onnx_graphs import count_graph


def model(*nodes: onnx.NodeProto, size: int | str = 8) -> onnx.ModelProto:
    """Of an image of 3 x 8 x 8, with the weights that the nodes may name."""
    weights = {
        "dense": np.zeros((16, 3, 3, 3), np.float32),
        "depthwise": np.zeros((16, 1, 3, 3), np.float32),
        "head": np.zeros((1024, 10), np.float32),
        "shape": np.array([1, 1024]),
    }
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, 3, size, size))],
        [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)],
        [numpy_helper.from_array(each, name) for name, each in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)])


DENSE = helper.make_node("Conv", ["image", "dense"], ["a"], pads=[1, 1, 1, 1])
DEPTHWISE = helper.make_node("Conv", ["a", "depthwise"], ["b"], pads=[1, 1, 1, 1], group=16)
RELU = helper.make_node("Relu", ["b"], ["c"])
RESHAPE = helper.make_node("Reshape", ["c", "shape"], ["d"])
HEAD = helper.make_node("Gemm", ["d", "head"], ["e"])


def test_each_operator_is_counted_in_its_kind() -> None:
    counted = count_graph(model(DENSE, DEPTHWISE, RELU, RESHAPE, HEAD), 77)
    assert not counted.refusal
    dense, depthwise, product = 64 * 16 * 27, 64 * 16 * 9, 10 * 1024
    touched = (3 * 64 + 16 * 27 + 1024) + (1024 + 16 * 9 + 1024) + 2048 + (1024 + 10240 + 10)
    assert counted.features == NetworkFeatures(
        params=77,
        multiply_adds=dense + depthwise + product,
        activations=1024 + 1024 + 10,
        traffic_bytes=4 * touched,
        dense_count=1,
        dense_cost=dense,
        depthwise_count=1,
        depthwise_cost=depthwise,
        product_count=1,
        product_cost=product,
        cheap_count=1,
        cheap_cost=1024,
    )


@pytest.mark.parametrize(
    "node",
    [
        helper.make_node("Einsum", ["image", "image"], ["z"], equation="abcd,abcd->ab"),
        helper.make_node("Relu", ["image"], ["z"], domain="somebody"),
        helper.make_node("QuantizeLinear", ["image", "image"], ["z"]),
        helper.make_node("Relu", ["nothing"], ["z"]),
        helper.make_node("Relu", ["image"], []),
    ],
    ids=lambda node: f"{node.domain} {node.op_type}",
)
def test_what_no_rule_knows_is_said(node: onnx.NodeProto) -> None:
    whole = model(DENSE)
    whole.graph.node.append(node)
    counted = count_graph(whole, 77)
    assert counted.features is None
    assert counted.refusal


def test_a_shape_that_stays_open_is_said() -> None:
    counted = count_graph(model(DENSE, size="side"), 77)
    assert "not fixed" in counted.refusal
