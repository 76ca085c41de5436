"""Security headers on every answer, and a Content-Security-Policy that allows nothing but our own files."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
ALWAYS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
TRANSPORT_SECURITY = "max-age=31536000"
_NOT_KEPT = (b"cache-control", b"no-store")


class SecurityHeaders:
    """Adds the headers; an answer that says nothing of caching is not kept, because it shows somebody's money."""

    def __init__(self, app: ASGIApp, *, is_https: bool) -> None:
        self.app = app
        headers = {**ALWAYS, "Strict-Transport-Security": TRANSPORT_SECURITY} if is_https else ALWAYS
        self.headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self._names = {name for name, _ in self.headers}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                given = [header for header in message.get("headers", ()) if header[0].lower() not in self._names]
                kept = [] if any(name.lower() == b"cache-control" for name, _ in given) else [_NOT_KEPT]
                message["headers"] = [*given, *self.headers, *kept]
            await send(message)

        await self.app(scope, receive, send_with_headers)
