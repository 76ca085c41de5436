"""What is recorded of mutations: each of them, in the transaction that makes the change, and never a secret."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import strawberry

from credits import accounts
from credits.audit import Deed, changed
from credits.ids import public_id
from credits.providers import Card, Providers, Setup, SetupAnswer, SetupRequest
from db.kinds import ActorKind, Role, Scope
from db.session import Database, Session
from schema.context import Context
from schema.deeds import HARMLESS, HIDDEN, Recorded, deed_of
from schema.schema import schema
from tests.bank import Bank
from tests.factories import (
    NOW,
    make_account,
    make_agreement,
    make_card,
    make_lot,
    make_recharge,
    make_test_account,
    make_user,
)
from tests.schema.asking import MUTATIONS, Api, acct, person, program

DOCS = Path(__file__).resolve().parents[2] / "docs" / "audit.md"
# Why each of these is not recorded stands in docs/audit.md; the second half records itself.
UNRECORDED = {
    "authorizeCall", "extendCall", "settleCall", "releaseCall", "recordCalls", "checkRecharge",
    "inviteMember", "inviteOperator", "withdrawInvitation", "changePassword", "startSecondFactor",
    "confirmSecondFactor", "removeSecondFactor", "renewRecoveryCodes", "endSession", "endOtherSessions",
}  # fmt: skip
SECRET = "hunter2-Geheimnis"
RENAME = 'mutation { updateAccount(input: {accountId: "%s", name: "%s"}) { errors { code } } }'
Values = dict[str, Any]


def events(database: Database) -> list[Values]:
    """All that was recorded, in order, with before and after as values."""
    columns = (
        "account_id", "at", "actor_kind", "actor_id", "actor", "action", "subject", "address", "request_id", "before",
        "after",
    )  # fmt: skip
    with database.reading() as session:
        rows = session.rows(f"SELECT {', '.join(columns)} FROM audit_event ORDER BY at, event_id")
    found = [dict(zip(columns, row, strict=True)) for row in rows]
    for each in found:
        each["before"], each["after"] = json.loads(each["before"] or "{}"), json.loads(each["after"] or "{}")
    return found


def told(database: Database) -> list[tuple[str, str, Values, Values]]:
    """What was recorded: action, subject, before and after."""
    return [(each["action"], each["subject"], each["before"], each["after"]) for each in events(database)]


def run(context: Context, document: str) -> None:
    """Run a document that must succeed."""
    assert asyncio.run(schema.execute(document, context_value=context)).errors is None


def declared() -> dict[str, Any]:
    """The mutations as they are declared, by their names."""
    root: Any = schema.get_type_by_name("Mutation")
    return {schema.config.name_converter.get_graphql_name(each): each for each in root.fields}


def test_every_mutation_is_recorded_unless_it_is_exempt_by_name() -> None:
    recorded = {name for name, each in declared().items() if any(isinstance(it, Recorded) for it in each.extensions)}

    assert set(MUTATIONS) - recorded == UNRECORDED


def test_the_docs_say_why_a_mutation_is_not_recorded() -> None:
    text = DOCS.read_text()

    assert [name for name in UNRECORDED if f"`{name}`" not in text] == []


def test_an_event_says_who_asked_for_what_in_which_account_when_and_from_where(api: Api) -> None:
    account_id = make_account(api.database)
    alice = replace(person(Role.ADMIN, account_id), number=7)

    context = replace(api.context(alice), address="192.0.2.7", request_id="r-1")
    run(context, RENAME % (acct(account_id), "Fabrikam"))

    assert events(api.database) == [
        {
            "account_id": account_id, "at": NOW, "actor_kind": "PERSON", "actor_id": 7, "actor": "admin@example.com",
            "action": "updateAccount", "subject": acct(account_id), "address": "192.0.2.7", "request_id": "r-1",
            "before": {"name": "Contoso"}, "after": {"name": "Fabrikam"},
        }
    ]  # fmt: skip


def test_a_program_is_named_by_its_token(api: Api) -> None:
    account_id = make_account(api.database)
    billing = replace(program(account_id, Scope.ADMIN), kind=ActorKind.TOKEN, number=9)

    run(api.context(billing), RENAME % (acct(account_id), "Fabrikam"))

    (event,) = events(api.database)
    assert (event["actor_kind"], event["actor_id"], event["actor"]) == ("TOKEN", 9, "switch")


def test_an_event_is_of_the_machines_time_whatever_the_accounts_clock_says(api: Api) -> None:
    account_id = make_test_account(api.database, clock_at=NOW - 10**12)

    run(api.context(), RENAME % (acct(account_id), "Fabrikam"))

    assert [event["at"] for event in events(api.database)] == [NOW]


def test_two_mutations_of_one_document_are_two_events(api: Api) -> None:
    account_id = make_account(api.database)
    one, other = (RENAME % (acct(account_id), name) for name in ("Fabrikam", "Tailspin"))

    run(api.context(), other.replace("{ updateAccount", f"{{ first: {one[11:-1]} second: updateAccount", 1))

    assert [after for _, _, _, after in told(api.database)] == [{"name": "Fabrikam"}, {"name": "Tailspin"}]


# ---- each of them, with what was before and what is after --------------------------------------------------------


@dataclass
class Scene:
    """An account with all that mutations may be about."""

    api: Api
    account_id: int

    @property
    def database(self) -> Database:
        """Where it is."""
        return self.api.database

    def id(self, kind: str, number: int = 1) -> str:
        """The id of something in the account."""
        return public_id(kind, self.account_id, number)


@pytest.fixture
def scene(api: Api) -> Scene:
    """A TEST account without anything."""
    return Scene(api, make_test_account(api.database))


def a_lot(scene: Scene) -> None:
    """Of 100, granted."""
    make_lot(scene.database, scene.account_id)


def a_card(scene: Scene) -> None:
    """That works."""
    make_card(scene.database, scene.account_id)


def two_cards(scene: Scene) -> None:
    """The second of which is the default."""
    a_card(scene)
    a_card(scene)


def an_invoice(scene: Scene) -> None:
    """Of 100, that is open."""
    make_agreement(scene.database, scene.account_id)
    make_recharge(scene.database, scene.account_id)


def a_bought_lot(scene: Scene) -> None:
    """Of 100, by card."""
    a_card(scene)
    make_recharge(scene.database, scene.account_id)


def a_waiting_recharge(scene: Scene) -> None:
    """Whose card wants to be confirmed."""
    make_card(scene.database, scene.account_id, "tok_action_required")
    make_recharge(scene.database, scene.account_id)


def a_user(scene: Scene) -> None:
    """Mia, who holds a plan."""
    make_user(scene.database, scene.account_id, "MCOPSTNPAYG", name="Mia", user_name="mia", department="Sales")


def a_notice(scene: Scene) -> None:
    """That nobody got, since there was nobody to get it."""
    an_invoice(scene)
    with scene.database.transaction() as session:
        accounts.update_account(session, account_id=scene.account_id, notice_emails=["mia@example.com"])


def nothing(_scene: Scene) -> None:
    """Not needed."""


RATE = {"prefix": "49", "destination": "Germany", "pricePerMinute": "0.06"}
MIA = {"name": "Mia", "userName": "mia", "country": "US"}
MIA_KNOWN = {**MIA, "department": "Sales"}
PLAN = {"code": "NEW", "name": "New", "kind": "CALLING_PLAN", "domesticMinutes": 100}
PLAN_KNOWN = {**PLAN, "pooled": True, "internationalMinutes": 0, "conferenceMinutes": 0}
CARD = {"kind": "CARD", "label": "Visa •••• 4242, 12/99"}
# A mutation, what there is before it, its input, what it is about, and what was before and is after.
DEEDS: list[tuple[str, Callable[[Scene], None], Values, str, Values, Values]] = [
    ("updateAccount", nothing, {"noticeEmails": ["a@example.com"], "status": "SUSPENDED", "lowBalance": "20"}, "acct",
     {"status": "ACTIVE"},
     {"status": "SUSPENDED", "noticeEmails": ["a@example.com"], "lowBalance": "20.00 USD"}),
    ("advanceClock", nothing, {"to": "2026-11-01T00:00:00Z"}, "acct",
     {"clock": "2026-10-01T12:00:00+00:00"}, {"clock": "2026-11-01T00:00:00+00:00"}),
    ("addPaymentMethod", nothing, {"kind": "CARD", "token": "tok_ok"}, "pm", {}, {**CARD, "isDefault": True}),
    ("addPaymentMethod", nothing, {"kind": "INVOICE", "purchaseOrder": "PO-9"}, "pm", {},
     {"kind": "INVOICE", "label": "Invoice, PO PO-9", "isDefault": True}),
    ("setDefaultPaymentMethod", two_cards, {"paymentMethodId": "pm"}, "pm", {"isDefault": False}, {"isDefault": True}),
    ("removePaymentMethod", a_card, {"paymentMethodId": "pm"}, "pm", CARD, {}),
    ("recharge", a_card, {"amount": "50", "idempotencyKey": "k"}, "rchg", {},
     {"amount": "50.00 USD", "paymentMethodId": "pm"}),
    ("confirmRecharge", a_waiting_recharge, {"rechargeId": "rchg"}, "rchg", {}, {"rechargeId": "rchg"}),
    ("cancelRecharge", a_waiting_recharge, {"rechargeId": "rchg"}, "rchg",
     {"isBeingCanceled": False}, {"isBeingCanceled": True}),
    ("setAutoRecharge", a_card, {"enabled": True, "trigger": "20", "amount": "50"}, "acct",
     {"enabled": False}, {"enabled": True, "trigger": "20.00 USD", "amount": "50.00 USD"}),
    ("markInvoicePaid", an_invoice, {"rechargeId": "rchg", "reference": "BACS 1"}, "rchg", {}, {"reference": "BACS 1"}),
    ("refundRecharge", a_bought_lot, {"rechargeId": "rchg", "reason": "Mistake", "idempotencyKey": "k"}, "rchg",
     {}, {"amount": "100.00 USD", "reason": "Mistake"}),
    ("grantCredit", nothing, {"amount": "50", "description": "Welcome", "idempotencyKey": "k"}, "lot", {},
     {"amount": "50.00 USD", "description": "Welcome", "priority": 0, "startsAt": "2026-10-01T12:00:00+00:00"}),
    ("voidLot", a_lot, {"lotId": "lot", "reason": "Mistake", "idempotencyKey": "k"}, "lot",
     {"remaining": "100.00 USD"}, {"reason": "Mistake"}),
    ("resendNotice", a_notice, {"noticeId": "ntc"}, "ntc", {}, {"noticeId": "ntc"}),
    ("createUser", nothing, {**MIA, "monthlyLimit": "30", "planCodes": ["MCOPSTNPAYG"]}, "user", {},
     {**MIA, "monthlyLimit": "30.00 USD", "licenses": ["MCOPSTNPAYG"]}),
    ("createUsers", nothing, {"users": [MIA]}, "user", {}, MIA),
    ("updateUser", a_user, {"userId": "user", "department": None, "userDialOut": "DOMESTIC", "name": "Mia"}, "user",
     {"department": "Sales"}, {"userDialOut": "DOMESTIC"}),
    ("removeUser", a_user, {"userId": "user"}, "user", {**MIA_KNOWN, "licenses": ["MCOPSTNPAYG"]}, {}),
    ("setLicenses", a_user, {"userId": "user", "planCodes": ["MCOPSTNPP"]}, "user",
     {"licenses": ["MCOPSTNPAYG"]}, {"licenses": ["MCOPSTNPP"]}),
    ("assignLicenses", a_user, {"userIds": ["user"], "planCodes": ["MCOPSTNPP"]}, "user",
     {"licenses": ["MCOPSTNPAYG"]}, {"licenses": ["MCOPSTNPAYG", "MCOPSTNPP"]}),
]  # fmt: skip


@pytest.mark.parametrize(("mutation", "given", "values", "subject", "before", "after"), DEEDS)
def test_what_a_mutation_changes_is_recorded_with_what_was_before(
    scene: Scene, mutation: str, given: Callable[[Scene], None], values: Values, subject: str, before: Values,
    after: Values,
) -> None:  # fmt: skip
    given(scene)

    payload = scene.api.change(mutation, "", {"accountId": acct(scene.account_id), **with_ids(scene, values)})

    about = acct(scene.account_id) if subject == "acct" else scene.id(subject)
    assert payload["errors"] == []
    assert told(scene.database) == [(mutation, about, with_ids(scene, before), with_ids(scene, after))]
    assert {event["account_id"] for event in events(scene.database)} == {scene.account_id}


def with_ids(scene: Scene, values: Values) -> Values:
    """The values, with the id of the first of its kind in the place of each kind's name."""

    def of(name: str, value: Any) -> Any:
        if isinstance(value, list) and name.endswith("Ids"):
            return [of("Id", each) for each in value]
        return scene.id(value) if name.endswith("Id") and value is not None else value

    return {name: of(name, value) for name, value in values.items()}


