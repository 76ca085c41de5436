"""The house that is fuzzed: a TEST account with something of everything, and names of what is in it for requests to
hit upon."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from graphql import ArgumentNode, IntValueNode, ObjectFieldNode, StringValueNode, Visitor, parse, print_ast, visit
from starlette.testclient import TestClient

from api.app import build_app
from api.settings import Settings
from credits.call_messages import Authorization, CallReport
from credits.calls import post_calls, record_calls
from credits.decks import RateBook
from credits.ids import public_id
from credits.instants import HOUR
from credits.terms import USUAL_TERMS
from credits.tokens import create_token
from db.kinds import Scope
from db.session import Database
from tests.factories import (
    NOW,
    a_rate,
    make_account,
    make_agreement,
    make_card,
    make_deck,
    make_lot,
    make_recharge,
    make_test_account,
    make_user,
)

MIA = (1, "mia@example.com", "", False, NOW)
# How often a value gives way to one that leads somewhere.
DRESSED = 0.85


def fill(database: Database) -> dict[str, list[str]]:
    """Put something of everything into an account, and return what requests may name: by argument, the values."""
    make_account(database, name="Fabrikam")
    number = make_test_account(database, name="Contoso", time_zone="America/New_York")
    make_lot(database, number, 100)
    make_card(database, number)
    make_recharge(database, number, 50)
    make_agreement(database, number)
    make_deck(database, a_rate("49", "0.06"), a_rate("4915", "0.12"), a_rate("1", "0.01"))
    make_user(database, number, "MCOPSTN5", "MCOPSTNPP", name="Mia Chen", user_name="mia")
    with database.transaction() as session:
        reports = [
            CallReport("call-1", "+4930123456", NOW - HOUR, 61),
            CallReport("call-2", "+999123456", NOW - HOUR, 9),
        ]
        record_calls(session, rates=RateBook(), account_id=number, reports=reports, now=NOW)
        post_calls(
            session, [Authorization(number, "call-3", "+4930123456", 600)], rates=RateBook(), now=NOW, terms=USUAL_TERMS
        )
        session.insert("person", ("person_id", "email", "password_hash", "is_operator", "created_at"), [MIA])
        session.insert(
            "membership", ("account_id", "person_id", "role", "joined_at"), [(number, MIA[0], "VIEWER", NOW)]
        )
    kinds = {"accountId": "acct", "paymentMethodId": "pm", "rechargeId": "rchg", "lotId": "lot", "userId": "user",
             "noticeId": "ntc", "userIds": "user", "planId": "plan", "deckId": "deck", "memberId": "mbr",
             "operatorId": "opr", "tokenId": "tok", "invitationId": "inv"}  # fmt: skip
    alone = ("acct", "plan", "deck", "opr", "tok", "inv")
    known = {
        name: [public_id(kind, each) if kind in alone else public_id(kind, number, each) for each in (1, 2)]
        for name, kind in kinds.items()
    }
    known["accountId"] = [public_id("acct", number)]
    every = [each for values in known.values() for each in values]
    return known | {
        "id": [*known["accountId"] * 20, *every, public_id("call", number, 1), public_id("ent", number, 1)],
        "callId": ["call-1", "call-2", "call-3"],
        "to": ["+4930123456", "110", "+14255550100", "tel:+49"],
        "currency": ["USD", "JPY", "ZZZ"],
        "country": ["US", "DE", "XX"],
        "timeZone": ["UTC", "Asia/Tokyo", "Nowhere/Here"],
        "planCodes": ["MCOPSTN5", "MCOMEETADV"],
        "planCode": ["MCOPSTN5"],
        "token": ["tok_ok", "tok_declined", "tok_timeout", "tok_action_required"],
        "amount": ["50", "0.000001", "999999999999999999999", "-1"],
        "prefix": ["49", "4930", "1"],
        "name": ["standard", "Contoso"],
    }


class Dressing(Visitor):
    """Puts values that lead somewhere in the place of made-up ones."""

    def __init__(self, known: dict[str, list[str]], random: Random) -> None:
        super().__init__()
        self._known = known
        self._random = random
        self._names: list[str] = []

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        """Remember under which name what follows stands."""
        self._names.append(node.name.value)

    def leave_argument(self, _node: ArgumentNode, *_: Any) -> None:
        """Forget it."""
        self._names.pop()

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> None:
        """Remember under which name what follows stands."""
        self._names.append(node.name.value)

    def leave_object_field(self, _node: ObjectFieldNode, *_: Any) -> None:
        """Forget it."""
        self._names.pop()

    def enter_string_value(self, _node: StringValueNode, *_: Any) -> StringValueNode | None:
        """Put a known text here, mostly."""
        known = self._known.get(self._names[-1]) if self._names else None
        if known is None or self._random.random() > DRESSED:
            return None
        return StringValueNode(value=self._random.choice(known))

    def enter_int_value(self, _node: IntValueNode, *_: Any) -> IntValueNode | None:
        """Put a small number here, mostly."""
        return IntValueNode(value=str(self._random.randint(0, 90))) if self._random.random() < DRESSED else None


def dressed(text: str, known: dict[str, list[str]], seed: int) -> str:
    """A document in which names lead somewhere."""
    return print_ast(visit(parse(text), Dressing(known, Random(seed))))


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """The house, with what is in it, asked by the operator's program."""

    client: TestClient
    known: dict[str, list[str]]
    token: str

    def ask(self, text: str) -> Any:
        """Send a document, and return the answer."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.client.post("/graphql", json={"query": text}, headers=headers)


@contextmanager
def opened(database: Database, data: Path) -> Iterator[Fuzzed]:
    """The app over a filled database, where no budget ends."""
    known = fill(database)
    with database.transaction() as session:
        token = create_token(session, name="Fuzzer", scopes=tuple(Scope), account_id=None, now=NOW)
    settings = Settings(
        data=data, database_url=database.url, worker=False, cost_per_minute=10**9, calls_cost_per_minute=10**9
    )
    with TestClient(build_app(settings), raise_server_exceptions=False) as client:
        yield Fuzzed(client, known, token)
