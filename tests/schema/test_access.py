"""Who may do what: every field of the roots, walked as everybody."""

from typing import Any

import pytest

from credits.ids import public_id
from db.kinds import Role, Scope
from schema.access import Needs, Viewer
from schema.schema import schema
from tests.factories import make_account, make_lot, make_test_account
from tests.schema.asking import (
    EVERYTHING,
    MUTATIONS,
    OPERATOR,
    QUERIES,
    SUBSCRIPTIONS,
    Api,
    acct,
    person,
    program,
)

# A request for every root field, with $account for the account; and who is let through. Everybody else is turned away.
MONEY = {"operator", "admin", "billing"}
PERSONS = {"operator", "admin", "billing", "viewer"}
READS: dict[str, str] = {
    "node": "node(id: $account) { id }",
    "viewer": "viewer { name }",
    "account": "account(id: $account) { id }",
    "accounts": "accounts { nodes { id } }",
    "rateDecks": "rateDecks { id }",
    "rates": "rates { nodes { id } }",
    "auditLog": "auditLog { nodes { id } }",
    "auditExport": "auditExport(form: CSV) { text }",
    "invitations": "invitations { id }",
    "operators": "operators { id }",
    "tokens": "tokens { nodes { id } }",
    "openInvoices": "openInvoices { nodes { number } }",
    "plans": "plans { code }",
    "zoneA": "zoneA",
    "quoteCall": 'quoteCall(accountId: $account, to: "+4930123456") { priced }',
}
CHANGES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "createAccount": ({"name": "New", "currency": "USD"}, {"operator"}),
    "updateAccount": ({"name": "Renamed"}, {"operator", "admin"}),
    "advanceClock": ({"to": "2027-01-01T00:00:00Z"}, {"operator", "admin"}),
    "addPaymentMethod": ({"kind": "CARD", "token": "tok_ok"}, MONEY),
    "setDefaultPaymentMethod": ({"paymentMethodId": "pm_1-1"}, MONEY),
    "removePaymentMethod": ({"paymentMethodId": "pm_1-1"}, MONEY),
    "recharge": ({"amount": "50", "idempotencyKey": "k"}, MONEY),
    "checkRecharge": ({"rechargeId": "rchg_1-1"}, MONEY),
    "confirmRecharge": ({"rechargeId": "rchg_1-1"}, MONEY),
    "cancelRecharge": ({"rechargeId": "rchg_1-1"}, MONEY),
    "setAutoRecharge": ({"enabled": False}, MONEY),
    "startCardSetup": ({}, MONEY),
    "finishCardSetup": ({"setupId": "setup_1-1"}, MONEY),
    "markInvoicePaid": ({"rechargeId": "rchg_1-1", "reference": "BACS 1"}, {"operator"}),
    "refundRecharge": ({"rechargeId": "rchg_1-1", "reason": "Mistake", "idempotencyKey": "k"}, MONEY),
    "grantCredit": ({"amount": "50", "description": "Welcome", "idempotencyKey": "k"}, MONEY),
    "voidLot": ({"lotId": "lot_1-1", "reason": "Mistake", "idempotencyKey": "k"}, MONEY),
    "resendNotice": ({"noticeId": "ntc_1-1"}, {"operator", "admin"}),
    "publishRateDeck": ({"name": "standard", "currency": "USD", "rates": []}, {"operator"}),
    "createPlan": ({"code": "NEW", "name": "New", "kind": "CALLING_PLAN"}, {"operator"}),
    "updatePlan": ({"planId": "plan_1", "name": "New"}, {"operator"}),
    "setZoneA": ({"countries": ["JP"]}, {"operator"}),
    "createUser": ({"name": "Mia", "userName": "mia", "country": "US"}, {"operator", "admin"}),
    "createUsers": ({"users": []}, {"operator", "admin"}),
    "updateUser": ({"userId": "user_1-1"}, {"operator", "admin"}),
    "removeUser": ({"userId": "user_1-1"}, {"operator", "admin"}),
    "setLicenses": ({"userId": "user_1-1", "planCodes": []}, {"operator", "admin"}),
    "assignLicenses": ({"userIds": [], "planCodes": []}, {"operator", "admin"}),
    "authorizeCall": ({"callId": "c", "to": "+4930123456"}, {"operator", "admin"}),
    "extendCall": ({"callId": "c", "usedSeconds": 1}, {"operator", "admin"}),
    "settleCall": ({"callId": "c", "durationSeconds": 1}, {"operator", "admin"}),
    "releaseCall": ({"callId": "c"}, {"operator", "admin"}),
    "recordCalls": ({"calls": []}, {"operator", "admin"}),
    "reverseCall": ({"callId": "c", "reason": "Mistake"}, MONEY),
    "rateCalls": ({}, {"operator", "admin"}),
    "inviteMember": ({"email": "mia@example.com", "role": "VIEWER"}, {"operator", "admin"}),
    "inviteOperator": ({"email": "mia@example.com"}, {"operator"}),
    "withdrawInvitation": ({"invitationId": "inv_1"}, {"operator", "admin"}),
    "changePassword": ({"password": "one", "newPassword": "another"}, PERSONS),
    "startSecondFactor": ({"password": "one"}, PERSONS),
    "confirmSecondFactor": ({"code": "123456"}, PERSONS),
    "removeSecondFactor": ({"password": "one", "code": "123456"}, PERSONS),
    "renewRecoveryCodes": ({"password": "one", "code": "123456"}, PERSONS),
    "endSession": ({"sessionId": "sess_1"}, PERSONS),
    "endOtherSessions": ({}, PERSONS),
    "suspendAccount": ({"reason": "Unpaid"}, {"operator", "admin"}),
    "reactivateAccount": ({"reason": "Paid"}, {"operator", "admin"}),
    "closeAccount": ({"name": "Contoso", "reason": "Moved away"}, {"operator", "admin"}),
    "setMemberRole": ({"memberId": "mbr_1-1", "role": "VIEWER"}, {"operator", "admin"}),
    "removeMember": ({"memberId": "mbr_1-1"}, {"operator", "admin"}),
    "removeOperator": ({"operatorId": "opr_1"}, {"operator"}),
    "createToken": ({"name": "Switch", "scopes": ["READ"]}, {"operator", "admin"}),
    "revokeToken": ({"tokenId": "tok_1"}, {"operator", "admin"}),
}
WATCHES = {"balance": "balance(accountId: $account) { callsAllowed }"}
OWN = {name for name, (_, who) in CHANGES.items() if who is PERSONS}
OPERATORS_OWN = {"inviteOperator", "removeOperator"}
WITHOUT_ACCOUNT = {"createAccount", "publishRateDeck", "createPlan", "updatePlan", "setZoneA"} | OPERATORS_OWN | OWN
OPERATORS_READS = {"auditExport", "auditLog", "invitations", "openInvoices", "operators", "tokens"}
EVERYBODY = ["operator", "admin", "billing", "viewer"]


