"""How large a request may be."""

from collections.abc import Iterator

from api.settings import MIB
from db.kinds import Scope
from tests.api.conftest import House, csrf_token


def test_a_request_above_the_limit_is_refused_by_its_announced_length(house: House) -> None:
    headers = {"Authorization": f"Bearer {house.token(Scope.CALLS)}", "Content-Type": "application/json"}

    answer = house.client().post("/graphql", content=b" " * (2 * MIB + 1), headers=headers)

    assert answer.status_code == 413
    assert answer.json()["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"


def test_a_request_of_exactly_the_limit_is_read(house: House) -> None:
    headers = {"Authorization": f"Bearer {house.token(Scope.READ)}", "Content-Type": "application/json"}
    query = b'{"query": "{ viewer { name } }"}'

    answer = house.client().post("/graphql", content=query + b" " * (2 * MIB - len(query)), headers=headers)

    assert answer.json()["data"] == {"viewer": {"name": "Switch"}}


def test_a_request_without_a_length_is_cut_off_at_the_limit(house: House) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * (MIB // 16)

    headers = {"Authorization": f"Bearer {house.token(Scope.CALLS)}", "Content-Type": "application/json"}

    assert house.client().post("/graphql", content=endless(), headers=headers).status_code == 413


def test_whoever_may_publish_rates_may_send_more(house: House) -> None:
    token = house.token(Scope.RATES, Scope.READ, operator=True)
    query = b'{"query": "{ viewer { name } }"}' + b" " * (3 * MIB)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    assert house.client().post("/graphql", content=query, headers=headers).status_code == 200


def test_a_stranger_may_not_upload(house: House) -> None:
    client = house.client()
    typed = {"csrf_token": csrf_token(client, "/sign-in")}

    assert client.post("/sign-in", data=typed, files={"file": ("x", b"x" * (3 * MIB))}).status_code == 413


def test_a_length_that_is_no_number_is_refused(house: House) -> None:
    headers = {"Authorization": f"Bearer {house.token(Scope.READ)}", "Content-Length": "many"}

    assert house.client().post("/graphql", content=b"{}", headers=headers).status_code in (400, 413)
