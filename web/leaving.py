"""Leaving for a page of the payment provider, or of a bank, after a form.

A form of ours leads to us and nowhere else (`form-action 'self'`), and browsers hold every redirect that follows it to
that. So the answer to such a form is a page of our own that goes on by itself, with a plain link beside.
"""

from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from web.rendering import render


def leave_for(request: Request, address: str, data: dict[str, Any]) -> Response:
    """A page that leads on to an address elsewhere, of which the schema has told; never one that a reader sent."""
    page = render(request, "leaving.html", data=data, there=address, host=urlsplit(address).hostname or "")
    page.headers["HX-Redirect"] = address
    return page
