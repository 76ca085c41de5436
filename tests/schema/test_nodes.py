"""`node(id:)`: everything that has an id is found by it."""

import pytest

from credits.ids import public_id
from credits.tokens import create_token
from db.kinds import Role, Scope
from tests.factories import NOW, a_rate, make_card, make_deck, make_recharge, make_test_account, make_user
from tests.schema.asking import SDL, Api
from tests.schema.test_calls import a_call, record

KINDS = {
    "acct": "Account", "lot": "Lot", "ent": "LedgerEntry", "rchg": "Recharge", "pm": "PaymentMethod", "call": "Call",
    "deck": "RateDeck", "rate": "Rate", "ntc": "Notice", "user": "User", "plan": "Plan",
    "tok": "Token", "mbr": "Member", "opr": "Operator",
}  # fmt: skip


def numbers(kind: str, account_id: int) -> tuple[int, ...]:
    """The numbers of the first thing of a kind."""
    of_everyone = {"deck": (1,), "rate": (1, 1), "plan": (8,), "tok": (1,), "opr": (1,)}
    return {"acct": (account_id,), **of_everyone}.get(kind, (account_id, 1))


def furnished(api: Api) -> int:
    """An account that has one of everything."""
    make_deck(api.database, a_rate("49"))
    account_id = make_test_account(api.database)
    make_card(api.database, account_id)
    make_recharge(api.database, account_id)
    make_user(api.database, account_id)
    record(api, account_id, a_call())
    with api.database.transaction() as session:
        columns = ("person_id", "email", "password_hash", "is_operator", "created_at")
        session.insert("person", columns, [(1, "ada@example.com", "", True, NOW)])
        session.insert("membership", ("account_id", "person_id", "role"), [(account_id, 1, Role.ADMIN)])
        create_token(session, name="Switch", scopes=[Scope.CALLS], account_id=account_id, now=NOW)
        session.execute("UPDATE token SET token_id = 1")
    return account_id


def test_every_type_with_an_id_is_walked() -> None:
    implementing = {each.name for each in SDL.get_implementations(SDL.type_map["Node"]).objects}  # type: ignore[arg-type]

    assert implementing == set(KINDS.values())


@pytest.mark.parametrize("kind", KINDS)
def test_what_has_an_id_is_found_by_it(api: Api, kind: str) -> None:
    wanted = public_id(kind, *numbers(kind, furnished(api)))

    found = api.ask("query Find($id: ID!) { node(id: $id) { __typename id } }", id=wanted)

    assert found["node"] == {"__typename": KINDS[kind], "id": wanted}


@pytest.mark.parametrize("kind", KINDS)
def test_what_does_not_exist_is_null(api: Api, kind: str) -> None:
    absent = [number + 7 for number in numbers(kind, furnished(api))]

    found = api.ask("query Find($id: ID!) { node(id: $id) { id } }", id=public_id(kind, *absent))

    assert found["node"] is None
