"""The weights of an ONNX file are counted wherever they stand; its versions are what it needs."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from models.catalog.onnx_versions import OnnxVersions
from models.steps.onnx.contents import is_quantised, parameter_count
from models.steps.onnx.versions import refuse_newer, stamp_lowest
from models.steps.refusal import StepRefused
from tests.own_networks import onnx_network

WEIGHTS = 8 * 3 * 3 * 3 + 8 * 10


def as_constants(model: onnx.ModelProto) -> onnx.ModelProto:
    for tensor in model.graph.initializer:
        node = helper.make_node("Constant", [], [tensor.name], value=tensor)
        model.graph.node.insert(0, node)
    del model.graph.initializer[:]
    return model


def with_listed_floats(model: onnx.ModelProto) -> onnx.ModelProto:
    """Twelve more numbers, and a shape, as exporters write short constants."""
    nodes = model.graph.node
    nodes.append(helper.make_node("Constant", [], ["twelve"], value_floats=[0.5] * 12))
    nodes.append(helper.make_node("Constant", [], ["shape"], value_ints=[1, 10]))
    nodes.append(helper.make_node("Constant", [], ["epsilon"], value_float=1e-5))
    return model


def in_a_branch(model: onnx.ModelProto) -> onnx.ModelProto:
    inner = helper.make_graph([], "inner", [], [], list(model.graph.initializer))
    del model.graph.initializer[:]
    model.graph.node.append(
        helper.make_node("If", ["yes"], ["out"], then_branch=inner, else_branch=onnx.GraphProto())
    )
    return model


def with_shapes(model: onnx.ModelProto) -> onnx.ModelProto:
    """Numbers that are no weights: a shape, places, a single number."""
    others: dict[str, np.ndarray[Any, Any]] = {
        "shape": np.array([1, -1], np.int64),
        "places": np.array([0, 2], np.int32),
        "bound": np.array(6, np.float32),
    }
    for name, value in others.items():
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    return model


def quantised(model: onnx.ModelProto) -> onnx.ModelProto:
    """Each weight as whole numbers of 8 bits with ranges by channel, and a bias of 32 bits."""
    for tensor in [*model.graph.initializer]:
        whole = numpy_helper.to_array(tensor).astype(np.int8)
        channels = whole.shape[0]
        by_channel: dict[str, np.ndarray[Any, Any]] = {
            "_scale": np.ones(channels, np.float32),
            "_zero": np.zeros(channels, np.int8),
        }
        tensor.CopyFrom(numpy_helper.from_array(whole, f"{tensor.name}_whole"))
        inputs = [tensor.name]
        for suffix, value in by_channel.items():
            inputs.append(tensor.name + suffix)
            model.graph.initializer.append(numpy_helper.from_array(value, inputs[-1]))
        node = helper.make_node("DequantizeLinear", inputs, [tensor.name[:-6]], axis=0)
        model.graph.node.insert(0, node)
    return model


@pytest.mark.parametrize(
    ("change", "more"),
    [
        (lambda model: model, 0),
        (as_constants, 0),
        (with_listed_floats, 12),
        (in_a_branch, 0),
        (with_shapes, 0),
        (quantised, 0),
    ],
    ids=["initialisers", "constants", "listed", "branch", "shapes", "quantised"],
)
def test_weights_are_counted_wherever_they_stand(
    change: Callable[[onnx.ModelProto], onnx.ModelProto], more: int
) -> None:
    assert parameter_count(change(onnx_network())) == WEIGHTS + more


def test_what_is_quantised_by_itself_is_told() -> None:
    assert not is_quantised(onnx_network())
    assert is_quantised(quantised(onnx_network()))
    for operator, domain in (("ConvInteger", ""), ("QLinearConv", ""), ("QGemm", "com.microsoft")):
        model = onnx_network()
        model.graph.node.append(helper.make_node(operator, ["x", "w"], ["y"], domain=domain))
        assert is_quantised(model)


def test_a_quantised_bias_is_a_weight() -> None:
    inputs = ["x", "s", "z", "kernel", "s", "z", "s", "z", "bias"]
    for operator, domain, places in (("QLinearConv", "", inputs), ("QGemm", "com.microsoft", [])):
        named = places or ["x", "s", "z", "kernel", "s", "z", "bias", "s", "z"]
        model = onnx_network()
        model.graph.node.append(helper.make_node(operator, named, ["y"], domain=domain))
        bias = numpy_helper.from_array(np.zeros(8, np.int32), "bias")
        ranges = numpy_helper.from_array(np.ones(8, np.float32), "s")
        model.graph.initializer.extend([bias, ranges])
        assert parameter_count(model) == WEIGHTS + 8


def test_external_weights_are_counted_by_their_shape() -> None:
    model = onnx_network()
    for tensor in model.graph.initializer:
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
    assert parameter_count(model) == WEIGHTS


@pytest.mark.parametrize(
    ("opset", "written", "stamped"),
    [
        (13, 12, 7),
        (15, 10, 8),
        (21, 12, 10),
        # Never raised: what the version means would change.
        (13, 6, 6),
        # Weights that are no inputs came with the fourth.
        (8, 9, 4),
        # Newer than what is known here: whatever the exporter says.
        (999, 99, 99),
    ],
)
def test_a_file_has_the_lowest_ir_version_that_its_operators_need(
    opset: int, written: int, stamped: int
) -> None:
    model = onnx_network()
    model.opset_import[0].version = opset
    model.ir_version = written
    assert stamp_lowest(model) == OnnxVersions(stamped, opset)
    assert model.ir_version == stamped


def test_functions_need_the_version_that_has_them() -> None:
    model = onnx_network()
    model.opset_import[0].version = 13
    model.functions.add(name="Twice", domain="mine")
    model.ir_version = 12
    stamp_lowest(model)
    assert model.ir_version == 8


def test_domains_that_no_operator_is_of_are_not_imported() -> None:
    model = onnx_network()
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 5))
    model.ir_version = 12
    stamp_lowest(model)
    assert model.ir_version == 7
    # A runtime that is older than a domain's version refuses a file that only imports it.
    assert [each.domain for each in model.opset_import] == [""]


def test_what_is_too_new_is_refused_with_what_would_do() -> None:
    model = onnx_network()
    refuse_newer(model)
    model.ir_version = 99
    with pytest.raises(StepRefused, match=r"IR version 99, at most \d\d with"):
        refuse_newer(model)
    model.opset_import[0].version = 999
    with pytest.raises(StepRefused, match=r"opset 999, at most \d\d with"):
        refuse_newer(model)
