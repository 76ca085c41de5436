"""Reading the audit log: who may, which events, how they are told, and all of them as a file."""

import csv
import io
import json
from dataclasses import replace
from typing import Any

import pytest

from credits import accounts
from credits.audit import Actor, record
from credits.audit_words import ACTIONS
from credits.ids import public_id
from credits.instants import DAY, HOUR
from db.kinds import ActorKind, Role, Scope
from db.session import Database
from tests.factories import NOW, make_account, make_card, make_test_account, make_user
from tests.schema.asking import OPERATOR, Api, acct, person, program

LOG = """
query Log($a: ID!, $filter: AuditFilter, $first: Int, $after: String, $before: String) { account(id: $a) {
    auditLog(filter: $filter, first: $first, after: $after, before: $before) {
        totalCount pageInfo { hasNextPage endCursor startCursor } nodes {
            id at actorKind actor action subject address requestId explanation account { name }
            changes { field label before after } } } } }
"""
WHOLE = "query($filter: AuditFilter) { auditLog(filter: $filter) { totalCount nodes { subject account { id } } } }"
EXPORT = """
query E($a: ID!, $form: AuditForm!, $first: Int, $after: String, $filter: AuditFilter) { account(id: $a) {
    auditExport(form: $form, first: $first, after: $after, filter: $filter) { text events endCursor } } }
"""
ALICE = Actor(ActorKind.PERSON, "alice@example.com", 1, "192.0.2.1", "r-1")


def make_event(database: Database, account_id: int | None = None, action: str = "updateAccount", **values: Any) -> None:
    """Something that Alice did."""
    given = {"actor": ALICE, "at": NOW, "subject": "thing", **values}
    with database.transaction() as session:
        record(session, action=action, account_id=account_id, **given)


def log(api: Api, account_id: int, **asked: Any) -> list[dict[str, Any]]:
    """The account's events."""
    found: list[dict[str, Any]] = api.ask(LOG, a=acct(account_id), **asked)["account"]["auditLog"]["nodes"]
    return found


def subjects(api: Api, account_id: int, **wanted: Any) -> list[str]:
    """What the events are about that are like that."""
    return [each["subject"] for each in log(api, account_id, filter=wanted)]


def test_an_event_is_told_in_a_sentence_and_field_by_field(api: Api) -> None:
    account_id = make_account(api.database, time_zone="Asia/Tokyo")
    change = {"accountId": acct(account_id), "name": "Fabrikam", "lowBalance": "20", "status": "SUSPENDED"}
    api.change("updateAccount", "", change)

    (event,) = log(api, account_id)

    assert event["id"].startswith("evt_")
    assert event | {"id": ""} == {
        "id": "", "at": "2026-10-01T12:00:00Z", "actorKind": "PERSON", "actor": "operator@example.com",
        "action": "updateAccount", "subject": acct(account_id), "address": None, "requestId": None,
        "account": {"name": "Fabrikam"},
        "explanation": "operator@example.com changed the account's settings.",
        "changes": [
            {"field": "status", "label": "State", "before": "Active", "after": "Suspended"},
            {"field": "name", "label": "Name", "before": "Contoso", "after": "Fabrikam"},
            {"field": "lowBalance", "label": "Mail below a balance of", "before": None, "after": "$20.00"},
        ],
    }  # fmt: skip


def test_an_event_is_told_in_the_language_of_whoever_reads(small_api: Api) -> None:
    account_id = make_test_account(small_api.database)
    user = public_id("user", account_id, make_user(small_api.database, account_id, name="Mia"))
    small_api.change("updateUser", "", {"accountId": acct(account_id), "userId": user, "userDialOut": "DOMESTIC"})

    (event,) = log(small_api, account_id, said_in="ja")

    assert event["explanation"] == "operator@example.com がユーザー Mia を変更しました。"
    assert event["changes"] == [
        {"field": "userDialOut", "label": "ユーザーからの発信", "before": None, "after": "国内のみ"}
    ]


