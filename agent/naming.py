"""What a device and its labels may be called; the controller refuses all else."""

import re
from collections.abc import Mapping

from agent.errors import INPUT_EXIT_CODE, AgentError

MAX_LABELS = 64
MAX_LABEL_LENGTH = 128
# Commas part names where devices are selected, and escapes would reach people's terminals.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# What selects every device cannot name one.
_RESERVED_NAME = "all"
_RULE = "1 to 64 letters, digits, '.', '_' or '-', of which the first is a letter or digit"


class NamingRefused(AgentError):
    """A name or label that no controller takes."""

    exit_code = INPUT_EXIT_CODE


def check_device_name(name: str) -> None:
    """Refuse a name by which nobody could select the device.

    Raises:
        NamingRefused: it is not of the form of a name, or selects every device.
    """
    if name == _RESERVED_NAME:
        raise NamingRefused(f"'{name}' selects every device and cannot name one: give another name")
    if not _NAME.fullmatch(name):
        raise NamingRefused(f"{name!a} cannot name a device: give a name of {_RULE}")


def check_labels(labels: Mapping[str, str]) -> None:
    """Refuse labels that could not be shown or selected by.

    Raises:
        NamingRefused: there are too many, a key is not of the form of a name, or a value is longer
            than `MAX_LABEL_LENGTH` characters or not printable.
    """
    if len(labels) > MAX_LABELS:
        raise NamingRefused(f"{len(labels)} labels are too many: give at most {MAX_LABELS}")
    for key, value in labels.items():
        if not _NAME.fullmatch(key):
            raise NamingRefused(f"{key!a} cannot be a label's key: give a key of {_RULE}")
        if len(value) > MAX_LABEL_LENGTH or not value.isprintable():
            raise NamingRefused(
                f"the value of the label {key} cannot be shown: give at most {MAX_LABEL_LENGTH} "
                "printable characters"
            )