def somebody(who: str, account_id: int) -> Viewer:
    """A member of the cast."""
    return OPERATOR if who == "operator" else person(Role(who.upper()), account_id)


def attempt(api: Api, mutation: str, account_id: int, viewer: Viewer | None) -> str:
    """Try a mutation, and say what kind of answer came: an error's code, or LET THROUGH."""
    values = dict(CHANGES[mutation][0])
    if mutation not in WITHOUT_ACCOUNT:
        values["accountId"] = acct(account_id)
    kind = MUTATIONS[mutation].args["input"].type
    document = f"mutation Try($input: {kind}) {{ {mutation}(input: $input) {{ errors {{ code field }} }} }}"
    result = api.run(document, viewer=viewer, input=values)
    if result.errors:
        return str((result.errors[0].extensions or {})["code"])
    assert result.data is not None
    for error in result.data[mutation]["errors"]:
        if error["field"] == ["input", "accountId"]:
            return str(error["code"])
    return "LET THROUGH"


def test_the_walk_leaves_out_no_root_field() -> None:
    assert set(READS) == set(QUERIES)
    assert set(CHANGES) == set(MUTATIONS)
    assert set(WATCHES) == set(SUBSCRIPTIONS)


def test_every_root_field_says_what_it_needs() -> None:
    roots = [schema.get_type_by_name(name) for name in ("Query", "Mutation", "Subscription")]
    silent = [
        each.python_name
        for root in roots
        for each in root.fields  # type: ignore[union-attr]
        if not any(isinstance(extension, Needs) for extension in each.extensions)
    ]

    assert silent == []


