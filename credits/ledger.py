"""The ledger: what one transaction posts to one account, gathered and then written at once.

Entries are only ever added. Each carries what it drew from which lot, what it did to the amount owed,
and the book balance after it; always: amount = draws + change of what is owed.

What is promised to calls in progress stays in its lots, held: nobody else can spend it, and it outlives its lot's
expiry until the call has ended (DESIGN, calls in progress).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from credits import accounts
from credits.accounts import AccountState
from credits.lots import LOT_COLUMNS, OpenLot, draw, occasions
from credits.terms import Terms
from db.kinds import EntryKind, LotSource
from db.session import Session
from db.tables import NEVER

LOTS_AT_A_TIME = 64

_ENTRY_COLUMNS = (
    "account_id", "entry_no", "kind", "amount_micros", "owed_change_micros", "balance_after_micros",
    "occurred_at", "posted_at", "call_no", "recharge_no", "note",
)  # fmt: skip
_DRAW_COLUMNS = ("account_id", "entry_no", "lot_no", "amount_micros")
_MOVED_COLUMNS = ("remaining_micros", "held_micros", "is_open")
# A call usually finds all that it needs among so many lots.
LOTS_READ_AHEAD = 4
_STARTS_AT = 4
# Lots of an account that a call reported now could draw on. One past its expiry still serves calls answered before it,
# until the settlement window closes.
_DRAWABLE = "is_open AND starts_at <= ? AND expires_at > ?"

# Micro-units by lot number: what a call holds.
Holds = Mapping[int, int]
# Lots by account, as rows of `LOT_COLUMNS`, in spending order.
LotsRead = Mapping[int, Sequence[Sequence[Any]]]


@dataclass(slots=True)
class Journal:
    """Everything that one transaction posts to one account, whose row is locked.

    `now` is the account's own instant, never before its newest entry: machines' clocks differ a little, and
    entries are posted in order. What lots hold that are not usable at the account's `caught_up_at` is counted apart
    as it moves, so that what is available is known without reading the lots. Nothing reaches the tables before
    `write`, except a new lot.
    """

    session: Session
    account: AccountState
    now: int
    terms: Terms
    _lots: list[OpenLot] = field(default_factory=list)
    _known: dict[int, OpenLot] = field(default_factory=dict)
    _first_with_money: int = 0
    _all_loaded: bool = False
    moved: dict[int, OpenLot] = field(default_factory=dict)
    entries: list[tuple[object, ...]] = field(default_factory=list)
    draws: list[tuple[object, ...]] = field(default_factory=list)

    @property
    def current_micros(self) -> int:
        """What can be spent, or is promised to calls in progress."""
        return self.account.book_balance_micros - self.account.unusable_micros

    @property
    def available_micros(self) -> int:
        """What a new call can spend."""
        return self.current_micros - self.account.reserved_micros

    def schedule(self, at: int) -> None:
        """Have the account looked at again at an instant, or before."""
        self.account.due_at = min(self.account.due_at, at)

    def add_lot(
        self,
        *,
        source: LotSource,
        amount_micros: int,
        starts_at: int,
        expires_at: int = NEVER,
        priority: int = 0,
        recharge_no: int | None = None,
        returned_of: int | None = None,
        note: str = "",
    ) -> int:
        """Grant a lot, write the entry that says so, and let it repay at once what is owed. Returns its number.

        `returned_of` is the recharge whose money comes back in a lot of its own, since its first one is no more.
        """
        assert not self.entries, "funds come in before they are spent"
        self.account.lot_count += 1
        lot_no = self.account.lot_count
        self.session.execute(
            "INSERT INTO lot (account_id, lot_no, source, priority, amount_micros, remaining_micros, is_open,"
            " purchased_at, starts_at, expires_at, recharge_no, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            self.account.account_id, lot_no, source.value, priority, amount_micros, amount_micros, True,
            self.now, starts_at, expires_at, recharge_no, note,
        )  # fmt: skip
        kind = EntryKind.GRANT if source == LotSource.GRANT else EntryKind.FUNDS_ADDED
        lot = OpenLot(lot_no, priority, expires_at, self.now, starts_at, 0)
        self._put_in(
            lot, amount_micros, kind if returned_of is None else EntryKind.REVERSAL,
            recharge_no=recharge_no if returned_of is None else returned_of, note=note,
        )  # fmt: skip
        return lot_no

    def hold(self, amount_micros: int) -> dict[int, int]:
        """Promise an amount, no more than is available, to a call: what each lot holds for it."""
        draws, left = draw(self._spendable(), amount_micros, self.now)
        assert left == 0, "no more is promised than is available"
        for lot, taken in draws:
            self._move(lot, held_micros=taken)
        return {lot.lot_no: taken for lot, taken in draws}

    def release(self, holds: Holds) -> None:
        """Take a promise back. What becomes free repays what is owed, or is forfeited if its time is over."""
        held = self._holding(holds)
        for lot, promised in held:
            self._move(lot, held_micros=-promised)
        self._use_freed(held)

    def charge(self, amount_micros: int, *, used_at: int, call_no: int, holds: Holds | None = None) -> None:
        """Charge a call answered at `used_at`: to what it holds, then to the lots usable when it was answered, then to
        those usable now; the rest is owed. What it holds and does not need becomes free."""
        assert amount_micros > 0
        left, draws, held = amount_micros, list[tuple[OpenLot, int]](), self._holding(holds) if holds else []
        for lot, promised in held:
            taken = min(promised, left)
            self._move(lot, -taken, held_micros=-promised)
            draws.append((lot, taken))
            left -= taken
        for at in (used_at, self.now):
            if left:
                more, left = draw(self._spendable(), left, at)
                for lot, taken in more:
                    self._move(lot, -taken)
                draws += more
        self.account.owed_micros += left
        given = [(lot, -taken) for lot, taken in (_by_lot(draws) if held else draws)]
        self._post(EntryKind.CALL_CHARGE, -amount_micros, given, -left, used_at, call_no=call_no)
        self._use_freed(held)

    def take_all(self, lot: OpenLot, kind: EntryKind, *, occurred_at: int, note: str = "") -> None:
        """Take what is free in one lot, and of no other: its expiry, or its being voided."""
        amount_micros = lot.free_micros
        self._move(lot, -amount_micros)
        self._post(kind, -amount_micros, [(lot, -amount_micros)], 0, occurred_at, note=note)

    def forfeit(self, lot: OpenLot) -> None:
        """Let a lot lose what is free in it, since the time in which it could be spent, and settled, is over."""
        self.take_all(lot, EntryKind.EXPIRY, occurred_at=lot.expires_at)
        self.session.execute(
            "UPDATE lot SET forfeited_at = ? WHERE account_id = ? AND lot_no = ? AND forfeited_at IS NULL",
            self.now, self.account.account_id, lot.lot_no,
        )  # fmt: skip

    def take_back(self, lot: OpenLot, amount_micros: int, *, recharge_no: int, note: str = "") -> None:
        """Take back money that a recharge brought: what its own lot still holds of it, and the rest is owed.

        What is owed is repaid at once by whatever else can be spent now.
        """
        assert amount_micros > 0
        taken = min(lot.free_micros, amount_micros)
        if taken:
            self._move(lot, -taken)
        owed_micros = amount_micros - taken
        self.account.owed_micros += owed_micros
        draws = [(lot, -taken)] if taken else []
        self._post(EntryKind.REFUND, -amount_micros, draws, -owed_micros, self.now, recharge_no=recharge_no, note=note)
        if owed_micros:
            self.write()
            self._forget_lots()
            for other in self._spendable():
                if other.usable(self.now):
                    self.repay_from(other)

    def reverse(self, given: Holds, owed_micros: int, *, call_no: int, note: str) -> None:
        """Give back what a call was charged: to lots, by their numbers, and as owed no more. A lot whose time is over
        loses it again, by an entry that says so."""
        draws = self._holding(given)
        for lot, back in draws:
            self._move(lot, back)
            self._schedule_occasions(lot)
        self.account.owed_micros -= owed_micros
        amount_micros = owed_micros + sum(given.values())
        self._post(EntryKind.REVERSAL, amount_micros, draws, owed_micros, self.now, call_no=call_no, note=note)
        self._use_freed(draws)

    def put_back(self, lot: OpenLot, amount_micros: int, *, recharge_no: int, note: str = "") -> None:
        """Put money back into the lot that it was taken from; what is owed is repaid from there."""
        self._put_in(lot, amount_micros, EntryKind.REVERSAL, recharge_no=recharge_no, note=note)

    def repay_from(self, lot: OpenLot) -> None:
        """Let a lot that has become usable repay what is owed."""
        if not (self.account.owed_micros and lot.free_micros and lot.starts_at <= self.now):
            return
        amount_micros = min(self.account.owed_micros, lot.free_micros)
        self._move(lot, -amount_micros)
        self.account.owed_micros -= amount_micros
        became_usable_at = max(lot.starts_at, lot.purchased_at)
        self._post(EntryKind.ADJUSTMENT, 0, [(lot, -amount_micros)], amount_micros, became_usable_at)

    def lot(self, lot_no: int) -> OpenLot:
        """A lot by its number, wherever it stands in the spending order, and whether or not it still holds money."""
        lot = self._known.get(lot_no)
        if lot is None:
            (row,) = self.session.rows(
                f"SELECT {LOT_COLUMNS} FROM lot WHERE account_id = ? AND lot_no = ?", self.account.account_id, lot_no
            )
            lot = self._known[lot_no] = OpenLot(*row)
        return lot

    def write(self) -> None:
        """Write what was gathered: entries, draws, what the lots still hold, and the account's totals."""
        write_journals(self.session, [self])

    def _put_in(self, lot: OpenLot, amount_micros: int, kind: EntryKind, *, recharge_no: int | None, note: str) -> None:
        self._move(lot, amount_micros)
        self._schedule_occasions(lot)
        self._post(kind, amount_micros, [(lot, amount_micros)], 0, self.now, recharge_no=recharge_no, note=note)
        self.repay_from(lot)
        self.write()
        self._forget_lots()

    def _forget_lots(self) -> None:
        """Read the lots anew when they are next needed: there is one more, or one that holds money again."""
        self._lots, self._known, self._all_loaded, self._first_with_money = [], {}, False, 0

    def _move(self, lot: OpenLot, amount_micros: int = 0, *, held_micros: int = 0) -> None:
        lot.remaining_micros += amount_micros
        lot.held_micros += held_micros
        self.account.reserved_micros += held_micros
        self.moved[lot.lot_no] = lot
        if not lot.usable(self.account.caught_up_at):
            self.account.unusable_micros += amount_micros - held_micros

    def _holding(self, holds: Holds) -> list[tuple[OpenLot, int]]:
        """The lots that hold money for a call, in spending order, each with how much."""
        held = [(self.lot(lot_no), promised) for lot_no, promised in holds.items()]
        return sorted(held, key=lambda pair: pair[0].spending_key)

    def _schedule_occasions(self, lot: OpenLot) -> None:
        """A lot that holds money again is looked at when something happens to it."""
        for at, _ in occasions(lot, self.terms.settlement_window):
            if at > self.account.caught_up_at:
                self.schedule(at)

    def _use_freed(self, held: list[tuple[OpenLot, int]]) -> None:
        """What calls do not hold any more goes where free money of its lot has to go meanwhile: at the instant to which
        the account is caught up, whether or not a worker has come in time."""
        at = self.account.caught_up_at
        for lot, _ in held:
            self._first_with_money = 0
            if not lot.free_micros:
                continue
            if lot.is_voided:
                self.take_all(lot, EntryKind.ADJUSTMENT, occurred_at=self.now)
            elif at >= lot.expires_at + self.terms.settlement_window:
                self.forfeit(lot)
            elif lot.usable(at):
                self.repay_from(lot)

    def _post(
        self,
        kind: EntryKind,
        amount_micros: int,
        draws: list[tuple[OpenLot, int]],
        owed_change_micros: int,
        occurred_at: int,
        *,
        call_no: int | None = None,
        recharge_no: int | None = None,
        note: str = "",
    ) -> None:
        account = self.account
        account.entry_count += 1
        account.last_posted_at = self.now
        account.book_balance_micros += amount_micros
        self.entries.append(
            (account.account_id, account.entry_count, kind.value, amount_micros, owed_change_micros,
             account.book_balance_micros, occurred_at, self.now, call_no, recharge_no, note)
        )  # fmt: skip
        for lot, moved in draws:
            self.draws.append((account.account_id, account.entry_count, lot.lot_no, moved))

    def _spendable(self) -> Iterator[OpenLot]:
        """The lots that a charge may fall on, in spending order, read from the table only as far as they are needed."""
        position = self._skip_empty()
        while True:
            while position < len(self._lots):
                yield self._lots[position]
                position += 1
            if self._all_loaded:
                return
            self._load_more()

    def _skip_empty(self) -> int:
        while self._first_with_money < len(self._lots) and not self._lots[self._first_with_money].free_micros:
            self._first_with_money += 1
        return self._first_with_money

    def _load_more(self) -> None:
        """Read the next lots in spending order that a call reported now could draw on."""
        after = self._lots[-1].spending_key if self._lots else (-(2**62), 0, 0, 0)
        found = self.session.rows(
            f"SELECT {LOT_COLUMNS} FROM lot WHERE account_id = ? AND {_DRAWABLE}"
            " AND (priority, expires_at, purchased_at, lot_no) > (?, ?, ?, ?)"
            " ORDER BY priority, expires_at, purchased_at, lot_no LIMIT ?",
            self.account.account_id, self.now, self.now - self.terms.settlement_window, *after, LOTS_AT_A_TIME,
        )  # fmt: skip
        self._keep(found, all_loaded=len(found) < LOTS_AT_A_TIME)

    def take_in(self, rows: Sequence[Sequence[Any]]) -> None:
        """Take note of the first lots in spending order, as `read_lots` read them; those yet to start are left out."""
        started = [row for row in rows if row[_STARTS_AT] <= self.now]
        self._keep(started, all_loaded=len(rows) < LOTS_READ_AHEAD)

    def _keep(self, rows: Iterable[Sequence[Any]], *, all_loaded: bool) -> None:
        for row in rows:
            self._lots.append(self._known.setdefault(row[0], OpenLot(*row)))
        self._all_loaded = all_loaded


