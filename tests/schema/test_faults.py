"""Errors: what a caller hears, and what it does not."""

import pytest
from structlog.testing import capture_logs

from db.session import Database
from tests.factories import make_account
from tests.schema.asking import Api, acct

ACCOUNT = "query A($a: ID!) { account(id: $a) { name } }"


def test_a_fault_is_told_by_a_number_that_the_log_knows(small_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_database: Database) -> None:
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr(Database, "reading", broken)

    with capture_logs() as logs:
        error = small_api.error(ACCOUNT, a=acct(7))

    assert "swordfish" not in str(error)
    assert error["extensions"]["code"] == "INTERNAL"
    (line,) = logs
    assert line["incident"] == error["extensions"]["incidentId"]
    assert line["incident"] in error["message"]
    assert "swordfish" in str(line["exc_info"])


def test_one_reading_that_fails_spoils_no_other(small_api: Api) -> None:
    account_id = make_account(small_api.database)
    fields = "name balance { expiring(withinDays: -1) { amount } } lots { totalCount }"
    document = f"query Two($a: ID!) {{ account(id: $a) {{ {fields} }} }}"

    error = small_api.error(document, a=acct(account_id))

    assert error["extensions"] == {"code": "BAD_USER_INPUT", "field": ["withinDays"]}


@pytest.mark.parametrize(
    "document",
    ["", "{", "{ nothing }", "{ account { id } }", "query Q($a: Nope) { viewer { name } }", "subscription { x }"],
)
def test_a_malformed_document_is_told_what_is_wrong_with_it(small_api: Api, document: str) -> None:
    with capture_logs() as logs:
        if not document:
            with pytest.raises(Exception, match="query"):
                small_api.run(document)
            return
        result = small_api.run(document)

    assert result.errors
    assert all((error.extensions or {})["code"] == "BAD_USER_INPUT" for error in result.errors)
    assert logs == []


def test_the_names_of_fields_are_not_suggested(small_api: Api) -> None:
    assert "Did you mean" not in small_api.error("{ viewr { name } }")["message"]


def test_a_request_full_of_mistakes_is_answered_with_a_few(small_api: Api) -> None:
    result = small_api.run("{ " + " ".join(f"no{number}" for number in range(100)) + " }")

    assert result.errors is not None
    assert len(result.errors) <= 8
