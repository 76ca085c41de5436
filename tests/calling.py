"""Users of one account who call: its world of prices, what their calls came to, and what their minutes stand at.

In this world every number has a price: a minute costs 0.60 wherever it goes, sold by the minute.
"""

from dataclasses import dataclass
from typing import Any

from credits.call_messages import CallAnswer, CallReport
from credits.call_states import CallState
from credits.instants import month_of
from credits.licenses import assign_licenses, set_licenses
from credits.plans import catalogue_of
from credits.pools import Pool, read_pools
from db.kinds import LicenseChange, Service
from db.session import Database
from tests.books import Books, open_books
from tests.factories import a_key, a_rate, make_deck, make_user

ABROAD, AT_HOME = "+442079460000", "+12125550123"
ZIMBABWE, PUERTO_RICO, CANADA = "+263242700000", "+17872345678", "+16132345678"


@dataclass
class Callers:
    """The users of an account, who call through one switch."""

    books: Books

    @property
    def database(self) -> Database:
        """Where all of it stands."""
        return self.books.database

    def user(self, *plan_codes: str, **values: Any) -> int:
        """Enter a user in the US with the plans of some codes."""
        return make_user(self.database, self.books.account_id, *plan_codes, **{"now": self.books.now, **values})

    def licenses(self, user_no: int, *plan_codes: str) -> None:
        """Let a user hold these plans and no others."""
        with self.database.transaction() as session:
            set_licenses(
                session, account_id=self.books.account_id, user_no=user_no, plan_codes=plan_codes, now=self.books.now
            )

    def assign(self, change: LicenseChange, user_nos: list[int], *plan_codes: str) -> None:
        """Change the licences of several users at once."""
        with self.database.transaction() as session:
            assign_licenses(
                session, account_id=self.books.account_id, user_nos=user_nos, plan_codes=plan_codes, change=change,
                now=self.books.now,
            )  # fmt: skip

    def asks(self, user_no: int | None, to: str = AT_HOME, seconds: int = 60, **values: Any) -> CallAnswer:
        """A user wants to call: may the call go?"""
        return self.books.authorize(seconds, to_number=to, user_no=user_no, **values)

    def calls(self, user_no: int | None, to: str = AT_HOME, seconds: int = 60, **values: Any) -> CallState:
        """A user has called: the call as it was charged."""
        call_id = a_key()
        chosen = {"answered_at": self.books.now, "user_no": user_no, **values}
        (outcome,) = self.books.record(CallReport(call_id, to, duration_seconds=seconds, **chosen))
        assert outcome.refusal is None, outcome.refusal
        return self.books.call(call_id)

    def pools(self, month: int | None = None) -> list[Pool]:
        """The pools that are written down for a month, the present one unless said otherwise."""
        with self.database.reading() as session:
            chosen = month_of(self.books.now, self.books.account().time_zone) if month is None else month
            condition = "account_id = ? AND month = ? ORDER BY pool_no"
            return read_pools(session, catalogue_of(session), condition, self.books.account_id, chosen)

    def pool(self) -> Pool:
        """The one pool that is written down for the present month."""
        (found,) = self.pools()
        return found


def gather_callers(database: Database, *, amount: int | str = 0, **values: Any) -> Callers:
    """An account with an amount of credit, in a world where every number has a price."""
    make_deck(
        database,
        *(a_rate(str(digit), "0.60", service=service) for digit in range(1, 10) for service in Service),
        decimals=6,
    )  # fmt: skip
    books = open_books(database, **values)
    if amount:
        books.grant(amount)
    return Callers(books)