@pytest.mark.parametrize("name", READS)
def test_a_stranger_reads_nothing(small_api: Api, name: str) -> None:
    account_id = make_account(small_api.database)

    error = small_api.error(reading(name), viewer=None, account=acct(account_id))

    assert error["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize("name", sorted(set(READS) - OPERATORS_READS))
@pytest.mark.parametrize("who", EVERYBODY)
def test_every_role_reads(small_api: Api, name: str, who: str) -> None:
    account_id = make_account(small_api.database)

    assert small_api.ask(reading(name), viewer=somebody(who, account_id), account=acct(account_id))


@pytest.mark.parametrize("name", sorted(OPERATORS_READS))
def test_the_operator_alone_reads_across_accounts(small_api: Api, name: str) -> None:
    account_id = make_account(small_api.database)

    assert name in small_api.ask(reading(name), viewer=OPERATOR)
    error = small_api.error(reading(name), viewer=person(Role.ADMIN, account_id))
    assert error["extensions"]["code"] == "FORBIDDEN"


def reading(name: str) -> str:
    """The document of a read."""
    variable = "($account: ID!)" if "$account" in READS[name] else ""
    return f"query Read{variable} {{ {READS[name]} }}"


def begin(api: Api, name: str, account_id: int, viewer: Viewer | None) -> str:
    """Begin to watch, and say what kind of answer came first: an error's code, or LET THROUGH."""
    document = f"subscription Watch($account: ID!) {{ {WATCHES[name]} }}"
    result = api.begin(document, viewer=viewer, account=acct(account_id))
    if result.errors:
        return str((result.errors[0].extensions or {})["code"])
    assert result.data
    return "LET THROUGH"


@pytest.mark.parametrize("name", WATCHES)
def test_a_stranger_watches_nothing(small_api: Api, name: str) -> None:
    assert begin(small_api, name, make_account(small_api.database), None) == "UNAUTHENTICATED"


@pytest.mark.parametrize("name", WATCHES)
@pytest.mark.parametrize("who", EVERYBODY)
def test_every_role_watches(small_api: Api, name: str, who: str) -> None:
    account_id = make_account(small_api.database)

    assert begin(small_api, name, account_id, somebody(who, account_id)) == "LET THROUGH"


@pytest.mark.parametrize("name", WATCHES)
def test_what_another_account_holds_cannot_be_watched_and_does_not_exist(small_api: Api, name: str) -> None:
    account_id, elsewhere = make_account(small_api.database), make_account(small_api.database)

    assert begin(small_api, name, account_id, person(Role.ADMIN, elsewhere)) == "NOT_FOUND"
    assert begin(small_api, name, 7, OPERATOR) == "NOT_FOUND"


@pytest.mark.parametrize("scope", Scope)
def test_a_token_watches_a_balance_if_it_could_ask_for_it(small_api: Api, scope: Scope) -> None:
    account_id = make_account(small_api.database)

    answer = begin(small_api, "balance", account_id, program(account_id, scope))

    may = scope in (Scope.READ, Scope.CALLS, Scope.FUNDS)
    assert answer == ("LET THROUGH" if may else "FORBIDDEN")


@pytest.mark.parametrize("name", CHANGES)
def test_a_stranger_changes_nothing(small_api: Api, name: str) -> None:
    assert attempt(small_api, name, make_test_account(small_api.database), None) == "UNAUTHENTICATED"


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("who", EVERYBODY)
def test_each_role_changes_what_is_its_own_to_change(small_api: Api, name: str, who: str) -> None:
    account_id = make_test_account(small_api.database)

    answer = attempt(small_api, name, account_id, somebody(who, account_id))

    assert answer == ("LET THROUGH" if who in CHANGES[name][1] else "FORBIDDEN")


@pytest.mark.parametrize("name", sorted(set(CHANGES) - OWN))
def test_another_accounts_administrator_does_not_even_learn_that_the_account_exists(small_api: Api, name: str) -> None:
    account_id, elsewhere = make_test_account(small_api.database), make_account(small_api.database)

    answer = attempt(small_api, name, account_id, person(Role.ADMIN, elsewhere))

    assert answer == ("FORBIDDEN" if name in WITHOUT_ACCOUNT else "NOT_FOUND")


@pytest.mark.parametrize("name", CHANGES)
def test_a_token_that_only_reads_changes_nothing(small_api: Api, name: str) -> None:
    account_id = make_test_account(small_api.database)

    assert attempt(small_api, name, account_id, program(account_id, Scope.READ)) == "FORBIDDEN"


@pytest.mark.parametrize("name", sorted(OWN | OPERATORS_OWN))
def test_what_is_a_persons_own_is_closed_to_programs_whatever_their_scopes(small_api: Api, name: str) -> None:
    account_id = make_test_account(small_api.database)

    assert attempt(small_api, name, account_id, program(None, *Scope)) == "FORBIDDEN"


def test_a_program_has_no_sign_in(small_api: Api) -> None:
    assert small_api.ask("{ viewer { signIn { email } } }", viewer=program(None, *Scope)) == {
        "viewer": {"signIn": None}
    }


def test_what_a_viewer_may_not_see_is_null(small_api: Api) -> None:
    account_id, elsewhere = make_account(small_api.database), make_account(small_api.database)
    lot_no = make_lot(small_api.database, account_id)
    charlie = person(Role.ADMIN, elsewhere)
    document = (
        "query See($account: ID!, $lot: ID!)"
        " { account(id: $account) { id } a: node(id: $account) { id } b: node(id: $lot) { id } }"
    )

    seen = small_api.ask(document, viewer=charlie, account=acct(account_id), lot=public_id("lot", account_id, lot_no))

    assert seen == {"account": None, "a": None, "b": None}


def test_a_quote_for_an_account_out_of_sight_says_that_there_is_none(small_api: Api) -> None:
    account_id, elsewhere = make_account(small_api.database), make_account(small_api.database)

    error = small_api.error(reading("quoteCall"), viewer=person(Role.ADMIN, elsewhere), account=acct(account_id))

    assert error["extensions"] == {"code": "NOT_FOUND", "field": ["accountId"]}


def test_only_ones_own_accounts_are_listed(small_api: Api) -> None:
    mine = make_account(small_api.database, name="Mine")
    make_account(small_api.database, name="Other")

    listed = small_api.ask("{ accounts { totalCount nodes { name } } }", viewer=person(Role.VIEWER, mine))

    assert listed["accounts"] == {"totalCount": 1, "nodes": [{"name": "Mine"}]}


def test_a_token_that_only_reports_calls_does_not_read_the_ledger_by_its_payload(small_api: Api) -> None:
    account_id = make_account(small_api.database)
    document = (
        "mutation Try($input: RecordCallsInput!) { recordCalls(input: $input)"
        " { account { balance { available { amount } } ledger { totalCount } } } }"
    )

    error = small_api.error(
        document, viewer=program(account_id, Scope.CALLS), input={"accountId": acct(account_id), "calls": []}
    )

    assert error["path"] == ["recordCalls", "account", "ledger"]
    assert error["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize("name", ["suspendAccount", "reactivateAccount", "closeAccount"])
def test_in_a_live_account_the_operator_alone_says_whether_it_may_be_used(small_api: Api, name: str) -> None:
    account_id = make_account(small_api.database)

    assert attempt(small_api, name, account_id, person(Role.ADMIN, account_id)) == "FORBIDDEN"
    assert attempt(small_api, name, account_id, OPERATOR) == "LET THROUGH"


@pytest.mark.parametrize("name", ["grantCredit", "voidLot", "refundRecharge", "reverseCall"])
def test_in_a_live_account_the_operator_alone_gives_credit_and_takes_it_back(small_api: Api, name: str) -> None:
    account_id = make_account(small_api.database)

    assert attempt(small_api, name, account_id, person(Role.ADMIN, account_id)) == "FORBIDDEN"
    assert attempt(small_api, name, account_id, OPERATOR) == "LET THROUGH"


@pytest.mark.parametrize("values", [{"rateDeck": "cheap"}, {"status": "SUSPENDED"}])
def test_in_a_live_account_the_operator_alone_chooses_the_prices_and_the_status(
    small_api: Api, values: dict[str, Any]
) -> None:
    account_id = make_account(small_api.database)
    document = "mutation Try($input: UpdateAccountInput!) { updateAccount(input: $input) { account { id } } }"

    error = small_api.error(
        document, viewer=person(Role.ADMIN, account_id), input={"accountId": acct(account_id), **values}
    )

    assert error["extensions"]["code"] == "FORBIDDEN"


def test_a_token_of_the_operator_is_held_back_by_its_scopes() -> None:
    token = Viewer("billing system", True, {}, EVERYTHING - {Scope.RATES})

    assert token.may(Scope.FUNDS, 7)
    assert not token.may(Scope.RATES, 7)
