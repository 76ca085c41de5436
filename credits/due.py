"""What time brings about by itself: funds that start and repay what is owed, funds that expire, the notices of that.

Whoever posts to an account first does all that has fallen due in it, in order of time, under the same lock; the
worker does it for those to whom nobody posts. Expiry itself needs nobody: a lot past its expiry is not usable,
from that instant on. What is written for it, once the settlement window has closed, is the bookkeeping.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from credits import accounts
from credits.accounts import AccountState, account_now
from credits.consequences import follow
from credits.instants import DAY
from credits.language import language
from credits.ledger import Journal, LotsRead, open_lots
from credits.lots import Occasion, OpenLot, occasions
from credits.methods import method_of
from credits.notices import tell
from credits.reservations import lapse
from credits.terms import USUAL_TERMS, Terms
from db.kinds import AccountMode, NoticeKind
from db.session import Session
from db.tables import NEVER

_DAYS_LEFT = {Occasion.EXPIRES_IN_30_DAYS: 30, Occasion.EXPIRES_IN_7_DAYS: 7}


@dataclass(frozen=True, slots=True)
class _Due:
    """Something that happens by itself: to a lot, to a card, to a call that nothing is heard of, or (none of these)
    that the balance is looked at again. The lot is as it was when the agenda was drawn up: calls that have ended on
    the way may have given it money back."""

    at: int
    occasion: Occasion | None = None
    lot: OpenLot | None = None
    method_no: int | None = None
    call_no: int | None = None

    @property
    def order(self) -> tuple[int, int, tuple[int, int, int, int]]:
        """One order at one instant: lots as their occasions are ordered and then as they are spent, then the rest."""
        if self.lot is None or self.occasion is None:
            return (self.at, len(Occasion), (0, 0, self.call_no or 0, self.method_no or 0))
        return (self.at, self.occasion, self.lot.spending_key)


def open_journal(session: Session, account_id: int, now: int, terms: Terms) -> Journal:
    """Lock an account, do all that has fallen due in it, and open its journal."""
    return _opened(session, accounts.lock(session, account_id), now, terms)


def open_journals(
    session: Session, locked: Mapping[int, AccountState], lots: LotsRead, now: int, terms: Terms
) -> dict[int, Journal]:
    """Do all that has fallen due in several locked accounts, and open their journals, with the lots that were read of
    them; where something was done meanwhile, they are read anew when they are needed."""
    journals = {}
    for account_id, account in locked.items():
        was_due = is_due(account, now)
        journal = journals[account_id] = _opened(session, account, now, terms)
        if account_id in lots and not was_due:
            journal.take_in(lots[account_id])
    return journals


def is_due(account: AccountState, now: int) -> bool:
    """Tell whether something has fallen due in an account, which whoever posts to it does first."""
    return account.due_at <= _instant_of(account, now)


def _opened(session: Session, account: AccountState, now: int, terms: Terms) -> Journal:
    at = _instant_of(account, now)
    catch_up(session, account, at, terms)
    return Journal(session, account, at, terms)


def _instant_of(account: AccountState, now: int) -> int:
    """The account's instant: never before its newest entry, for machines' clocks differ a little."""
    return max(account_now(account, now), account.last_posted_at, account.caught_up_at)


def bring_up_to_date(session: Session, account_id: int, now: int, terms: Terms = USUAL_TERMS) -> int:
    """Do all that has fallen due in an account by its own instant, in order. Returns how many things that were.

    An account that somebody else has in hand is left to them: they do the same, before they post to it.
    """
    done = 0
    for account in accounts.lock_if_free(session, account_id):
        done += catch_up(session, account, _instant_of(account, now), terms)
    return done


def accounts_with_something_due(session: Session, now: int, limit: int = 500) -> list[int]:
    """The accounts for which `bring_up_to_date` has something to do, the one that waits longest first."""
    found = session.rows(
        "SELECT account_id FROM account WHERE due_at <= ? AND due_at <= coalesce(clock_at, ?)"
        " ORDER BY due_at, account_id LIMIT ?",
        now, now, limit,
    )  # fmt: skip
    return [account_id for (account_id,) in found]


def catch_up(session: Session, account: AccountState, until: int, terms: Terms) -> int:
    """Do all that falls due in a locked account up to an instant, in order. Returns how many things that were.

    What a thing brings about may itself fall due on the way; then the agenda is drawn up anew from there.
    An account that is only to be looked at again has nothing on its agenda.
    """
    done = 0
    while account.due_at <= until:
        agenda = sorted(_agenda(session, account, terms), key=lambda due: due.order)
        passed = [due for due in agenda if due.at <= until]
        for place, due in enumerate(passed):
            account.due_at = agenda[place + 1].at if place + 1 < len(agenda) else NEVER
            account.caught_up_at = due.at
            posted_at = until if account.mode == AccountMode.LIVE else max(due.at, account.last_posted_at)
            _do(Journal(session, account, posted_at, terms), due, until)
            done += 1
            if account.due_at < until and place + 1 < len(passed) and account.due_at < passed[place + 1].at:
                break
        if not passed:  # something about the account was changed: its balance means something else now
            account.due_at = agenda[0].at if agenda else NEVER
            account.caught_up_at = until
            follow(Journal(session, account, until, terms))
            done += 1
    account.caught_up_at = max(account.caught_up_at, until)
    if done:
        accounts.save_totals(session, [account])
    return done


def _agenda(session: Session, account: AccountState, terms: Terms) -> Iterator[_Due]:
    """Everything that will happen by itself after the instant to which the account is caught up."""
    account_id, after = account.account_id, account.caught_up_at
    for lot in open_lots(session, account_id, "1 = 1"):
        for at, occasion in occasions(lot, terms.settlement_window):
            if at > after:
                yield _Due(at, occasion, lot)
    for method_no, at in session.rows(
        "SELECT method_no, warn_at FROM payment_method WHERE account_id = ? AND removed_at IS NULL AND warn_at > ?",
        account_id, after,
    ):  # fmt: skip
        yield _Due(at, method_no=method_no)
    for (at,) in session.rows(
        "SELECT recheck_at FROM auto_recharge WHERE account_id = ? AND enabled AND recheck_at > ?", account_id, after
    ):
        yield _Due(at)
    for call_no, at in session.rows(
        "SELECT call_no, lapses_at FROM call WHERE account_id = ? AND status = 'AUTHORIZED' AND lapses_at > ?",
        account_id, after,
    ):  # fmt: skip
        yield _Due(at, call_no=call_no)


def _do(journal: Journal, due: _Due, until: int) -> None:
    if due.lot is not None and due.occasion is not None:
        _happen(journal, journal.lot(due.lot.lot_no), due.occasion, until)
    elif due.method_no is not None:
        tell_that_card_expires(journal, due.method_no)
    elif due.call_no is not None:
        lapse(journal, due.call_no)
    follow(journal)


def tell_that_card_expires(journal: Journal, method_no: int) -> None:
    """Tell, once, that a card soon expires."""
    card = method_of(journal.session, journal.account.account_id, method_no)
    tell(
        journal,
        NoticeKind.CARD_EXPIRING,
        about=f"card-{card.method_no}",
        method=card.label(language(journal.account.locale)),
        expires_on=card.expires_on,
    )


def _happen(journal: Journal, lot: OpenLot, occasion: Occasion, until: int) -> None:
    """Let a lot start, expire or be forfeited, or tell that it soon will. It may have been spent on the way."""
    if not lot.free_micros:
        return
    match occasion:
        case Occasion.EXPIRES:
            journal.account.unusable_micros += lot.free_micros
            tell(
                journal,
                NoticeKind.LOT_EXPIRED,
                about=f"expiry-{lot.expires_at}",
                amount_micros=_held_until(journal, lot.expires_at),
                expires_at=lot.expires_at,
            )
        case Occasion.IS_FORFEITED:
            journal.forfeit(lot)
        case Occasion.STARTS:
            journal.account.unusable_micros -= lot.free_micros
            journal.repay_from(lot)
        case _ if _is_worth_telling(journal, lot, occasion, until):
            _tell_that_funds_expire(journal, lot, occasion)


def _is_worth_telling(journal: Journal, lot: OpenLot, occasion: Occasion, until: int) -> bool:
    """Who hears late of what happens soon hears it once, and not after it has happened; a TEST account hears it all."""
    if journal.account.mode == AccountMode.TEST:
        return True
    overtaken = occasion == Occasion.EXPIRES_IN_30_DAYS and until >= lot.expires_at - 7 * DAY
    return lot.usable(until) and not overtaken


def _tell_that_funds_expire(journal: Journal, lot: OpenLot, occasion: Occasion) -> None:
    """One notice for all funds that expire at the same instant: it is the day that matters."""
    tell(
        journal,
        NoticeKind.LOT_EXPIRING,
        about=f"expiry-{lot.expires_at}-{_DAYS_LEFT[occasion]}",
        amount_micros=_held_until(journal, lot.expires_at),
        expires_at=lot.expires_at,
        days=-(-(lot.expires_at - journal.now) // DAY),
    )


def _held_until(journal: Journal, expires_at: int) -> int:
    """What the lots hold that expire at an instant."""
    expiring = open_lots(journal.session, journal.account.account_id, "expires_at = ?", expires_at)
    return sum(lot.free_micros for lot in expiring)