def test_what_the_operator_changes_for_everyone_is_of_no_account(api: Api) -> None:
    api.change("createPlan", "", PLAN)
    api.change("updatePlan", "", {"planId": public_id("plan", 9), "name": "Newer", "pooled": True})
    zone = api.ask("{ zoneA }")["zoneA"]
    api.change("setZoneA", "", {"countries": ["JP", "DE"]})

    assert told(api.database) == [
        ("createPlan", public_id("plan", 9), {}, PLAN_KNOWN | {"internationalMinutes": 0, "conferenceMinutes": 0}),
        ("updatePlan", public_id("plan", 9), {"name": "New"}, {"name": "Newer"}),
        ("setZoneA", "Zone A", {"countries": zone}, {"countries": ["DE", "JP"]}),
    ]
    assert {event["account_id"] for event in events(api.database)} == {None}


def test_a_new_account_has_the_event_that_opened_it(api: Api) -> None:
    opened = api.change("createAccount", "account { id }", {"name": "New", "currency": "USD"})["account"]["id"]

    (event,) = events(api.database)
    assert (event["action"], event["subject"], acct(event["account_id"])) == ("createAccount", opened, opened)
    assert event["after"]["name"] == "New"


def test_a_publication_is_recorded_by_its_deck_and_counts_and_not_by_its_rates(api: Api) -> None:
    deck = {"name": "standard", "currency": "USD", "rates": [RATE]}
    api.change("publishRateDeck", "", deck)
    api.change("publishRateDeck", "", {**deck, "rates": [{**RATE, "pricePerMinute": "0.07"}, {**RATE, "prefix": "44"}]})
    api.change("publishRateDeck", "", {**deck, "dryRun": True})

    first, second = told(api.database)
    assert first[:3] == ("publishRateDeck", public_id("deck", 1), {})
    assert first[3] == {
        "name": "standard", "currency": "USD", "effectiveFrom": "2026-10-01T12:00:00+00:00", "decimals": 4,
        "rounding": "HALF_UP", "rates": 1, "added": 1, "changed": 0, "withdrawn": 0,
    }  # fmt: skip
    assert (second[2], second[3]["rates"], second[3]["changed"]) == ({"rates": 1}, 2, 1)


