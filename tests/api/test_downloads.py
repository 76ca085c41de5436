"""What programs download with a token: exactly what the API would show them."""

import csv
import io
import json
import zipfile

import pytest

from credits.accounts import update_account
from credits.audit import Actor, record
from credits.call_messages import CallReport
from credits.calls import record_calls
from credits.decks import RateBook
from credits.ids import public_id
from credits.instants import MINUTE
from db.kinds import ActorKind, Scope
from tests.api.conftest import House, ask
from tests.factories import NOW, make_deck

REPORT = "/accounts/{account}/calls/report.csv"


@pytest.fixture
def called(house: House) -> House:
    """The app, with 12,000 calls of Alice's account."""
    make_deck(house.database)
    reports = [CallReport(f"c{place}", "+4930123456", NOW - MINUTE, 60) for place in range(12_000)]
    for first in range(0, len(reports), 1_000):
        with house.database.transaction() as session:
            record_calls(
                session, rates=RateBook(), account_id=house.account_id, reports=reports[first : first + 1_000], now=NOW
            )
    return house


def authorization(house: House, *scopes: Scope, operator: bool = False) -> dict[str, str]:
    """A program's header."""
    return {"Authorization": f"Bearer {house.token(*scopes, operator=operator)}"}


def test_a_program_downloads_the_report_that_the_api_names(called: House) -> None:
    client, headers = called.client(), authorization(called, Scope.READ)
    query = f'{{ account(id: "{called.account}") {{ usageReport {{ url zipUrl part(first: 1) {{ csv }} }} }} }}'
    report = ask(client, query, **headers).json()["data"]["account"]["usageReport"]

    plain, packed = (client.get(report[name], headers=headers) for name in ("url", "zipUrl"))

    rows = list(csv.DictReader(io.StringIO(plain.text, newline="")))
    assert [row["Call ID"] for row in rows] == [f"c{place}" for place in range(12_000)]
    assert plain.text.startswith(report["part"]["csv"])
    assert plain.headers["content-disposition"] == 'attachment; filename="PSTN.calls.2026-10-01_2026-10-01.csv"'
    assert packed.headers["content-disposition"] == 'attachment; filename="PSTN.calls.2026-10-01_2026-10-01.zip"'
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert archive.read("PSTN.calls.2026-10-01_2026-10-01.csv").decode() == plain.text


@pytest.mark.parametrize("kind", ["csv", "zip"])
def test_a_report_shows_nothing_that_the_api_would_not(house: House, kind: str) -> None:
    own, other = (
        f"/accounts/{public_id('acct', account_id)}/calls/report.{kind}"
        for account_id in (house.account_id, house.other_id)
    )
    client = house.client()

    assert client.get(own).status_code == 401
    assert client.get(own, headers={"Authorization": "Bearer cct_nonsense"}).status_code == 401
    assert client.get(own, headers=authorization(house, Scope.READ)).status_code == 200
    assert client.get(other, headers=authorization(house, Scope.READ)).status_code == 404
    assert client.get(other, headers=authorization(house, Scope.READ, operator=True)).status_code == 200
    refused = client.get(own, headers=authorization(house, Scope.CALLS))
    assert refused.status_code == 403
    assert refused.json()["errors"][0]["message"] == "Forbidden"


def test_a_time_that_is_none_is_refused_in_words(house: House) -> None:
    answer = house.client().get(
        REPORT.format(account=house.account), params={"from": "soon"}, headers=authorization(house, Scope.READ)
    )

    assert answer.status_code == 422
    assert "soon" in answer.json()["errors"][0]["message"]


def test_a_token_opens_no_page(house: House) -> None:
    for path in ("/", f"/accounts/{house.account}", f"/accounts/{house.account}/calls.csv", "/rates"):
        assert house.client().get(path, headers=authorization(house, Scope.READ)).status_code == 401


def test_a_program_downloads_the_audit_log_that_it_may_read(house: House) -> None:
    with house.database.transaction() as session:
        update_account(session, account_id=house.account_id, name="Renamed")
        alice = Actor(ActorKind.PERSON, "alice@example.com")
        record(session, alice, "updateAccount", at=NOW, account_id=house.account_id)
        record(session, alice, "setZoneA", at=NOW)
    client, own = house.client(), f"/accounts/{house.account}/audit.jsonl"
    admin = authorization(house, Scope.READ, Scope.ADMIN)
    operator = authorization(house, Scope.READ, Scope.ADMIN, operator=True)

    assert client.get(own).status_code == 401
    assert client.get(own, headers=authorization(house, Scope.READ)).status_code == 403
    assert client.get("/audit.csv", headers=admin).status_code == 403
    assert client.get(f"/accounts/{house.account}/audit", headers=admin).status_code == 401
    assert [json.loads(line)["action"] for line in client.get(own, headers=admin).text.splitlines()] == [
        "updateAccount"
    ]
    assert len(client.get("/audit.csv", headers=operator).text.splitlines()) == 3


def test_what_a_program_changes_is_recorded_with_its_address_and_the_requests_id(house: House) -> None:
    rename = (
        f'mutation {{ updateAccount(input: {{accountId: "{house.account}", name: "New"}}) {{ errors {{ code }} }} }}'
    )
    headers = {**authorization(house, Scope.ADMIN), "X-Request-ID": "from-the-proxy-1"}

    ask(house.client(), rename, **headers)

    with house.database.reading() as session:
        found = session.rows("SELECT actor_kind, actor, address, request_id, actor_id IS NOT NULL FROM audit_event")
    assert [(*row[:4], bool(row[4])) for row in found] == [("TOKEN", "Switch", "testclient", "from-the-proxy-1", True)]