def read_lots(session: Session, account_ids: Sequence[int], now: int, terms: Terms) -> Callable[[], LotsRead]:
    """The first lots in spending order of several accounts, to be fetched later, where the engine reads them all at
    once; where it does not, each account's are read when they are needed."""
    if not session.is_postgresql:
        return dict
    found = session.ask(
        "SELECT account.account_id, lot.* FROM account, LATERAL ("
        f"SELECT {LOT_COLUMNS} FROM lot WHERE lot.account_id = account.account_id AND is_open"
        " AND expires_at > coalesce(account.clock_at, ?) - ?"
        " ORDER BY priority, expires_at, purchased_at, lot_no LIMIT ?) AS lot"
        f" WHERE {session.among('account.account_id')}",
        now, terms.settlement_window, LOTS_READ_AHEAD, session.listed(account_ids),
    )  # fmt: skip

    def grouped() -> LotsRead:
        lots: dict[int, list[Sequence[Any]]] = {account_id: [] for account_id in account_ids}
        for account_id, *row in found():
            lots[account_id].append(row)
        return lots

    return grouped


def write_journals(session: Session, journals: Sequence[Journal]) -> None:
    """Write what several journals gathered, all of a table at once."""
    session.insert("ledger_entry", _ENTRY_COLUMNS, [entry for journal in journals for entry in journal.entries])
    session.insert("draw", _DRAW_COLUMNS, [each for journal in journals for each in journal.draws])
    session.update(
        "lot", ("account_id", "lot_no"), _MOVED_COLUMNS,
        [
            (journal.account.account_id, lot.lot_no, lot.remaining_micros, lot.held_micros, lot.remaining_micros > 0)
            for journal in journals for lot in journal.moved.values()
        ],
    )  # fmt: skip
    accounts.save_totals(session, [journal.account for journal in journals])
    for journal in journals:
        journal.entries, journal.draws, journal.moved = [], [], {}


def open_lots(session: Session, account_id: int, condition: str, *parameters: int) -> list[OpenLot]:
    """The lots of an account that hold money and meet an SQL condition (which may order them)."""
    found = session.rows(
        f"SELECT {LOT_COLUMNS} FROM lot WHERE account_id = ? AND is_open AND {condition}", account_id, *parameters
    )
    return [OpenLot(*row) for row in found]


def _by_lot(draws: list[tuple[OpenLot, int]]) -> list[tuple[OpenLot, int]]:
    """What each lot gave in all; one that gave nothing is left out."""
    given: dict[int, tuple[OpenLot, int]] = {}
    for lot, taken in draws:
        given[lot.lot_no] = (lot, taken + (given[lot.lot_no][1] if lot.lot_no in given else 0))
    return [pair for pair in given.values() if pair[1]]