def test_corrections_of_calls_are_recorded_with_what_they_move(scene: Scene) -> None:
    account = {"accountId": acct(scene.account_id)}
    call = {"callId": "c", "to": "+4930123456", "answeredAt": "2026-10-01T11:00:00Z", "durationSeconds": 60}
    scene.api.change("recordCalls", "", {**account, "calls": [call]})
    scene.api.change("publishRateDeck", "", {"name": "standard", "currency": "USD", "rates": [RATE],
                                             "effectiveFrom": "2026-01-01T00:00:00Z"})  # fmt: skip
    scene.api.change("rateCalls", "", account)
    for _ in range(2):
        scene.api.change("reverseCall", "", {**account, "callId": "c", "reason": "Crackled"})
    scene.api.change("rateCalls", "", account)

    assert [each for each in told(scene.database) if "Call" in each[0]] == [
        ("recordCalls", acct(scene.account_id), {}, {"calls": 1}),
        ("rateCalls", scene.id("call"), {"status": "UNRATED"}, {"status": "SETTLED", "charge": "0.06 USD"}),
        ("reverseCall", scene.id("call"), {"charge": "0.06 USD"}, {"charge": "0.00 USD", "reason": "Crackled"}),
    ]


class BankWithPage(Bank):
    """A bank with a page on which a card is given."""

    given: Card | None = None

    def start_setup(self, request: SetupRequest) -> Setup:
        """Open the page."""
        return Setup("cs_1", f"https://bank.example/{request.key}")

    def setup(self, session_id: str) -> SetupAnswer:
        """Tell of the card."""
        return SetupAnswer(self.given if session_id == "cs_1" else None)


