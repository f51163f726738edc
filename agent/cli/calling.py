"""What people call this device: as they say now, or said when it was last in its fleet."""

import json
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from agent.cli.naming import NamingRefused, check_device_name, check_labels
from agent.state_folder import StateUnusable, put_in_place, reason_of

_FILE: Final = "calling.json"


@dataclass(frozen=True)
class Calling:
    """Name and labels of a device."""

    name: str
    labels: Mapping[str, str]


def called(folder: Path | None, name: str | None, labels: Mapping[str, str]) -> Calling:
    """What the device is called, of which each may be left out.

    Args:
        folder: where that was kept; None where it is not.
        name: as somebody says now; None for the one that was kept, at first the host's.
        labels: likewise; none for those that were kept.

    Raises:
        StateUnusable: what was kept cannot be read.
    """
    kept = (folder and _kept(folder)) or Calling(socket.gethostname(), {})
    return Calling(name or kept.name, labels or kept.labels)


def keep_calling(folder: Path, calling: Calling) -> None:
    """Keep it for the next start.

    Raises:
        StateUnusable: the folder cannot be written.
    """
    path = folder / _FILE
    beside = path.with_name(f"{path.name}.part")
    try:
        beside.write_text(json.dumps(asdict(calling)), encoding="utf-8")
        put_in_place(beside, path)
    except OSError as error:
        raise StateUnusable(f"{path} cannot be kept: {reason_of(error)}") from error


def _kept(folder: Path) -> Calling | None:
    path = folder / _FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        calling = Calling(
            str(document["name"]), {str(k): str(v) for k, v in document["labels"].items()}
        )
        check_device_name(calling.name)
        check_labels(calling.labels)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateUnusable(f"{path} cannot be read: {reason_of(error)}") from error
    except (ValueError, KeyError, TypeError, AttributeError, NamingRefused) as error:
        raise StateUnusable(
            f"{path} is damaged: delete it, and say --name and --label once more"
        ) from error
    return calling
