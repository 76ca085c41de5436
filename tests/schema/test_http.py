"""GraphQL over HTTP: what is a request, what is answered, and in which media type."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from schema.http import RESPONSE_JSON, answer_graphql
from schema.limits import MOST_COST
from tests.schema.asking import OPERATOR, Api

JSON = {"content-type": "application/json"}


def app_over(api: Api) -> Starlette:
    """Only the endpoint, with the operator asking."""

    async def graphql(request: Request) -> ASGIApp:
        return await answer_graphql(request, api.context(OPERATOR))

    return Starlette(routes=[Route("/graphql", graphql, methods=["GET", "POST"])])


@pytest.fixture
def client(small_api: Api) -> Iterator[TestClient]:
    with TestClient(app_over(small_api)) as client:
        yield client


def post(client: TestClient, body: Any, **headers: str) -> Any:
    return client.post("/graphql", content=json.dumps(body), headers={**JSON, **headers})


def test_a_query_is_answered(client: TestClient) -> None:
    answer = post(client, {"query": "{ viewer { name } }"})

    cost = {"requested": 1, "allowed": MOST_COST}
    assert answer.json() == {"data": {"viewer": {"name": "operator@example.com"}}, "extensions": {"cost": cost}}
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"x"', b"\xff\xfe", b'{"query": 1}', b'{"query": ""}', b"[" * 100_000, b"9" * 5_000,
     b'{"query": "{__typename}", "variables": {"a": NaN}}', b'{"query": "{__typename}", "variables": []}'],
)  # fmt: skip
def test_what_is_no_request_is_answered_400_and_is_no_fault_of_ours(client: TestClient, body: bytes) -> None:
    answer = client.post("/graphql", content=body, headers=JSON)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_request_that_a_form_could_send_is_turned_away(client: TestClient, content_type: str) -> None:
    body = json.dumps({"query": "{ __typename }"})

    assert client.post("/graphql", content=body, headers={"content-type": content_type}).status_code == 415


def test_a_subscription_needs_somebody_who_accepts_a_stream(client: TestClient) -> None:
    answer = post(client, {"query": "subscription { __typename }"}, accept="application/json")

    assert answer.status_code == 406
    assert "text/event-stream" in answer.json()["errors"][0]["message"]


def test_whoever_prefers_events_gets_one_and_the_end(client: TestClient) -> None:
    answer = post(client, {"query": "{ __typename }"}, accept="text/event-stream, application/json")

    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.text.startswith('event: next\ndata: {"data":{"__typename":"Query"},')
    assert answer.text.endswith("}\n\nevent: complete\ndata: \n\n")


def test_a_batch_is_turned_away(client: TestClient) -> None:
    assert post(client, [{"query": "{ __typename }"}]).status_code == 400


def test_get_runs_queries_only(client: TestClient) -> None:
    assert client.get("/graphql", params={"query": "{ __typename }"}).json()["data"] == {"__typename": "Query"}
    assert client.get("/graphql", params={"query": "mutation { __typename }"}).status_code == 405


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)]
)
def test_get_runs_nothing_for_another_site(client: TestClient, site: str, status: int) -> None:
    answer = client.get("/graphql", params={"query": "{ __typename }"}, headers={"sec-fetch-site": site})

    assert answer.status_code == status


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (RESPONSE_JSON, RESPONSE_JSON),
        (f"{RESPONSE_JSON}; charset=utf-8, application/json;q=0.9", RESPONSE_JSON),
        (f"application/json, {RESPONSE_JSON}", "application/json"),
        ("*/*", "application/json"),
        ("text/html", "application/json"),
    ],
)
def test_the_answer_has_the_media_type_that_was_asked_for(client: TestClient, accept: str, answered: str) -> None:
    answer = post(client, {"query": "{ __typename }"}, accept=accept)

    assert answer.headers["content-type"] == f"{answered}; charset=utf-8"


@pytest.mark.parametrize("query", ["{", "{ nothing }", "query A { __typename } query B { __typename }"])
def test_what_cannot_be_run_is_400_for_who_reads_statuses_and_200_for_who_does_not(
    client: TestClient, query: str
) -> None:
    strict = post(client, {"query": query}, accept=RESPONSE_JSON)
    plain = post(client, {"query": query}, accept="application/json")

    assert (strict.status_code, plain.status_code) == (400, 200)
    assert "data" not in strict.json()
    assert "data" not in plain.json()


def test_what_ran_and_failed_has_data_and_errors_and_is_200(client: TestClient) -> None:
    answer = post(client, {"query": "{ accounts(first: 0) { totalCount } }"}, accept=RESPONSE_JSON)

    assert answer.status_code == 200
    assert answer.json()["data"] is None
    assert answer.json()["errors"][0]["path"] == ["accounts"]


@pytest.mark.parametrize("bad", ["\0", "\ud800"])
def test_text_that_no_database_keeps_is_the_callers_mistake(client: TestClient, bad: str) -> None:
    named = {"query": "query Find($s: String) { accounts(search: $s) { totalCount } }", "variables": {"s": bad}}
    literal = {"query": f'{{ accounts(search: "{json.dumps(bad)[1:-1]}") {{ totalCount }} }}'}

    for body in (named, literal):
        (error,) = post(client, body).json()["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