def test_a_card_set_up_is_recorded_when_it_starts_and_again_when_there_is_a_card(api: Api) -> None:
    bank = BankWithPage()
    api.providers = Providers(bank)
    account_id = make_account(api.database)
    account, setup = {"accountId": acct(account_id)}, public_id("setup", account_id, 1)
    api.change("startCardSetup", "", account)
    for card in (None, bank.card(None, "tok_ok"), bank.card(None, "tok_ok")):
        bank.given = card
        api.change("finishCardSetup", "", {**account, "setupId": setup})

    assert told(api.database) == [
        ("startCardSetup", setup, {}, {"makeDefault": True}),
        ("finishCardSetup", public_id("pm", account_id, 1), {}, {**CARD, "isDefault": True}),
    ]


# ---- no change without its event, no event without its change ----------------------------------------------------


def test_what_the_rules_refuse_leaves_no_event(scene: Scene) -> None:
    make_lot(scene.database, scene.account_id)
    void = {"accountId": acct(scene.account_id), "lotId": scene.id("lot"), "reason": "", "idempotencyKey": "k"}

    scene.api.refused("voidLot", void)

    assert events(scene.database) == []


def test_what_is_not_allowed_leaves_no_event(scene: Scene) -> None:
    document = RENAME % (acct(scene.account_id), "Mine")

    assert scene.api.error(document, viewer=person(Role.VIEWER, scene.account_id))
    stranger = scene.api.ask(document, viewer=person(Role.ADMIN, make_account(scene.database)))
    assert stranger["updateAccount"]["errors"] == [{"code": "NOT_FOUND"}]

    assert events(scene.database) == []