def test_a_thing_is_called_by_its_name_or_else_as_the_event_calls_it(api: Api) -> None:
    account_id = make_test_account(api.database)
    user = public_id("user", account_id, make_user(api.database, account_id, name="Mia"))
    card = public_id("pm", account_id, make_card(api.database, account_id))
    other = public_id("user", make_test_account(api.database), 1)
    make_event(api.database, account_id, "setLicenses", subject=user, after={"licenses": ["PP", "P1"]})
    make_event(api.database, account_id, "setDefaultPaymentMethod", subject=card)
    make_event(api.database, account_id, "updateUser", subject=other)
    make_event(api.database, account_id, "inviteMember", subject="inv_1", after={"email": "eve@example.com"})
    make_event(api.database, account_id, "paintAccount", subject="red", after={"isVeryRed": True, "at": [1, 2]})

    said = [event["explanation"] for event in log(api, account_id)]

    assert said == [
        "alice@example.com did paintAccount: red.",
        "alice@example.com invited eve@example.com to the account.",
        f"alice@example.com changed the user {other}.",
        "alice@example.com made Visa •••• 4242, 12/99 the default payment method.",
        "alice@example.com changed the licences of Mia.",
    ]
    assert log(api, account_id)[0]["changes"] == [
        {"field": "isVeryRed", "label": "Is very red", "before": None, "after": "yes"},
        {"field": "at", "label": "At", "before": None, "after": "1, 2"},
    ]


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        (ActorKind.TOKEN, "billing", "The program billing set automatic recharge."),
        (ActorKind.COMMAND, "root", "root, at the command line, set automatic recharge."),
        (ActorKind.SYSTEM, "", "The system set automatic recharge."),
        (ActorKind.SYSTEM, "sign-in", "Somebody set automatic recharge."),
    ],
)
def test_who_did_it_is_told_by_what_they_are(small_api: Api, kind: ActorKind, name: str, said: str) -> None:
    account_id = make_account(small_api.database)

    make_event(small_api.database, account_id, "setAutoRecharge", actor=Actor(kind, name))

    assert [event["explanation"] for event in log(small_api, account_id)] == [said]


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_every_action_that_has_a_sentence_can_be_told_whatever_is_known_of_it(small_api: Api, action: str) -> None:
    account_id = make_account(small_api.database)
    make_event(small_api.database, account_id, action)
    make_event(small_api.database, account_id, action, before={"amount": "5.00 USD"}, after={"amount": "{x}"})

    for said_in in ("en", "ja"):
        assert all("alice" in event["explanation"] for event in log(small_api, account_id, said_in=said_in))


def test_amounts_and_times_are_written_as_the_reader_writes_them(small_api: Api) -> None:
    account_id = make_account(small_api.database, time_zone="Asia/Tokyo")
    after = {"amount": "1234.50 USD", "expiresAt": "2026-10-01T20:00:00+00:00", "domesticMinutesByCountry": {"JP": 60}}
    make_event(small_api.database, account_id, "grantCredit", after=after)

    (event,) = log(small_api, account_id)

    assert event["explanation"] == "alice@example.com granted $1,234.50."
    assert [change["after"] for change in event["changes"]] == [
        "$1,234.50", "Oct 2, 2026, 5:00:00\N{NARROW NO-BREAK SPACE}AM", "JP: 60"
    ]  # fmt: skip


# ---- which events ------------------------------------------------------------------------------------------------


@pytest.fixture
def lively(api: Api) -> int:
    """An account in which four things happened, an hour after one another."""
    account_id = make_account(api.database)
    bob = replace(ALICE, name="Bob_100%@example.com")
    make_event(api.database, account_id, "updateAccount", subject="one", at=NOW)
    make_event(api.database, account_id, "createUser", subject="user_1-1", at=NOW + HOUR)
    make_event(api.database, account_id, "removeUser", subject="user_1-2", at=NOW + 2 * HOUR, actor=bob)
    make_event(api.database, account_id, "updateAccount", subject="four", at=NOW + 3 * HOUR)
    make_event(api.database, make_account(api.database), "updateAccount", subject="elsewhere", at=NOW)
    make_event(api.database, None, "setZoneA", subject="Zone A", at=NOW + DAY)
    return account_id


