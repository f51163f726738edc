"""A file of boards: read, and refused with every mistake in it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from controller.cli.operating.deploying.options import read_board_path
from controller.cli.operating.deploying.target import read_fingerprint, read_target
from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.deploying.ssh import Target
from protos.names import are_labels, is_device_name

MAX_BYTES: Final = 1_000_000
MAX_HOSTS: Final = 1_000


def _readable_by(read: Callable[[str], object]) -> AfterValidator:
    """A text that a function can read, which raises EdgerankError where it cannot."""

    def check(text: str) -> str:
        try:
            read(text)
        except EdgerankError as error:
            raise PydanticCustomError("unreadable", "{said}", {"said": str(error)}) from error
        return text

    return AfterValidator(check)


def _written(field: str) -> str:
    return field.replace("_", "-")


class Host(BaseModel):
    """A board of the file.

    Attributes:
        board: USER@HOST.
        port: where its SSH server listens.
        identity: file of the private key.
        host_key: fingerprint of its host key.
        name: of the device; None means what the board calls itself.
        labels: of the device.
        paddlelite_python: another Python of it, which has Paddle Lite.
        paddlelite_bin: its own benchmark_bin of Paddle Lite.
        runner_folder: on this side, with the native runner for it; None means that for all boards.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=_written)

    board: Annotated[str, _readable_by(read_target)]
    port: Annotated[int | None, Field(ge=1, le=65_535)] = None
    identity: Path | None = None
    host_key: Annotated[str, _readable_by(read_fingerprint)] | None = None
    name: str | None = None
    labels: Mapping[str, str] = Field(default_factory=dict)
    paddlelite_python: Annotated[str, _readable_by(read_board_path)] | None = None
    paddlelite_bin: Annotated[str, _readable_by(read_board_path)] | None = None
    runner_folder: Path | None = None

    @field_validator("name")
    @classmethod
    def _is_name(cls, name: str | None) -> str | None:
        if name is not None and not is_device_name(name):
            raise PydanticCustomError("name", "this cannot name a device")
        return name

    @field_validator("labels")
    @classmethod
    def _are_labels(cls, labels: Mapping[str, str]) -> Mapping[str, str]:
        if not are_labels(labels):
            raise PydanticCustomError("labels", "these labels cannot be kept: write KEY: VALUE")
        return labels

    @property
    def spelt(self) -> str:
        """As it is told apart from the other boards of a file."""
        return self.board if self.port is None else f"{self.board}:{self.port}"

    @property
    def target(self) -> Target:
        """How it is reached."""
        identity = None if self.identity is None else self.identity.expanduser()
        reached = read_target(self.board)
        return replace(reached, port=self.port, identity=identity, host_key=self.host_key)

    def runner_folder_or(self, of_all: Path | None) -> Path | None:
        """Where its native runner is, if it has none of its own that for all boards."""
        return of_all if self.runner_folder is None else self.runner_folder.expanduser()


def _as_host(written: object) -> object:
    return {"board": written} if isinstance(written, str) else written


class _HostsFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    hosts: Annotated[
        list[Annotated[Host, BeforeValidator(_as_host)]],
        Field(min_length=1, max_length=MAX_HOSTS),
    ]


def read_hosts(path: Path) -> tuple[Host, ...]:
    """The boards of a file in YAML, each once.

    Raises:
        EdgerankError: STORAGE when it cannot be read; INVALID_INPUT with all that is wrong in it.
    """
    try:
        with path.open("rb") as file:
            written = file.read(MAX_BYTES + 1)
        if len(written) > MAX_BYTES:
            raise EdgerankError(
                ErrorCode.INVALID_INPUT, f"{path} is larger than 1 MB: it is no file of boards"
            )
        read = _HostsFile.model_validate(YAML(typ="safe", pure=True).load(written.decode()))
    except OSError as error:
        raise EdgerankError(
            ErrorCode.STORAGE, f"{path} cannot be read: {error.strerror}; name another file"
        ) from error
    except ValidationError as error:
        lines = (f"{path}: {_sentence(each)}" for each in error.errors())
        raise EdgerankError(ErrorCode.INVALID_INPUT, "\n".join(lines)) from error
    except (YAMLError, UnicodeDecodeError) as error:
        said = " ".join(str(error).split())[:200]
        raise EdgerankError(
            ErrorCode.INVALID_INPUT, f"{path} is no YAML: {said}; write 'hosts:' and a list"
        ) from error
    targets = [(host.target.host, host.target.port) for host in read.hosts]
    twice = next((each for each in targets if targets.count(each) > 1), None)
    if twice is not None:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT, f"{path}: {twice[0]} is there twice; write each board once"
        )
    return tuple(read.hosts)


def _sentence(error: ErrorDetails) -> str:
    top, *rest = error["loc"] or ("hosts",)
    number = f"board {int(rest[0]) + 1}" if rest and isinstance(rest[0], int) else top
    field = f", {rest[1]}" if len(rest) > 1 else ""
    if error["type"] == "extra_forbidden":
        fields = map(_written, Host.model_fields if rest else _HostsFile.model_fields)
        return f"{number}{field}: there is no such field; write one of {', '.join(fields)}"
    return f"{number}{field}: {error['msg']}"
