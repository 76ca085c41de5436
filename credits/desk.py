"""What one transaction must know to decide about calls of some accounts: looked up for all of them at once."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from credits.accounts import AccountState
from credits.callers import Caller, UserKey, callers_of
from credits.coverage import Coverage, decided_by_user, lacks_license, may_spend, policy_refuses, scope_of
from credits.decks import Deck, RateBook
from credits.instants import month_of
from credits.numbers import ReadNumber, is_premium, read_number
from credits.plans import Catalogue, catalogue_of
from credits.pools import PoolKey, Pools, pool_key
from credits.rating import Rate
from credits.refusals import Refusal
from credits.spending import Spending
from db.kinds import AccountStatus, PlanKind, RefusalReason, Service
from db.session import Session

NOBODY = Catalogue({}, frozenset())
_PLAN_OF = {Service.USER_OUT: PlanKind.CALLING_PLAN, Service.CONFERENCE_OUT: PlanKind.AUDIO_CONFERENCING}


class Rating(NamedTuple):
    """Which rate prices a call. Neither deck nor rate for an emergency number, which costs nothing; `reason`
    says why there is no rate, or why the rate there is may not be called."""

    number: ReadNumber
    deck: Deck | None
    rate: Rate | None
    reason: RefusalReason | None


class Desk:
    """Rates, users, pools and spending, as one transaction sees them."""

    def __init__(self, session: Session, rates: RateBook, users: Iterable[UserKey] = ()) -> None:
        keys = set(users)
        self._session = session
        self._rates = rates
        self._catalogue = catalogue_of(session) if keys else NOBODY
        self._callers: Mapping[UserKey, Caller] = callers_of(session, keys, self._catalogue)
        self.pools = Pools(session, self._catalogue)
        self.spending = Spending(session)

    def caller(self, account_id: int, user_no: int | None) -> Caller | None:
        """The user who calls, if there is one; who was removed is none."""
        known = self.known(account_id, user_no)
        return None if known is None or known.is_removed else known

    def known(self, account_id: int, user_no: int | None) -> Caller | None:
        """The user who calls, or called before it was removed, if there ever was one."""
        return None if user_no is None else self._callers.get((account_id, user_no))

    def read_pools(self, asked: Iterable[tuple[AccountState, str, str, int | None, int]]) -> None:
        """Read at once the pools of some calls: account, service, number, user and instant of each."""
        wanted = []
        for account, service, to, user_no, at in asked:
            caller = self.caller(account.account_id, user_no)
            if caller is not None and decided_by_user(service):
                try:
                    found = self._pool(service, caller, self._read(to, account, user_no), account, at)
                except Refusal:
                    continue  # whoever decides about that call refuses it
                if found is not None:
                    wanted.append((account.account_id, found))
        self.pools.read(wanted)

    def coverage(self, account: AccountState, *, service: str, to: str, user_no: int | None, at: int) -> Coverage:
        """Who would pay for a call answered at an instant, or why it may not go.

        What cannot be a number is refused as INVALID at `to`.
        """
        caller = self.caller(account.account_id, user_no)
        number = self._read(to, account, user_no)
        if number.emergency:
            return Coverage(number, caller=caller)
        _, deck, rate, reason = rate_of_number(
            self._session, rates=self._rates, account=account, service=service, number=number, at=at
        )
        found = Coverage(number, deck, rate, caller)
        if account.status != AccountStatus.ACTIVE:
            found.refusal = RefusalReason.ACCOUNT_NOT_ACTIVE
        elif user_no is not None and caller is None:
            found.refusal = RefusalReason.UNKNOWN_USER
        if caller is not None and decided_by_user(service):
            self._decide_for_user(found, service, caller, account, at)
        if reason == RefusalReason.DESTINATION_BLOCKED:
            found.pool = None
            found.refusal = found.refusal or reason
        elif reason is not None:
            found.no_credit = found.no_credit or reason
        return found

    def number_of(self, account: AccountState, to: str, user_no: int | None) -> str:
        """A number as it is kept: E.164 with its plus, or an emergency number as it was dialled."""
        return written(self._read(to, account, user_no))

    def _decide_for_user(self, found: Coverage, service: str, caller: Caller, account: AccountState, at: int) -> None:
        found.country = found.number.country
        in_zone = found.country in self._catalogue.zone
        if policy_refuses(service, caller, caller.policies(account), found.country, in_zone):
            found.refusal = found.refusal or RefusalReason.POLICY
        if lacks_license(service, caller):
            found.refusal = found.refusal or RefusalReason.USER_NOT_LICENSED
        if not may_spend(caller):
            found.no_credit = RefusalReason.USER_NOT_LICENSED
        opened = self._pool(service, caller, found.number, account, at)
        if opened is not None:
            found.pool = self.pools.of(account, opened)

    def _pool(self, service: str, caller: Caller, number: ReadNumber, account: AccountState, at: int) -> PoolKey | None:
        """The pool whose minutes pay for such a call first; None: there is none."""
        plan = caller.plan(_PLAN_OF[Service(service)])
        if plan is None or number.emergency:
            return None
        country = number.country
        scope = scope_of(
            service, caller, country, in_zone=country in self._catalogue.zone, is_premium=is_premium(number.digits)
        )
        if scope is None or not plan.minutes(scope, caller.home):
            return None
        month = month_of(at, account.time_zone)
        return pool_key(plan, scope, month=month, home=caller.home, user_no=caller.user_no)

    def _read(self, to: str, account: AccountState, user_no: int | None) -> ReadNumber:
        """The number as it is dialled in the account's region; an emergency number also as in the user's country."""
        number = _or_refusal(to, account.region)
        user = self.known(account.account_id, user_no)
        if user is not None and user.country != account.region:
            own = _or_refusal(to, user.country)
            if isinstance(own, ReadNumber) and own.emergency:
                return own
        if isinstance(number, Refusal):
            raise number
        return number


def written(number: ReadNumber) -> str:
    """A number as it is kept: E.164 with its plus, or an emergency number as it was dialled."""
    return number.digits if number.emergency else f"+{number.digits}"


def _or_refusal(to: str, region: str) -> ReadNumber | Refusal:
    try:
        return read_number(to, region)
    except Refusal as refusal:
        return refusal


def rate_of_number(
    session: Session, *, rates: RateBook, account: AccountState, service: str, number: ReadNumber, at: int
) -> Rating:
    """The rate of a call answered at an instant: the longest prefix of the account's deck then in force.

    The number is the far end of a call that goes out, and the service number that was dialled of one that comes in.
    """
    if number.emergency:
        return Rating(number, None, None, None)
    deck = rates.in_force(session, account.rate_deck, account.currency, at)
    rate = None if deck is None else deck.find(service, number.digits)
    if rate is None:
        return Rating(number, deck, None, RefusalReason.NO_RATE)
    return Rating(number, deck, rate, RefusalReason.DESTINATION_BLOCKED if rate.blocked else None)
