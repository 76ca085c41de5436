"""What programs download with a token: exactly what the API would show them."""

import csv
import io
import zipfile

import pytest

from credits.call_messages import CallReport
from credits.calls import record_calls
from credits.decks import RateBook
from credits.ids import public_id
from credits.instants import MINUTE
from db.kinds import Scope
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