def test_what_changes_nothing_leaves_no_event(scene: Scene) -> None:
    a_user(scene)
    a_card(scene)
    account = {"accountId": acct(scene.account_id)}
    for mutation, values in (
        ("updateAccount", {"name": "Contoso"}),
        ("updateAccount", {}),
        ("updateUser", {"userId": scene.id("user"), "name": "Mia"}),
        ("setLicenses", {"userId": scene.id("user"), "planCodes": ["MCOPSTNPAYG"]}),
        ("setDefaultPaymentMethod", {"paymentMethodId": scene.id("pm")}),
        ("setAutoRecharge", {"enabled": True, "trigger": "20", "amount": "50", "dryRun": True}),
        ("rateCalls", {}),
    ):
        scene.api.change(mutation, "", {**account, **values})

    assert events(scene.database) == []


def test_the_same_request_again_is_no_event_again(scene: Scene) -> None:
    a_card(scene)
    account = {"accountId": acct(scene.account_id)}
    for mutation, values in (
        ("recharge", {"amount": "50", "idempotencyKey": "one"}),
        ("refundRecharge", {"rechargeId": scene.id("rchg"), "amount": "10", "reason": "No", "idempotencyKey": "two"}),
        ("grantCredit", {"amount": "50", "description": "Welcome", "idempotencyKey": "three"}),
        ("voidLot", {"lotId": scene.id("lot", 2), "reason": "Mistake", "idempotencyKey": "four"}),
    ):
        for _ in range(2):
            scene.api.change(mutation, "", {**account, **values})

    assert [event["action"] for event in events(scene.database)] == [
        "recharge", "refundRecharge", "grantCredit", "voidLot"
    ]  # fmt: skip


