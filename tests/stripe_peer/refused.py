"""What the stand-in refuses, in the form of Stripe's errors."""

from typing import Any


class Refused(Exception):
    """An error to answer. One that was found before anything was done is not kept under the idempotency key."""

    def __init__(self, status: int, message: str, *, kept: bool = True, **fields: Any) -> None:
        super().__init__(message)
        self.status = status
        self.kept = kept
        kinds = {402: "card_error", 401: "invalid_request_error"}
        kind = fields.pop("type", kinds.get(status, "api_error" if status >= 409 else "invalid_request_error"))
        self.body = {"error": {"type": kind, "message": message, **fields}}


def wrong(message: str, param: str, code: str = "parameter_invalid") -> Refused:
    """A request that is wrong in itself."""
    return Refused(400, message, kept=False, param=param, code=code)


def missing(what: str, name: str, param: str) -> Refused:
    """Something that is not there."""
    return Refused(404, f"No such {what}: '{name}'", code="resource_missing", param=param)
