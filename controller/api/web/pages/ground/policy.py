"""What browsers are told of every page, and which requests may change something."""

import hmac
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from controller.domain.errors import EdgerankError, ErrorCode

HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        # Everything comes from here, and no script or style stands inside a page.
        "Content-Security-Policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
            "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Cache-Control": "no-store",
        # Of one address there are the page and its part that htmx asks for.
        "Vary": "HX-Request",
    }
)
"""What every answer has, unless it says otherwise itself."""

TOKEN_FIELD: Final = "csrf"


def check_change(headers: Mapping[str, str], given: str, expected: str) -> None:
    """Refuse a request that would change something and was not made from a page of ours.

    Args:
        headers: of the request, their names in lower case.
        given: the token that the form had.
        expected: the token of who asks.

    Raises:
        EdgerankError: NOT_ALLOWED.
    """
    # Browsers say so themselves; a page of another site can do nothing about it.
    site = headers.get("sec-fetch-site")
    origin = headers.get("origin")
    is_ours = (site is None or site in ("same-origin", "none")) and (
        origin is None or urlsplit(origin).netloc == headers.get("host")
    )
    if not is_ours or not hmac.compare_digest(given.encode(), expected.encode()):
        raise EdgerankError(
            ErrorCode.NOT_ALLOWED,
            "this request did not come from a page of this controller, or the page is older than "
            "the controller; load the page again and repeat it there",
        )
