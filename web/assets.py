"""Static files, served by us and fingerprinted: an address holds the hash of what it serves, so it may be kept."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).with_name("static")


def static(path: str) -> str:
    """The address of a static file, changing whenever the file does."""
    return f"/static/{path}?{_fingerprint(path)}"


@cache
def _fingerprint(path: str) -> str:
    return f"v={hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]}"


class FingerprintedFiles(StaticFiles):
    """Static files; those asked for by their fingerprint never change and are kept for a year.

    By another fingerprint, such as that of a version that another process serves already, they are not.
    """

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, with how long it may be kept."""
        response: Any = await super().get_response(path, scope)
        if response.status_code in (200, 304) and scope["query_string"] == _fingerprint(path).encode():
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response  # type: ignore[no-any-return]
