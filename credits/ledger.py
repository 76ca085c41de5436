"""The ledger: what one transaction posts to one account, gathered and then written at once.

Entries are only ever added. Each carries what it drew from which lot, what it did to the amount owed,
and the book balance after it; always: amount = draws + change of what is owed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from credits import accounts
from credits.accounts import AccountState
from credits.lots import OpenLot, draw, occasions
from credits.terms import Terms
from db.kinds import EntryKind, LotSource
from db.session import Session
from db.tables import NEVER

LOTS_AT_A_TIME = 64

_LOT_COLUMNS = "lot_no, priority, expires_at, purchased_at, starts_at, remaining_micros"
_ENTRY_COLUMNS = (
    "account_id", "entry_no", "kind", "amount_micros", "owed_change_micros", "balance_after_micros",
    "occurred_at", "posted_at", "call_no", "recharge_no", "note",
)  # fmt: skip
_DRAW_COLUMNS = ("account_id", "entry_no", "lot_no", "amount_micros")


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
    _first_with_money: int = 0
    _all_loaded: bool = False
    _moved: dict[int, OpenLot] = field(default_factory=dict)
    _entries: list[tuple[object, ...]] = field(default_factory=list)
    _draws: list[tuple[object, ...]] = field(default_factory=list)

    @property
    def available_micros(self) -> int:
        """What a new call can spend."""
        return self.account.book_balance_micros - self.account.unusable_micros

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
        assert not self._entries, "funds come in before they are spent"
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

    def charge(self, amount_micros: int, *, used_at: int, call_no: int) -> None:
        """Charge a call answered at `used_at`: to the lots usable then, to those usable now, the rest is owed."""
        assert amount_micros > 0
        draws, left = draw(self._spendable(), amount_micros, used_at)
        self._take(draws)
        if left and used_at != self.now:
            usable_now, left = draw(self._spendable(), left, self.now)
            self._take(usable_now)
            draws += usable_now
        self.account.owed_micros += left
        given = [(lot, -taken) for lot, taken in draws]
        self._post(EntryKind.CALL_CHARGE, -amount_micros, given, -left, used_at, call_no=call_no)

    def take_all(self, lot: OpenLot, kind: EntryKind, *, occurred_at: int, note: str = "") -> None:
        """Take what is left of one lot, and of no other: its expiry, or its being voided."""
        amount_micros = lot.remaining_micros
        self._move(lot, -amount_micros)
        self._post(kind, -amount_micros, [(lot, -amount_micros)], 0, occurred_at, note=note)

    def take_back(self, lot: OpenLot, amount_micros: int, *, recharge_no: int, note: str = "") -> None:
        """Take back money that a recharge brought: what its own lot still holds of it, and the rest is owed.

        What is owed is repaid at once by whatever else can be spent now.
        """
        assert amount_micros > 0
        taken = min(lot.remaining_micros, amount_micros)
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

    def put_back(self, lot: OpenLot, amount_micros: int, *, recharge_no: int, note: str = "") -> None:
        """Put money back into the lot that it was taken from; what is owed is repaid from there."""
        self._put_in(lot, amount_micros, EntryKind.REVERSAL, recharge_no=recharge_no, note=note)

    def repay_from(self, lot: OpenLot) -> None:
        """Let a lot that has become usable repay what is owed."""
        if not (self.account.owed_micros and lot.remaining_micros and lot.starts_at <= self.now):
            return
        amount_micros = min(self.account.owed_micros, lot.remaining_micros)
        self._move(lot, -amount_micros)
        self.account.owed_micros -= amount_micros
        became_usable_at = max(lot.starts_at, lot.purchased_at)
        self._post(EntryKind.ADJUSTMENT, 0, [(lot, -amount_micros)], amount_micros, became_usable_at)

    def write(self) -> None:
        """Write what was gathered: entries, draws, what the lots still hold, and the account's totals."""
        account_id = self.account.account_id
        self.session.insert("ledger_entry", _ENTRY_COLUMNS, self._entries)
        self.session.insert("draw", _DRAW_COLUMNS, self._draws)
        if self._moved:
            self.session.execute_many(
                "UPDATE lot SET remaining_micros = ?, is_open = ? WHERE account_id = ? AND lot_no = ?",
                [
                    (lot.remaining_micros, lot.remaining_micros > 0, account_id, lot.lot_no)
                    for lot in self._moved.values()
                ],
            )
        accounts.save_totals(self.session, self.account)
        self._entries, self._draws, self._moved = [], [], {}

    def _put_in(self, lot: OpenLot, amount_micros: int, kind: EntryKind, *, recharge_no: int | None, note: str) -> None:
        self._move(lot, amount_micros)
        for at, _ in occasions(lot, self.terms.settlement_window):
            if at > self.account.caught_up_at:
                self.schedule(at)
        self._post(kind, amount_micros, [(lot, amount_micros)], 0, self.now, recharge_no=recharge_no, note=note)
        self.repay_from(lot)
        self.write()
        self._forget_lots()

    def _forget_lots(self) -> None:
        """Read the lots anew when they are next needed: there is one more, or one that holds money again."""
        self._lots, self._all_loaded, self._first_with_money = [], False, 0

    def _take(self, draws: list[tuple[OpenLot, int]]) -> None:
        for lot, taken in draws:
            self._move(lot, -taken)

    def _move(self, lot: OpenLot, amount_micros: int) -> None:
        lot.remaining_micros += amount_micros
        self._moved[lot.lot_no] = lot
        if not lot.usable(self.account.caught_up_at):
            self.account.unusable_micros += amount_micros

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
        self._entries.append(
            (account.account_id, account.entry_count, kind.value, amount_micros, owed_change_micros,
             account.book_balance_micros, occurred_at, self.now, call_no, recharge_no, note)
        )  # fmt: skip
        for lot, moved in draws:
            self._draws.append((account.account_id, account.entry_count, lot.lot_no, moved))

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
        while self._first_with_money < len(self._lots) and not self._lots[self._first_with_money].remaining_micros:
            self._first_with_money += 1
        return self._first_with_money

    def _load_more(self) -> None:
        """Read the next lots in spending order that a call reported now could draw on.

        A lot past its expiry still serves calls answered before it, until the settlement window closes.
        """
        after = self._lots[-1].spending_key if self._lots else (-(2**62), 0, 0, 0)
        found = self.session.rows(
            f"SELECT {_LOT_COLUMNS} FROM lot WHERE account_id = ? AND is_open AND starts_at <= ? AND expires_at > ?"
            " AND (priority, expires_at, purchased_at, lot_no) > (?, ?, ?, ?)"
            " ORDER BY priority, expires_at, purchased_at, lot_no LIMIT ?",
            self.account.account_id, self.now, self.now - self.terms.settlement_window, *after, LOTS_AT_A_TIME,
        )  # fmt: skip
        self._lots += [OpenLot(*row) for row in found]
        self._all_loaded = len(found) < LOTS_AT_A_TIME


def open_lots(session: Session, account_id: int, condition: str, *parameters: int) -> list[OpenLot]:
    """The lots of an account that hold money and meet an SQL condition (which may order them)."""
    found = session.rows(
        f"SELECT {_LOT_COLUMNS} FROM lot WHERE account_id = ? AND is_open AND {condition}", account_id, *parameters
    )
    return [OpenLot(*row) for row in found]
