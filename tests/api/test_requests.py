"""Every request has an id, is logged without secrets, and its faults are kept from the caller."""

import logging

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from structlog.testing import capture_logs

from db.kinds import Scope
from tests.api.conftest import ALICE, PASSWORD, House, ask, csrf_token, sign_in


async def _broken(_request: Request) -> Response:
    raise RuntimeError("the secret is 4711")


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
