"""What people call this device: as they say now, or said when it was last in its fleet."""

import json
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from agent.cli.naming import NamingRefused, check_device_name, check_labels
from agent.state_folder import StateUnusable, reason_of, write_in_place
from protos.log_lines import event_log

log = event_log(__name__)

_FILE: Final = "calling.json"


@dataclass(frozen=True)
class Calling:
    """Name and labels of a device."""

    name: str
    labels: Mapping[str, str]


def called(folder: Path | None, name: str | None, labels: Mapping[str, str] | None) -> Calling:
    """What the device is called, of which each may be left out.

    Args:
        folder: where that was kept; None where it is not.
        name: as somebody says now; None for the one that was kept, at first the host's.
        labels: likewise; None for those that were kept.

    Raises:
        StateUnusable: what was kept is wanted, and cannot be read.
        NamingRefused: the host's name can be none of a device.
    """
    if name is not None and labels is not None:
        return Calling(name, labels)
    kept = None if folder is None else _kept(folder)
    if kept is None:
        kept = Calling(socket.gethostname(), {})
    if name is None:
        check_device_name(kept.name)
    return Calling(kept.name if name is None else name, kept.labels if labels is None else labels)


def keep_calling(folder: Path, calling: Calling) -> None:
    """Keep it for the next start, as well as can be: what cannot is said to the log."""
    path = folder / _FILE
    said = json.dumps(asdict(calling))
    try:
        if not path.exists() or path.read_text(encoding="utf-8") != said:
            write_in_place(path, said)
    except (OSError, UnicodeDecodeError) as error:
        log.warning("name and labels are not kept for the next start", path=path, error=error)


def _kept(folder: Path) -> Calling | None:
    path = folder / _FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        labels = {str(key): str(value) for key, value in document["labels"].items()}
        calling = Calling(str(document["name"]), labels)
        check_device_name(calling.name)
        check_labels(calling.labels)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StateUnusable(f"{path} cannot be read: {reason_of(error)}") from error
    except (ValueError, KeyError, TypeError, AttributeError, NamingRefused) as error:
        raise StateUnusable(
            f"{path} is damaged: say --name and --label, and it is written anew"
        ) from error
    return calling