def test_the_newest_event_comes_first(api: Api, lively: int) -> None:
    assert subjects(api, lively) == ["four", "user_1-2", "user_1-1", "one"]


def test_events_are_found_by_time_actor_action_and_subject(api: Api, lively: int) -> None:
    edges = {"from": "2026-10-01T13:00:00Z", "to": "2026-10-01T15:00:00Z"}

    assert subjects(api, lively, **edges) == ["user_1-2", "user_1-1"]
    assert subjects(api, lively, actor="bob_100%") == ["user_1-2"]
    assert subjects(api, lively, actor="bobX100") == []
    assert subjects(api, lively, action="updateAccount") == ["four", "one"]
    assert subjects(api, lively, subject=" USER_1 ") == ["user_1-2", "user_1-1"]
    assert subjects(api, lively, subject="user", actor="alice", **edges) == ["user_1-1"]
    assert subjects(api, lively, action="", actor="", subject="") == subjects(api, lively)


def test_pages_follow_one_another_also_among_events_of_one_instant(api: Api) -> None:
    account_id = make_account(api.database)
    for number in range(5):
        make_event(api.database, account_id, subject=str(number))

    pages, after = [], None
    for _ in range(3):
        data = api.ask(LOG, a=acct(account_id), first=2, after=after)["account"]["auditLog"]
        pages.append([each["subject"] for each in data["nodes"]])
        after = data["pageInfo"]["endCursor"]
    back = log(api, account_id, first=2, before=data["pageInfo"]["startCursor"])

    assert pages == [["4", "3"], ["2", "1"], ["0"]]
    assert [each["subject"] for each in back] == ["2", "1"]
    assert data["totalCount"] == 5
    assert api.error(LOG, a=acct(account_id), after="nonsense")["extensions"]["field"] == ["after"]


# ---- who may -----------------------------------------------------------------------------------------------------


def test_the_operator_reads_everything_also_what_is_of_no_account(api: Api, lively: int) -> None:
    found = api.ask(WHOLE)["auditLog"]

    assert found["totalCount"] == 6
    assert found["nodes"][0] == {"subject": "Zone A", "account": None}
    assert api.ask(WHOLE, filter={"subject": "else"})["auditLog"]["nodes"][0]["account"]["id"] != acct(lively)


def test_the_log_of_an_account_is_for_those_who_administer_it(api: Api, lively: int) -> None:
    for reader in (OPERATOR, person(Role.ADMIN, lively), program(lively, Scope.READ, Scope.ADMIN)):
        assert len(log(api, lively, viewer=reader)) == 4

    own = make_account(api.database)
    both = replace(person(Role.ADMIN, own), account_roles={own: Role.ADMIN, lively: Role.VIEWER})
    for reader in (
        person(Role.BILLING, lively), person(Role.VIEWER, lively), both,
        program(lively, Scope.READ, Scope.FUNDS, Scope.CALLS), program(None, Scope.READ),
    ):  # fmt: skip
        for document, more in ((LOG, {}), (EXPORT, {"form": "CSV"})):
            error = api.error(document, viewer=reader, a=acct(lively), **more)
            assert error["extensions"]["code"] == "FORBIDDEN"
    assert api.ask(LOG, viewer=person(Role.ADMIN, own), a=acct(lively))["account"] is None


def test_an_administrator_does_not_read_the_whole_log(api: Api, lively: int) -> None:
    for reader in (person(Role.ADMIN, lively), program(lively, *Scope), program(None, Scope.READ)):
        for document in (WHOLE, "{ auditExport(form: CSV) { text } }"):
            assert api.error(document, viewer=reader)["extensions"]["code"] == "FORBIDDEN"


