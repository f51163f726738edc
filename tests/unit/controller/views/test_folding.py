"""What is left out of a sweep is told once for all that it holds for."""

from controller.views.reasons.folding import left_out_lines
from protos.reasons import Reason, ReasonCode, reason


def missing(device: str) -> Reason:
    words = {"device": device, "runtime": "paddlelite", "has": "onnxruntime"}
    return reason(ReasonCode.RUNTIME_MISSING, words)


def needing(backbone: str, operators: str, device: str = "pi5") -> Reason:
    words = {"device": device, "backbone": backbone, "version": "2.13", "operators": operators}
    return reason(ReasonCode.EXTRA_KERNELS_MISSING, words)


def test_devices_that_lack_the_same_stand_in_one_line() -> None:
    (line,) = left_out_lines(missing(device) for device in ("a", "b", "c"))
    assert line.count("'a'") == 1
    assert line.endswith("; so it is with b, c")


def test_backbones_that_need_what_a_device_lacks_do_too_whatever_each_needs() -> None:
    told = [needing("A", "swish"), needing("B", "roll"), needing("A", "swish", device="pi4")]
    first, other = left_out_lines(told)
    assert "that A needs (swish)" in first
    assert first.endswith("; so it is with B")
    assert "'pi4'" in other
