"""What Android says of the device: the properties that `getprop` prints."""

import re
import subprocess
from collections.abc import Mapping

from agent.device.kernel_files import Roots, read_text

# What the device is, and nothing that tells one device of a kind from another.
_TELLING = frozenset(
    {
        "ro.board.platform",
        "ro.build.version.release",
        "ro.build.version.sdk",
        "ro.product.manufacturer",
        "ro.product.model",
        "ro.soc.manufacturer",
        "ro.soc.model",
    }
)
# Where apps may not read the one, they mostly may ask the other.
_PROPERTY_FILES = ("system/build.prop", "vendor/build.prop", "product/etc/build.prop")
_PATIENCE_S = 5.0


def android_properties(roots: Roots) -> Mapping[str, str]:
    """The telling properties by name; empty on other systems."""
    found = re.findall(r"^\[([^\]]+)\]: \[(.*)\]$", _printed(roots), re.MULTILINE)
    if not found:
        texts = (read_text(roots.top / name) or "" for name in _PROPERTY_FILES)
        found = re.findall(r"^([\w.]+)=(.*)$", "\n".join(texts), re.MULTILINE)
    return {name: value.strip() for name, value in sorted(found) if name in _TELLING and value}


def _printed(roots: Roots) -> str:
    """What `getprop` prints; empty where there is none, or where it does not end."""
    command = roots.top / "system/bin/getprop"
    try:
        done = subprocess.run(
            [command], capture_output=True, timeout=_PATIENCE_S, check=False, text=True
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return ""
    return done.stdout
