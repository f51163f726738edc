"""One way to turn plain values into a digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping


def canonical_sha256(values: Mapping[str, object]) -> str:
    """Return the SHA-256, in hexadecimal digits, of values as JSON with sorted keys."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
