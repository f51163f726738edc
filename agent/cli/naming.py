"""What a device and its labels may be called; the controller refuses all else."""

from collections.abc import Mapping

from agent.errors import INPUT_EXIT_CODE, AgentError
from protos.names import EVERY_DEVICE, MAX_LABEL_LENGTH, MAX_LABELS, is_label, is_name

_RULE = "1 to 64 letters, digits, '.', '_' or '-', of which the first is a letter or digit"


class NamingRefused(AgentError):
    """A name or label that no controller takes."""

    exit_code = INPUT_EXIT_CODE


def check_device_name(name: str) -> None:
    """Refuse a name by which nobody could select the device.

    Raises:
        NamingRefused: it is not of the form of a name, or selects every device.
    """
    if name == EVERY_DEVICE:
        raise NamingRefused(f"'{name}' selects every device and cannot name one: give another name")
    if not is_name(name):
        raise NamingRefused(f"{name!r} cannot name a device: give a name of {_RULE}")


def check_labels(labels: Mapping[str, str]) -> None:
    """Refuse labels that could not be shown or selected by.

    Raises:
        NamingRefused: there are too many, a key is not of the form of a name, or a value is longer
            than `MAX_LABEL_LENGTH` characters or not printable.
    """
    if len(labels) > MAX_LABELS:
        raise NamingRefused(f"{len(labels)} labels are too many: give at most {MAX_LABELS}")
    for key, value in labels.items():
        if not is_name(key):
            raise NamingRefused(f"{key!r} cannot be a label's key: give a key of {_RULE}")
        if not is_label(key, value):
            raise NamingRefused(
                f"the value of the label {key} cannot be shown: give at most {MAX_LABEL_LENGTH} "
                "printable characters"
            )