def test_a_change_that_cannot_be_recorded_is_not_made(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OSError

    monkeypatch.setattr("credits.audit._write", fail)

    error = scene.api.error(RENAME % (acct(scene.account_id), "Fabrikam"))

    assert error["extensions"]["code"] == "INTERNAL"
    with scene.database.reading() as session:
        assert accounts.look_up(session, scene.account_id).name == "Contoso"


def test_a_verb_that_says_nothing_of_itself_is_recorded_by_what_was_asked_for(scene: Scene) -> None:
    deed = Deed(deed_of(scene.api.context(), "x", None).actor, "paintAccount", NOW, 5, "acct_5", {"color": "red"})

    def paint(session: Session) -> None:
        session.execute("UPDATE account SET name = 'Red' WHERE account_id = ?", scene.account_id)

    for _ in range(2):  # the second transaction of a deed is part of it
        with scene.database.accompanied(deed).transaction() as session:
            paint(session)

    assert told(scene.database) == [("paintAccount", "acct_5", {}, {"color": "red"})]


def test_a_transaction_that_only_looks_is_no_event(scene: Scene) -> None:
    deed = Deed(deed_of(scene.api.context(), "x", None).actor, "look", NOW)

    with scene.database.accompanied(deed).transaction() as session:
        accounts.lock(session, scene.account_id)

    assert events(scene.database) == []


def test_a_later_transaction_of_the_same_request_may_say_more(scene: Scene) -> None:
    deed = Deed(deed_of(scene.api.context(), "x", None).actor, "both", NOW)
    for subject in ("one", "two"):
        with scene.database.accompanied(deed).transaction() as session:
            changed(session, subject, {"is": 1}, {"is": 2})

    assert [subject for _, subject, _, _ in told(scene.database)] == ["one", "two"]


def test_what_switches_say_of_calls_costs_no_statement_more(scene: Scene, statements: list[str]) -> None:
    call = {"accountId": acct(scene.account_id), "callId": "c", "to": "+4930123456"}

    scene.api.change("authorizeCall", "", call)

    assert [sent for sent in statements if "audit_event" in sent] == []
    assert events(scene.database) == []


def test_a_report_of_calls_is_recorded_where_a_person_makes_it(scene: Scene) -> None:
    call = {"to": "+4930123456", "answeredAt": "2026-10-01T11:00:00Z", "durationSeconds": 60}
    reports = [{**call, "callId": each} for each in ("a", "b", "bad")]
    reports[2]["durationSeconds"] = -1
    report = {"accountId": acct(scene.account_id), "calls": reports}
    switch = replace(program(scene.account_id, Scope.CALLS), kind=ActorKind.TOKEN)

    scene.api.change("recordCalls", "", {**report, "calls": reports[:1]}, viewer=switch)
    for _ in range(2):
        scene.api.change("recordCalls", "", report, viewer=person(Role.ADMIN, scene.account_id))

    assert told(scene.database) == [("recordCalls", acct(scene.account_id), {}, {"calls": 1})]
    assert [event["actor"] for event in events(scene.database)] == ["admin@example.com"]


# ---- never a secret ----------------------------------------------------------------------------------------------


def filled(kind: Any, secrets: list[tuple[str, str]]) -> Any:
    """An input with a secret of its own in each text that is not known to be harmless."""
    values = {}
    for each in kind.__strawberry_definition__.fields:
        name = schema.config.name_converter.get_graphql_name(each)
        values[each.python_name] = _filled(name, each.type, secrets)
    return kind(**values)


def _filled(name: str, kind: Any, secrets: list[tuple[str, str]]) -> Any:
    while hasattr(kind, "of_type"):
        kind = kind.of_type
    if hasattr(kind, "__strawberry_definition__"):
        return [filled(kind, secrets)]
    if kind in (str, strawberry.ID) and name not in HARMLESS:
        secrets.append((name, f"{SECRET}-{len(secrets)}."))
        return secrets[-1][1]
    return None


def inputs() -> Iterator[tuple[str, Any]]:
    """The input type of each mutation."""
    for name, each in declared().items():
        (argument,) = each.arguments
        yield name, argument.type


def test_no_text_that_may_be_a_secret_comes_into_the_log_whatever_its_mutation(api: Api) -> None:
    secrets: list[tuple[str, str]] = []
    account_id = make_account(api.database)
    for name, kind in inputs():
        deed = deed_of(api.context(), name, filled(kind, secrets))
        with api.database.accompanied(deed).transaction() as session:
            session.execute("UPDATE account SET name = ? WHERE account_id = ?", name, account_id)

    kept = json.dumps(events(api.database))
    assert {"token", "idempotencyKey"} <= {name for name, _ in secrets}
    assert [name for name, secret in secrets if secret in kept] == []


def test_numbers_and_lists_with_the_name_of_a_secret_are_hidden_too(api: Api) -> None:
    @strawberry.input
    class Asked:
        totp_code: int
        recovery_codes: list[str]
        new_password: str
        user_id: strawberry.ID
        session_id: strawberry.ID
        country: str

    asked = Asked(
        totp_code=123456, recovery_codes=["a", "b"], new_password="p", country="DE",
        user_id=strawberry.ID("user_1-1"), session_id=strawberry.ID("eyJhbGciOiJIUzI1NiJ9"),
    )  # fmt: skip

    deed = deed_of(api.context(), "x", asked)

    assert deed.given == {
        "totpCode": HIDDEN, "recoveryCodes": [HIDDEN, HIDDEN], "newPassword": HIDDEN, "userId": "user_1-1",
        "sessionId": HIDDEN, "country": "DE",
    }  # fmt: skip
    assert (deed.subject, deed.account_id) == ("user_1-1", None)


def test_a_cards_token_is_in_no_event(scene: Scene) -> None:
    card = {"accountId": acct(scene.account_id), "kind": "CARD", "token": "tok_ok", "makeDefault": True}
    scene.api.change("addPaymentMethod", "", card)

    assert "tok_ok" not in json.dumps(events(scene.database))
