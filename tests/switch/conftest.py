"""The program as it is served, and a switch with the configuration that we ship, which asks it about each call."""

import re
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest

from api.clock import now
from credits.ids import public_id
from credits.money import nanos_of
from credits.rating import Tier
from credits.tokens import create_token
from db.kinds import Scope
from db.session import Database
from tests.factories import a_rate, make_account, make_deck, make_lot
from tests.serving import answers, free_port, program, soon
from tests.switch import installed
from tests.switch.kamailio import Kamailio, memory
from tests.switch.telephones import telephone

GERMANY = "+493012345678"
_PATIENCE_SECONDS = 10
_CENT_A_SECOND = (Tier(0, nanos_of(Decimal("0.60")), 1),)
_OUTCOME = """
    balance { current { amount } reserved { amount } }
    ledger(kind: CALL_CHARGE) { nodes { amount { amount } } }
    calls { nodes { to status durationSeconds } }"""


class Outcome(NamedTuple):
    """What has become of an account: the credit left, its calls (number, status, seconds), newest first, what the
    ledger says they cost, and what is still held for them."""

    left: str
    calls: list[tuple[str, str, int | None]]
    charges: tuple[str, ...] = ()
    held: str = "0.00"


@dataclass(frozen=True)
class Office:
    """The program: where it is, its database, and somebody who may look at what it knows."""

    address: str
    database: Database
    client: httpx2.Client

    def account(self, account_id: int, fields: str) -> Any:
        """What the API tells of an account."""
        query = f"query($id: ID!) {{ account(id: $id) {{ {fields} }} }}"
        asked = {"query": query, "variables": {"id": public_id("acct", account_id)}}
        return self.client.post("/graphql", json=asked).json()["data"]["account"]


@dataclass(frozen=True)
class Line:
    """An account whose calls go through a switch to a gateway, where a callee may sit."""

    office: Office
    account_id: int
    switch: Kamailio
    gateway_port: int
    folder: Path

    def call(
        self,
        caller: list[str],
        callee: list[str] | None = None,
        *,
        to: str = GERMANY,
        times: int = 1,
        name: str = "+4930111111",
        call_id: str = "%u-%p@%s",
        meanwhile: Callable[[], None] | None = None,
    ) -> None:
        """Place a call, or so many at once, and wait until both sides have taken their steps; `meanwhile` is done
        after the beginning.

        The caller's `name` and the `call_id` are patterns of SIPp's.
        """
        with ExitStack() as telephones:
            if callee is not None:
                telephones.enter_context(telephone(self.folder, "callee", self.gateway_port, *callee, calls=times))
            port = free_port(socket.SOCK_DGRAM)
            words = ["-s", to, f"127.0.0.1:{self.switch.port}", "-key", "name", name, "-cid_str", call_id]
            telephones.enter_context(telephone(self.folder, "caller", port, *caller, calls=times, words=words))
            if meanwhile is not None:
                meanwhile()

    def comes_to(self, wanted: Outcome) -> Outcome:
        """What has become of calls and money: as soon as it is what is wanted, or as it stands when patience ends."""
        soon(lambda: self._outcome() == wanted, patience_seconds=_PATIENCE_SECONDS)
        return self._outcome()

    def _outcome(self) -> Outcome:
        told = self.office.account(self.account_id, _OUTCOME)
        return Outcome(
            left=told["balance"]["current"]["amount"],
            calls=[(call["to"], call["status"], call["durationSeconds"]) for call in told["calls"]["nodes"]],
            charges=tuple(entry["amount"]["amount"] for entry in told["ledger"]["nodes"]),
            held=told["balance"]["reserved"]["amount"],
        )


MakeLine = Callable[..., Line]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Office]:
    """The program, served by a process of its own, with a price list of a cent for each second to Germany."""
    try:
        installed.kamailio(), installed.tables(), installed.program("sipp")
    except installed.NotInstalled as trouble:
        pytest.fail(str(trouble), pytrace=False)
    folder = tmp_path_factory.mktemp("office")
    shutil.copyfile(sqlite_template, folder / "credits.db")
    database = Database(f"sqlite:///{folder / 'credits.db'}")
    make_deck(database, a_rate("49", tiers=_CENT_A_SECOND))
    with database.transaction() as session:
        token = create_token(session, name="Tests", scopes=[Scope.READ], account_id=None, now=now())
    port = free_port()
    address, headers = f"http://127.0.0.1:{port}", {"Authorization": f"Bearer {token}"}
    with program(folder, database, "serve", "--port", str(port), "--no-worker"):
        assert soon(lambda: answers(address))
        with httpx2.Client(base_url=address, headers=headers) as client:
            yield Office(address, database, client)
    database.close()


@pytest.fixture
def line(office: Office, postgresql_server: str, tmp_path: Path) -> Iterator[MakeLine]:
    """Makes an account with some credit, and a switch for its calls. What the switch complains of fails the test."""
    with ExitStack() as made:

        def make(credit: str = "1.00", api: str | None = None, **defines: int) -> Line:
            account_id, gateway_port = make_account(office.database, now=now()), free_port(socket.SOCK_DGRAM)
            if Decimal(credit):
                make_lot(office.database, account_id, credit, now=now())
            with office.database.transaction() as session:
                token = create_token(session, name="Switch", scopes=[Scope.CALLS], account_id=account_id, now=now())
            settings = {
                "SWITCH_API": f"{api or office.address}/graphql", "SWITCH_TOKEN": token,
                "SWITCH_ACCOUNT": public_id("acct", account_id), "SWITCH_GATEWAY": f"127.0.0.1:{gateway_port}",
            }  # fmt: skip
            remembered = made.enter_context(memory(postgresql_server))
            switch = Kamailio(tmp_path, remembered, settings, {name: str(value) for name, value in defines.items()})
            made.callback(lambda: _without_complaint(switch))
            switch.start()
            return Line(office, account_id, switch, gateway_port, tmp_path)

        yield make


def _without_complaint(switch: Kamailio) -> None:
    """End a switch that has found no fault. What it calls bogus is an ACK that overtakes the answer within itself:
    that harms no call, and happens where telephones answer in no time."""
    switch.kill()
    faults = re.findall(r".* (?:ERROR|CRITICAL|ALERT|BUG): (?!.*(?:bogus|dialog lifetime)).*", switch.log())
    assert faults == []