def test_a_page_of_events_takes_few_statements(small_api: Api, statements: list[str]) -> None:
    account_id = make_account(small_api.database)
    for number in range(1, 21):
        user = public_id("user", account_id, make_user(small_api.database, account_id, name=f"Mia {number}"))
        make_event(small_api.database, account_id, "updateUser", subject=user)
    statements.clear()

    assert len(log(small_api, account_id)) == 20

    assert len(statements) <= 6


# ---- as a file ---------------------------------------------------------------------------------------------------


def exported(api: Api, account_id: int, form: str, **asked: Any) -> str:
    """The whole file, taken part by part."""
    texts, after = list[str](), None
    while not texts or after is not None:
        part = api.ask(EXPORT, a=acct(account_id), form=form, after=after, **asked)["account"]["auditExport"]
        texts.append(part["text"])
        after = part["endCursor"]
    return "".join(texts)


def test_all_events_come_out_as_csv_and_as_json_lines(api: Api, lively: int) -> None:
    make_event(api.database, lively, "createUser", subject="ユーザー", before={"a": 1}, after={"a": "é"}, at=NOW + DAY)
    parts = [
        (exported(api, lively, "CSV", first=size), exported(api, lively, "JSON_LINES", first=size))
        for size in (2, 5_000)
    ]

    assert parts[0] == parts[1]
    rows = list(csv.DictReader(io.StringIO(parts[0][0].removeprefix("\ufeff"), newline="")))
    lines = [json.loads(line) for line in parts[0][1].splitlines()]
    assert [row["subject"] for row in rows] == ["ユーザー", "four", "user_1-2", "user_1-1", "one"]
    assert rows[0] | {"id": ""} == {
        "at": "2026-10-02T12:00:00.000000+00:00", "actor_kind": "PERSON", "actor": "alice@example.com",
        "action": "createUser", "subject": "ユーザー", "account": acct(lively), "address": "192.0.2.1",
        "request_id": "r-1", "before": '{"a": 1}', "after": '{"a": "é"}', "id": "",
    }  # fmt: skip
    assert lines == [
        {**row, "before": json.loads(row["before"] or "{}"), "after": json.loads(row["after"] or "{}")} for row in rows
    ]


def test_a_file_has_what_is_asked_for(api: Api, lively: int) -> None:
    lines = exported(api, lively, "JSON_LINES", filter={"action": "updateAccount", "to": "2026-10-01T13:00:00Z"})

    assert [json.loads(line)["subject"] for line in lines.splitlines()] == ["one"]


def test_no_spreadsheet_takes_a_name_for_a_formula(small_api: Api) -> None:
    account_id = make_account(small_api.database)
    evil = Actor(ActorKind.TOKEN, '=HYPERLINK("http://evil.example")')
    make_event(small_api.database, account_id, actor=evil, subject="@SUM(1)", after={"x": "=1"})

    rows = list(csv.reader(io.StringIO(exported(small_api, account_id, "CSV"), newline="")))

    assert rows[1][2].startswith("'=HYPERLINK")
    assert rows[1][4] == "'@SUM(1)"
    assert not any(cell[:1] in "=+-@" for cell in rows[1] if cell)


def test_no_more_than_ten_thousand_events_are_a_part(small_api: Api) -> None:
    account_id = make_account(small_api.database)

    for size in (0, 10_001):
        error = small_api.error(EXPORT, a=acct(account_id), form="CSV", first=size)
        assert error["extensions"]["field"] == ["first"]


def test_what_a_mutation_was_given_in_secret_is_not_in_the_file_either(api: Api) -> None:
    account_id = make_test_account(api.database)
    api.change("addPaymentMethod", "", {"accountId": acct(account_id), "kind": "CARD", "token": "tok_ok"})
    with api.database.transaction() as session:
        accounts.update_account(session, account_id=account_id, name="Renamed")

    for form in ("CSV", "JSON_LINES"):
        text = exported(api, account_id, form)
        assert "addPaymentMethod" in text
        assert "tok_ok" not in text
