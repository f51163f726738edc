"""Versions of an ONNX file: stamped as low as they may be, and named where they are too new."""

from __future__ import annotations

from collections.abc import Callable

import onnx
import onnxruntime
from onnx import helper

from models.catalog.onnx_versions import OnnxVersions
from models.steps.onnx.contents import messages
from models.steps.onnx.running import NATIVE_ERRORS, open_session
from models.steps.refusal import StepRefused

# The versions in which weights that are no inputs, functions and their overloads came.
_FREE_WEIGHTS_IR = 4
_FUNCTIONS_IR = 8
_OVERLOADS_IR = 10
_MAIN_DOMAINS = ("", "ai.onnx")


def stamp_lowest(model: onnx.ModelProto) -> OnnxVersions:
    """Lower what the file asks of its reader to what its operators need, and return that.

    Exporters write their newest IR version, and quantisers import every domain that they know in
    its newest version, of which older runtimes refuse each. The IR version is never raised, for
    what it means would change. Operators newer than onnx leave it alone.
    """
    used = {
        *_MAIN_DOMAINS,
        *(node.domain for node in messages(model) if isinstance(node, onnx.NodeProto)),
        *(function.domain for function in model.functions),
    }
    kept = [each for each in model.opset_import if each.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    if _opset(model) <= onnx.defs.onnx_opset_version():
        model.ir_version = min(model.ir_version, _needed_ir(model))
    return OnnxVersions(model.ir_version, _opset(model))


def refuse_newer(model: onnx.ModelProto) -> None:
    """Refuse a file that ONNX Runtime does not take since it is too new.

    Raises:
        StepRefused: with its version and the newest one that is taken here.
    """
    opset, ir_version = _opset(model), model.ir_version
    here = f"at most {{}} with ONNX Runtime {onnxruntime.__version__} here"
    if not reads(_FREE_WEIGHTS_IR, opset):
        most = _most(lambda version: reads(_FREE_WEIGHTS_IR, version), opset)
        raise StepRefused(f"it has ONNX opset {opset}, {here.format(most)}; export a lower one")
    if not reads(ir_version, opset):
        most = _most(lambda version: reads(version, opset), ir_version)
        raise StepRefused(f"it has IR version {ir_version}, {here.format(most)}")


def _needed_ir(model: onnx.ModelProto) -> int:
    opsets = [
        helper.make_opsetid("" if each.domain == "ai.onnx" else each.domain, each.version)
        for each in model.opset_import
    ]
    needed: int = helper.find_min_ir_version_for(opsets, ignore_unknown=True)
    inputs = {value.name for value in model.graph.input}
    if any(tensor.name not in inputs for tensor in model.graph.initializer):
        needed = max(needed, _FREE_WEIGHTS_IR)
    if model.functions:
        needed = max(needed, _FUNCTIONS_IR)
    if any(function.overload for function in model.functions):
        needed = max(needed, _OVERLOADS_IR)
    return needed


def _opset(model: onnx.ModelProto) -> int:
    """Return the version of the usual operators, 1 where none are imported."""
    return max((e.version for e in model.opset_import if e.domain in _MAIN_DOMAINS), default=1)


def _most(takes: Callable[[int], bool], refused: int) -> int:
    return next((version for version in range(min(refused, 100), 0, -1) if takes(version)), 0)


def reads(ir_version: int, opset: int) -> bool:
    """Say whether the ONNX Runtime here takes the smallest model of these versions."""
    ends = [helper.make_tensor_value_info(each, onnx.TensorProto.FLOAT, (1,)) for each in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", ends[:1], ends[1:])
    imports = [helper.make_opsetid("", opset)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=ir_version)
    try:
        open_session(model.SerializeToString())
    except NATIVE_ERRORS:
        return False
    return True
