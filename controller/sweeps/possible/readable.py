"""Which ONNX files the runtime of a device reads, known before one is pushed."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from controller.domain.devices import Device
from models.catalog.onnx_versions import OnnxVersions
from models.catalog.variants import Format, Variant
from protos.reasons import Reason, ReasonCode, reason
from protos.runtimes import Runtime

# The most that each release of ONNX Runtime reads, by the first one that does. The table of
# https://onnxruntime.ai/docs/reference/compatibility.html (ONNX opset support) says it, too; where
# a release's library differs from its row there, as 1.9 in the IR version, the library is right:
# each release from 1.2 on was asked with the smallest file of every version.
_READS: Final[Mapping[tuple[int, int], OnnxVersions]] = MappingProxyType(
    {
        (1, 2): OnnxVersions(6, 11),
        (1, 3): OnnxVersions(7, 12),
        (1, 6): OnnxVersions(7, 13),
        (1, 8): OnnxVersions(7, 14),
        (1, 9): OnnxVersions(8, 15),
        (1, 11): OnnxVersions(8, 16),
        (1, 12): OnnxVersions(8, 17),
        (1, 14): OnnxVersions(8, 18),
        (1, 15): OnnxVersions(9, 19),
        (1, 17): OnnxVersions(9, 20),
        (1, 18): OnnxVersions(10, 21),
        (1, 21): OnnxVersions(10, 22),
        (1, 23): OnnxVersions(11, 23),
        (1, 24): OnnxVersions(13, 25),
        (1, 25): OnnxVersions(13, 26),
        (1, 32): OnnxVersions(14, 28),
    }
)
_NEWEST_KNOWN: Final = (1, 32)
_RELEASE: Final = re.compile(r"(\d+)\.(\d+)(\D|$)")


def most_readable(version: str) -> OnnxVersions | None:
    """The most that a version of ONNX Runtime reads; None where that is not known."""
    match = _RELEASE.match(version)
    release = (int(match[1]), int(match[2])) if match else _NEWEST_KNOWN
    if match is None or release > _NEWEST_KNOWN:
        return None
    return next((_READS[first] for first in sorted(_READS, reverse=True) if first <= release), None)


def too_new(device: Device, variant: Variant, needed: OnnxVersions) -> Reason | None:
    """Why a device's ONNX Runtime cannot read a file; None when it can, or that is not known."""
    told = (each for each in device.profile.runtimes if each.runtime is Runtime.ONNXRUNTIME)
    runtime = next(told, None)
    reads = None if runtime is None else most_readable(runtime.version)
    if variant.format is not Format.ONNX or runtime is None or reads is None:
        return None
    if needed.ir_version <= reads.ir_version and needed.opset <= reads.opset:
        return None
    return reason(
        ReasonCode.FILE_TOO_NEW,
        {"device": device.name, "backbone": variant.backbone, "version": runtime.version},
        ir_version=needed.ir_version,
        opset=needed.opset,
        reads_ir_version=reads.ir_version,
        reads_opset=reads.opset,
    )
