"""Who may do what, walked over the whole schema: each field that opens something, asked for by each program with one
scope, and by members of another account. What a field needs stands here once more, as a promise."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import GraphQLError, GraphQLObjectType
from strawberry.schema.schema_converter import GraphQLCoreConverter

from credits.accounts import look_up
from credits.ids import public_id
from credits.language import language
from credits.refusals import Refusal
from db.kinds import Role, Scope
from schema.access import Needs, Viewer
from schema.fields import OPEN
from schema.nodes import _of_account
from schema.schema import schema
from tests.factories import make_account, make_test_account
from tests.fuzz.filled import fill
from tests.schema.asking import MUTATIONS, OPERATOR, Api, acct, person, program
from tests.schema.test_access import (
    CHANGES,
    OPERATORS_OWN,
    OPERATORS_READS,
    OWN,
    WATCHES,
    WITHOUT_ACCOUNT,
    attempt,
    begin,
    reading,
)

READ, CALLS, FUNDS, RATES, ADMIN = Scope.READ, Scope.CALLS, Scope.FUNDS, Scope.RATES, Scope.ADMIN
# The root fields for which a program of an account, or of the operator, needs one of some scopes; each alone will do.
NEEDED_BY = {
    (READ,): "node account accounts rateDecks rates plans zoneA",
    tuple(Scope): "viewer " + " ".join(OWN),
    (READ, CALLS): "quoteCall",
    (READ, CALLS, FUNDS): "balance",
    (
        FUNDS,
    ): """openInvoices addPaymentMethod setDefaultPaymentMethod removePaymentMethod startCardSetup finishCardSetup
        setAutoRecharge recharge checkRecharge confirmRecharge cancelRecharge markInvoicePaid refundRecharge grantCredit
        voidLot reverseCall""",
    (CALLS,): "authorizeCall extendCall settleCall releaseCall recordCalls rateCalls",
    (RATES,): "publishRateDeck",
    (
        ADMIN,
    ): """createAccount updateAccount advanceClock resendNotice createPlan updatePlan setZoneA createUser createUsers
        updateUser removeUser setLicenses assignLicenses auditLog auditExport invitations inviteMember inviteOperator
        withdrawInvitation setMemberRole removeMember operators removeOperator tokens createToken revokeToken
        suspendAccount reactivateAccount closeAccount""",
}
NEEDED = {name: set(scopes) for scopes, names in NEEDED_BY.items() for name in names.split()}
ROOTS = ("Query.", "Mutation.", "Subscription.")
# What no program may do, whatever it holds.
FOR_PERSONS = OWN | OPERATORS_OWN
OPERATORS = OPERATORS_READS | {name for name, (_, who) in CHANGES.items() if who == {"operator"}}
# The same for fields of an account, and of what belongs to one, that need more than to have come there.
BELOW_NEEDED_BY = {
    (READ, CALLS, FUNDS): "Account.balance",
    (READ, FUNDS): "Account.autoRecharge Account.rechargeDecisions Account.paymentMethods",
    (READ,): """Account.balanceHistory Account.lots Account.ledger Account.recharges Account.users Account.usersNamed
        Account.minutePools Account.userMinutePools Account.calls Account.usage Account.usageReport Account.statements
        Account.statement Account.noticeEmails Account.noticeRecipients Account.notices Call.entries Viewer.accounts
        Account.statusReason Account.statusChangedAt""",
    (ADMIN,): "Account.auditLog Account.auditExport Account.members Account.invitations Account.tokens",
    tuple(Scope): "Viewer.signIn",
}
NEEDED_BELOW = {name: set(scopes) for scopes, names in BELOW_NEEDED_BY.items() for name in names.split()}
SELECTED = {"usage": "calls", "balanceHistory": "day", "autoRecharge": "enabled", "paymentMethods": "id",
            "usersNamed": "name", "minutePools": "month", "balance": "callsAllowed", "usageReport": "url",
            "statement": "month", "noticeEmails": "", "noticeRecipients": "", "auditExport": "text",
            "invitations": "id", "statusReason": "", "statusChangedAt": ""}  # fmt: skip
PERIOD = '(from: "2026-01-01T00:00:00Z", to: "2026-02-01T00:00:00Z")'
GRANT = 'accountId: $id, amount: "1", description: "x", idempotencyKey: "k"'
GIVEN = {
    "usage": PERIOD,
    "usersNamed": "(names: [])",
    "auditExport": "(form: CSV)",
    "statement": '(month: "2026-03-01")',
}


def fields() -> list[tuple[str, Any]]:
    """Every field of the schema, by type and name, with its declaration."""
    return [
        (f"{kind.name}.{name}", field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF])
        for kind in schema._schema.type_map.values()
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__")
        for name, field in kind.fields.items()
    ]


def needs_of(declared: Any) -> Needs | None:
    """What a field says that it needs."""
    return next((each for each in declared.extensions if isinstance(each, Needs)), None)


def test_every_field_of_the_schema_states_who_may_use_it() -> None:
    """Values that came with their object are as open as that is; whatever is worked out says so, or what it needs."""
    silent = [
        name
        for name, declared in fields()
        if not declared.is_basic_field and needs_of(declared) is None and not declared.metadata.get(OPEN)
    ]

    assert silent == []


def test_the_walk_leaves_out_nothing_and_promises_what_is_declared() -> None:
    declared = {name: needs for name, field in fields() if (needs := needs_of(field)) is not None}
    roots = {name.partition(".")[2]: needs for name, needs in declared.items() if name.startswith(ROOTS)}
    below = {name: needs for name, needs in declared.items() if not name.startswith(ROOTS)}

    assert {name: set(needs.scopes) for name, needs in roots.items()} == NEEDED
    assert {name for name, needs in roots.items() if needs.operator} == OPERATORS
    assert {name for name, needs in roots.items() if needs.person} == FOR_PERSONS
    assert {name: set(needs.scopes) for name, needs in below.items()} == NEEDED_BELOW
    assert [name for name, needs in below.items() if needs.operator] == []


def answer_of(api: Api, name: str, account_id: int, viewer: Viewer | None) -> str:
    """Ask for a root field, and say what kind of answer came: an error's code, or LET THROUGH."""
    if name in CHANGES:
        return attempt(api, name, account_id, viewer)
    if name in WATCHES:
        return begin(api, name, account_id, viewer)
    variables = {"account": acct(account_id)} if "$account" in reading(name) else {}
    errors = api.run(reading(name), viewer=viewer, **variables).errors
    return str((errors[0].extensions or {})["code"]) if errors else "LET THROUGH"


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("name", sorted(NEEDED))
def test_a_token_with_one_scope_does_what_that_scope_is_for(small_api: Api, name: str, scope: Scope) -> None:
    account_id = make_test_account(small_api.database)
    is_for_it = scope in NEEDED[name] and name not in FOR_PERSONS

    of_account = answer_of(small_api, name, account_id, program(account_id, scope))
    of_operator = answer_of(small_api, name, account_id, program(None, scope))

    assert of_account == ("LET THROUGH" if is_for_it and name not in OPERATORS else "FORBIDDEN")
    assert of_operator == ("LET THROUGH" if is_for_it else "FORBIDDEN")


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("name", sorted(name for name in NEEDED_BELOW if name.startswith("Account.")))
def test_a_token_that_comes_to_an_account_by_a_change_sees_there_what_its_scope_is_for(
    small_api: Api, name: str, scope: Scope
) -> None:
    """Every scope but `rates` leads to an account: by asking for it, or as the payload of what it may do."""
    account_id, field = make_test_account(small_api.database), name.partition(".")[2]
    selected = SELECTED.get(field, "totalCount")
    asked = f"{field}{GIVEN.get(field, '')}" + (f" {{ {selected} }}" if selected else "")
    ways = {
        READ: f"account(id: $id) {{ {asked} }}",
        CALLS: f"recordCalls(input: {{accountId: $id, calls: []}}) {{ account {{ {asked} }} }}",
        FUNDS: f"grantCredit(input: {{{GRANT}}}) {{ account {{ {asked} }} }}",
        ADMIN: f'updateAccount(input: {{accountId: $id, name: "x"}}) {{ account {{ {asked} }} }}',
    }
    if scope not in ways:
        return
    kind = "query" if scope == READ else "mutation"

    result = small_api.run(
        f"{kind} ($id: ID!) {{ {ways[scope]} }}", viewer=program(account_id, scope), id=acct(account_id)
    )

    codes = [(error.extensions or {})["code"] for error in result.errors or ()]
    assert codes == ([] if scope in NEEDED_BELOW[name] else ["FORBIDDEN"])


