"""What users spend: month by month what their calls cost, and what is left of a user's monthly limit."""

from collections import defaultdict

from credits.call_states import CallState
from credits.callers import Caller, UserKey
from db.session import Session


class Spending:
    """The spending of the users of one transaction, of accounts that it has locked."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._spent: defaultdict[tuple[int, int, int], int] = defaultdict(int)
        self._held: defaultdict[UserKey, int] = defaultdict(int)
        self._before: dict[tuple[int, int, int], int] = {}

    def left_micros(self, caller: Caller | None, month: int) -> int | None:
        """What is left of a user's limit in a month, what is promised to calls in progress left out; None: no limit."""
        if caller is None or caller.monthly_limit_micros is None:
            return None
        key = (caller.account_id, caller.user_no, month)
        if key not in self._before:
            spent_micros = spent_in(self._session, caller.account_id, caller.user_no, month)
            self._before[key] = spent_micros + self._held_before(key[:2])
        return caller.monthly_limit_micros - self._before[key] - self._spent[key] - self._held[key[:2]]

    def hold(self, call: CallState, micros: int) -> None:
        """Note that a call holds so much more, or (negative) less."""
        if call.user_no is not None:
            self._held[call.account_id, call.user_no] += micros

    def add(self, call: CallState, month: int, micros: int) -> None:
        """Note what a call cost in a month, or (negative) what it got back."""
        if call.user_no is not None and micros:
            self._spent[call.account_id, call.user_no, month] += micros

    def write(self) -> None:
        """Write what was spent, and what of it came back."""
        spent = [(*key, micros) for key, micros in self._spent.items() if micros > 0]
        if spent:
            self._session.execute_many(
                "INSERT INTO user_month (account_id, user_no, month, spent_micros) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (account_id, user_no, month)"
                " DO UPDATE SET spent_micros = user_month.spent_micros + excluded.spent_micros",
                spent,
            )
        for key, micros in self._spent.items():
            if micros < 0:
                self._take_off(*key, -micros)
        self._spent.clear()

    def _take_off(self, account_id: int, user_no: int, month: int, micros: int) -> None:
        """What came back was spent in its month, or in one beside it: when it was, the account may have been in another
        time zone, where months begin at other instants."""
        for near in (month, month - 1, month + 1):
            back_micros = min(micros, spent_in(self._session, account_id, user_no, near))
            micros -= back_micros
            if back_micros:
                self._session.execute(
                    "UPDATE user_month SET spent_micros = spent_micros - ?"
                    " WHERE account_id = ? AND user_no = ? AND month = ?",
                    back_micros, account_id, user_no, near,
                )  # fmt: skip

    def _held_before(self, user: UserKey) -> int:
        found = self._session.row(
            "SELECT coalesce(sum(held_micros), 0) FROM call WHERE account_id = ? AND user_no = ?"
            " AND status = 'AUTHORIZED'",
            *user,
        )
        assert found is not None
        return int(found[0])


def spent_in(session: Session, account_id: int, user_no: int, month: int) -> int:
    """What a user's calls cost in a month, in micro-units."""
    found = session.row(
        "SELECT spent_micros FROM user_month WHERE account_id = ? AND user_no = ? AND month = ?",
        account_id, user_no, month,
    )  # fmt: skip
    return 0 if found is None else int(found[0])
