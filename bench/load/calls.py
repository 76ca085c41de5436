"""What a switch says: "may this call go?", and when it is over, how long it lasted."""

import itertools
import json
from collections.abc import Sequence
from datetime import UTC, datetime

from api import clock
from bench.load.clients import Exchange
from bench.load.processes import HOST
from credits.ids import public_id

AUTHORIZE, SETTLE = "authorizeCall", "settleCall"
REQUESTED_SECONDS, LASTED_SECONDS = 600, 75
_DOCUMENTS = {
    AUTHORIZE: "mutation Authorize($input: AuthorizeCallInput!) { authorizeCall(input: $input)"
    " { authorized maxDurationSeconds refusal errors { code message } } }",
    SETTLE: "mutation Settle($input: SettleCallInput!) { settleCall(input: $input)"
    " { call { status charge { amount currency } } errors { code message } } }",
}
_EXPECTED = {AUTHORIZE: b'"authorized":true', SETTLE: b'"status":"SETTLED"'}


class Calls:
    """The script of calls that are authorized, each under an id of its own, one after another over some accounts; and,
    unless it is told otherwise, settled."""

    def __init__(self, port: int, token: str, account_ids: Sequence[int], *, name: str, settles: bool = True) -> None:
        self._accounts = [public_id("acct", account_id).encode() for account_id in account_ids]
        self._name = name.encode()
        self._settles = settles
        self._numbers = itertools.count()
        answered_at = datetime.fromtimestamp(clock.now() // 1_000_000, UTC).isoformat()
        call = {"accountId": "%s", "callId": "%s"}
        self._authorize = _request(port, token, AUTHORIZE, {**call, "to": "%s", "requestedSeconds": REQUESTED_SECONDS})
        self._settle = _request(
            port, token, SETTLE, {**call, "answeredAt": answered_at, "durationSeconds": LASTED_SECONDS}
        )

    def opening(self) -> Exchange:
        """May one more call go?"""
        number = next(self._numbers)
        subject = (self._accounts[place_of(number, len(self._accounts))], b"%s-%010d" % (self._name, number))
        request = self._authorize % (*subject, callee(number).encode())
        return Exchange(AUTHORIZE, request, _EXPECTED[AUTHORIZE], subject)

    def following(self, answered: Exchange) -> Exchange | None:
        """A call that might go is over."""
        if answered.kind == SETTLE or not self._settles:
            return None
        return Exchange(SETTLE, self._settle % answered.subject, _EXPECTED[SETTLE], answered.subject)


def place_of(number: int, places: int) -> int:
    """Which of some accounts a call is of: neighbours are far apart, and all have their turn."""
    return number * 7_919 % places


def callee(number: int) -> str:
    """Whom a call is to; the deck has longer prefixes for many of them."""
    return f"+1{2_012_000_000 + number * 37 % 7_000_000}"


def _request(port: int, token: str, kind: str, values: dict[str, object]) -> bytes:
    """The bytes of a request, with a %s for each text that is still to come; those are as long as the samples here."""
    body = json.dumps({"query": _DOCUMENTS[kind], "variables": {"input": values}}).encode()
    samples = (b"acct_" + b"0" * 10, b"0000-0000000000", b"+10000000000")[: body.count(b"%s")]
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: {HOST}:{port}\r\nAuthorization: Bearer {token}\r\n"
        "User-Agent: switch\r\nAccept: application/json\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body % samples)}\r\n\r\n"
    )
    return head.encode() + body