@pytest.mark.parametrize("role", Role)
def test_a_field_of_an_account_asks_for_the_role_in_that_account(small_api: Api, role: Role) -> None:
    """A person's sign-in is good for everything; what they may do is told by their role, account by account."""
    account_id = make_account(small_api.database)
    with small_api.database.reading() as session:
        state = look_up(session, account_id)

    async def opened(*_: Any, **__: Any) -> str:
        return "opened"

    def ask(viewer: Viewer | None) -> str:
        account: Any = SimpleNamespace(state=state)
        info = SimpleNamespace(context=SimpleNamespace(viewer=viewer, language=language("en")))
        return str(asyncio.run(Needs(ADMIN).resolve_async(opened, account, info)))

    if role == Role.ADMIN:
        assert ask(person(role, account_id)) == "opened"
    else:
        with pytest.raises(GraphQLError, match="may not"):
            ask(person(role, account_id))
    with pytest.raises(Refusal):
        ask(person(role, account_id + 1))
    with pytest.raises(GraphQLError, match="Sign in"):
        ask(None)


def test_nothing_of_another_account_is_found_by_its_id(small_api: Api) -> None:
    """The house has something of each kind; the operator finds it all, and another account's administrator nothing."""
    fill(small_api.database)
    found = small_api.ask('{ accounts(search: "Contoso") { nodes { id } } }')["accounts"]["nodes"][0]["id"]
    elsewhere = make_account(small_api.database)
    kinds = sorted(_of_account)
    ids = {kind: found if kind == "acct" else f"{found.replace('acct', kind)}-1" for kind in kinds}
    document = "query Find($id: ID!) { node(id: $id) { __typename } }"

    seen = {kind: small_api.ask(document, id=each)["node"] for kind, each in ids.items()}
    by_charlie = {
        kind: small_api.ask(document, viewer=person(Role.ADMIN, elsewhere), id=each)["node"]
        for kind, each in ids.items()
    }

    assert [kind for kind, node in seen.items() if node is None] == []
    assert by_charlie == dict.fromkeys(kinds)


REFERENCES = [
    (mutation, name)
    for mutation in sorted(CHANGES)
    for name in sorted(CHANGES[mutation][0])
    if name.endswith("Id") and name != "callId" and mutation not in WITHOUT_ACCOUNT
]


@pytest.mark.parametrize(("mutation", "name"), REFERENCES)
def test_what_is_another_accounts_cannot_be_named_in_ones_own(small_api: Api, mutation: str, name: str) -> None:
    known = fill(small_api.database)
    mine = make_test_account(small_api.database)
    theirs = known[name][0] if name in known else public_id("setup", 1, 1)
    values = {**CHANGES[mutation][0], "accountId": acct(mine), name: theirs}
    kind = MUTATIONS[mutation].args["input"].type

    payload = small_api.ask(
        f"mutation Try($input: {kind}) {{ {mutation}(input: $input) {{ errors {{ code field }} }} }}",
        viewer=OPERATOR if mutation in OPERATORS else person(Role.ADMIN, mine), input=values,
    )[mutation]  # fmt: skip

    assert payload["errors"] == [{"code": "NOT_FOUND", "field": ["input", name]}]
