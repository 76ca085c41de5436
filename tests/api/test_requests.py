"""Every request has an id, is logged without secrets, and its faults are kept from the caller."""

import logging
from typing import Any

import pytest
import structlog
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from credits.calls import post_calls
from db.kinds import Scope
from db.session import Session
from schema import context as contexts
from tests.api.conftest import ALICE, PASSWORD, House, ask, csrf_token, sign_in

log = structlog.get_logger("tests")


async def _broken(_request: Request) -> Response:
    raise RuntimeError("the secret is 4711")


def _noting(name: str) -> str:
    log.info("noted", by=name)
    return name


def _noting_with(_session: Session, name: str) -> str:
    return _noting(name)


async def _noting_everywhere(request: Request) -> Response:
    context = request.app.state.running.context(request.state.viewer, request.state.language, request.scope)
    done = [
        _noting("loop"),
        await to_thread.run_sync(_noting, "thread"),
        await context.read(_noting_with, "reader"),
        await context.write(_noting_with, "writer"),
        await context.work(_noting, "work"),
    ]
    return Response(" ".join(done))


def test_an_answer_carries_its_requests_id(house: House) -> None:
    assert len(house.client().get("/healthz").headers["x-request-id"]) == 16


@pytest.mark.parametrize(("sent", "kept"), [("proxy-id.0042", True), ("x", False), ("a b c d e f g h", False)])
def test_a_proxys_id_is_kept_when_it_is_a_sane_one(house: House, sent: str, kept: bool) -> None:
    answer = house.client().get("/healthz", headers={"X-Request-ID": sent})

    assert (answer.headers["x-request-id"] == sent) is kept


def test_a_fault_tells_its_incident_and_nothing_else(house: House) -> None:
    house.app.router.routes.insert(0, Route("/broken", _broken))

    with capture_logs() as logged:
        answer = house.signed_in().get("/broken")

    incident = answer.headers["x-request-id"]
    assert answer.status_code == 500
    assert incident in answer.text
    assert "4711" not in answer.text
    assert "content-security-policy" in answer.headers
    assert [line["event"] for line in logged if line["log_level"] == "error"] == ["fault"]
    assert [line["incident"] for line in logged if line["event"] == "fault"] == [incident]


def test_every_line_of_a_request_carries_its_id_on_whichever_thread(house: House) -> None:
    house.app.router.routes.insert(0, Route("/noting", _noting_everywhere))
    client = house.signed_in()

    with capture_logs(processors=[merge_contextvars]) as logged:
        answers = [client.get("/noting", headers={"X-Request-ID": f"request-{each}"}) for each in (1, 2)]

    lines = [(line["request_id"], line.get("by", line["event"])) for line in logged]
    assert [answer.text for answer in answers] == ["loop thread reader writer work"] * 2
    assert lines == [
        (f"request-{each}", by) for each in (1, 2) for by in ("loop", "thread", "reader", "writer", "work", "request")
    ]


def test_what_is_logged_while_calls_of_many_requests_are_posted_carries_no_ones_id(
    any_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def noting(*messages: Any, **named: Any) -> Any:
        _noting("posting")
        return post_calls(*messages, **named)

    monkeypatch.setattr("schema.gathering.post_calls", noting)
    values = f'accountId: "{any_house.account}", callId: "c"'
    document = f"mutation {{ releaseCall(input: {{{values}}}) {{ errors {{ code }} }} }}"
    headers = {"Authorization": f"Bearer {any_house.token(Scope.CALLS)}", "X-Request-ID": "request-1"}

    with any_house.client() as client, capture_logs(processors=[merge_contextvars]) as logged:
        ask(client, document, **headers)

    lines = {line.get("by", line["event"]): line.get("request_id") for line in logged}
    assert lines == {"posting": None, "request": "request-1"}


def test_the_page_for_a_fault_names_the_incident_under_which_it_is_logged(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = house.signed_in()

    with capture_logs(processors=[merge_contextvars]) as logged, monkeypatch.context() as patch:
        patch.setattr(contexts, "_on_one_snapshot", _fails)
        answer = client.get(f"/accounts/{house.account}", headers={"Accept": "text/html"})

    (fault,) = (line for line in logged if line["event"] == "fault")
    assert answer.status_code == 500
    assert fault["incident"] in answer.text
    assert fault["request_id"] == answer.headers["x-request-id"]
    assert "4711" not in answer.text


def _fails(*_: object) -> None:
    raise RuntimeError("the secret is 4711")


def test_the_log_says_who_asked_for_what_and_with_what_result(house: House) -> None:
    client = house.signed_in()

    with capture_logs() as logged:
        client.get("/nothing/here?search=private")

    (line,) = (line for line in logged if line["event"] == "request")
    assert (line["method"], line["path"], line["status"], line["viewer"]) == ("GET", "/nothing/here", 404, ALICE)


def test_no_secret_reaches_the_log(house: House, caplog: pytest.LogCaptureFixture) -> None:
    token = house.token(Scope.READ)
    client = house.client()

    with capture_logs() as logged, caplog.at_level(logging.DEBUG):
        sign_in(client, ALICE)
        csrf = csrf_token(client)
        ask(client, Authorization=f"Bearer {token}")
        client.get(f"/?token={token}", headers={"Accept": "text/html"})

    by_the_server = (record.getMessage() for record in caplog.records if not record.name.startswith("httpx"))
    written = str(logged) + "".join(by_the_server)
    for secret in (token, csrf, PASSWORD, *client.cookies.values()):
        assert secret not in written


def test_what_a_program_asks_and_gets_is_no_news_and_what_it_is_refused_is(house: House) -> None:
    token = house.token(Scope.READ)
    client = house.client()

    with capture_logs() as logged:
        ask(client, Authorization=f"Bearer {token}")
        ask(client, Authorization="Bearer cct_unknown")

    lines = [(line["log_level"], line["status"]) for line in logged if line["event"] == "request"]
    assert lines == [("debug", 200), ("info", 401)]
