"""The contract as it was released last, as it is, and as it may become, with messages of each."""

import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from protos.v1 import fleet_pb2, query_pb2, types_pb2
from tests.contract.growing import grow

FROZEN_FOLDER = Path(__file__).parent / "frozen"
PACKAGE = "edgerank.v1"


class Contract:
    """The messages of one version, apart from those of the others: `FROZEN.Hello(name="phone")`."""

    def __init__(self, files: FileDescriptorSet) -> None:
        self._pool = DescriptorPool()
        for file in files.file:
            self._pool.AddSerializedFile(file.SerializeToString())

    def __getattr__(self, name: str) -> Any:
        if not name[:1].isupper():
            raise AttributeError(name)
        return GetMessageClass(self._pool.FindMessageTypeByName(f"{PACKAGE}.{name}"))


@cache
def frozen_files() -> FileDescriptorSet:
    """The last released contract, from its own files."""
    names = sorted(file.relative_to(FROZEN_FOLDER) for file in FROZEN_FOLDER.rglob("*.proto"))
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "descriptors"
        compiling = subprocess.run(
            [
                *(sys.executable, "-m", "grpc_tools.protoc", f"-I{FROZEN_FOLDER}"),
                *(f"--descriptor_set_out={target}", *map(str, names)),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert compiling.returncode == 0, compiling.stderr
        return FileDescriptorSet.FromString(target.read_bytes())


def present_files() -> FileDescriptorSet:
    """The contract that this build speaks."""
    files = FileDescriptorSet()
    for module in (types_pb2, fleet_pb2, query_pb2):
        module.DESCRIPTOR.CopyToProto(files.file.add())
    return files


def future_files() -> FileDescriptorSet:
    """A contract that everything was added to which may be added."""
    files = present_files()
    for file in files.file:
        grow(file)
    return files


@cache
def frozen() -> Any:
    """Messages of the last released contract."""
    return Contract(frozen_files())


@cache
def future() -> Any:
    """Messages of a contract that has grown."""
    return Contract(future_files())
