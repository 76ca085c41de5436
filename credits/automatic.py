"""Automatic recharge: the rule that an account sets, and every decision that follows from it, kept with its reason.

One recharge at a time, sized so that the balance reaches the trigger again, within the day's limit (DESIGN,
recharging: automatic). The rule stands still after a card was declined for good, until it is set again by hand or
the account pays in another way.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import timedelta

from credits.instants import local_day, start_of_day
from credits.invoices import over_invoice_limit
from credits.ledger import Journal
from credits.methods import Method, method_of
from credits.money import chargeable_coin_micros
from credits.notices import tell
from credits.recharges import RechargeState, on_its_way, open_automatic, want_canceled, write_down
from db.kinds import (
    AccountStatus,
    DecisionOutcome,
    NoticeKind,
    PauseReason,
    RechargeStatus,
    RechargeStrategy,
    RechargeTrigger,
)
from db.session import Session


@dataclass(frozen=True, slots=True)
class Rule:
    """How an account recharges itself: amounts in micro-units, None while they were never set."""

    enabled: bool = False
    strategy: str = RechargeStrategy.FIXED_AMOUNT
    trigger_micros: int | None = None
    amount_micros: int | None = None
    daily_limit_micros: int | None = None
    method_no: int | None = None
    paused_reason: str | None = None
    paused_at: int | None = None
    recheck_at: int | None = None


_COLUMNS = ", ".join(column.name for column in fields(Rule))


def rule_of(session: Session, account_id: int) -> Rule:
    """The rule of an account; one that was never set is not enabled."""
    found = session.row(f"SELECT {_COLUMNS} FROM auto_recharge WHERE account_id = ?", account_id)
    return Rule() if found is None else Rule(bool(found[0]), *found[1:])


def rules_of(session: Session, account_ids: Sequence[int]) -> dict[int, Rule]:
    """The rules of several accounts; one that never set any is left out."""
    found = session.rows(
        f"SELECT account_id, {_COLUMNS} FROM auto_recharge WHERE {session.among('account_id')}",
        session.listed(account_ids),
    )
    return {account_id: Rule(bool(enabled), *rest) for account_id, enabled, *rest in found}


def amount_to_buy(
    *,
    strategy: str,
    trigger_micros: int,
    amount_micros: int,
    available_micros: int,
    left_today_micros: int,
    least_micros: int,
    coin_micros: int,
) -> int:
    """What one recharge buys when `available_micros` lies below the trigger; 0 when the day's limit leaves too little.

    FIXED_AMOUNT: the smallest multiple of the amount that reaches the trigger, or as many as the limit allows.
    TOP_UP_TO: the gap to the amount, in whole coins, and no less than the least that can be bought.
    """
    assert available_micros < trigger_micros
    if strategy == RechargeStrategy.FIXED_AMOUNT:
        needed = -(-(trigger_micros - available_micros) // amount_micros)
        return min(needed, max(left_today_micros, 0) // amount_micros) * amount_micros
    gap = -(-(amount_micros - available_micros) // coin_micros) * coin_micros
    affordable = min(max(gap, least_micros), left_today_micros // coin_micros * coin_micros)
    return affordable if affordable >= least_micros else 0


def decide(journal: Journal) -> None:
    """The balance is below the trigger: begin a recharge, or keep the reason why not."""
    rule = rule_of(journal.session, journal.account.account_id)
    assert rule.enabled
    outcome, amount_micros, recharge_no = _decision(journal, rule)
    _keep(journal, rule, outcome, amount_micros, recharge_no)


def no_longer_needed(journal: Journal, recharge_no: int) -> bool:
    """Tell whether a declined recharge that waits for its next try has become needless, and keep that decision."""
    rule = rule_of(journal.session, journal.account.account_id)
    if rule.enabled and rule.trigger_micros is not None and journal.available_micros < rule.trigger_micros:
        return False
    _keep(journal, rule, DecisionOutcome.NO_LONGER_NEEDED, None, recharge_no)
    return True


def is_unwanted(journal: Journal, state: RechargeState) -> bool:
    """Tell whether an open automatic recharge is to be given up before the provider is asked for it (again).

    So is what a rule asked for that was switched off or stands still, what another payment method should pay, what a
    suspended account asked for, and a next try that has become needless.
    """
    rule = rule_of(journal.session, journal.account.account_id)
    if not rule.enabled or journal.account.status != AccountStatus.ACTIVE:
        return True
    if state.status == RechargeStatus.ACTION_REQUIRED:
        return False
    if rule.paused_reason is not None or method_in_use(journal.session, journal.account.account_id) != state.method_no:
        return True
    tries_again = state.next_attempt_at is not None and state.next_attempt_at <= journal.now
    return tries_again and no_longer_needed(journal, state.recharge_no)


def pause(journal: Journal, reason: PauseReason, *, told: bool = True) -> None:
    """Let the rule stand still, and say so."""
    paused = journal.session.execute(
        "UPDATE auto_recharge SET paused_reason = ?, paused_at = ? WHERE account_id = ? AND enabled"
        " AND (paused_reason IS NULL OR paused_reason = ?)",
        reason.value, journal.now, journal.account.account_id, PauseReason.ACTION_REQUIRED.value,
    )  # fmt: skip
    if paused and told:
        tell(journal, NoticeKind.AUTO_RECHARGE_PAUSED, reason=reason.value)


def start_again(journal: Journal, *, by_hand: bool = False) -> None:
    """Go on after the account has got another way to pay, or the rule was set by hand: give up what waits for the
    old one, and let the rule count again. A rule that stood still because its own card failed pays with the default."""
    if not by_hand and rule_of(journal.session, journal.account.account_id).paused_reason is not None:
        journal.session.execute(
            "UPDATE auto_recharge SET method_no = NULL WHERE account_id = ?", journal.account.account_id
        )
    _resume(journal)
    waiting = open_automatic(journal.session, journal.account.account_id)
    if waiting is None:
        return
    pays_otherwise = method_in_use(journal.session, journal.account.account_id) != waiting.method_no
    if waiting.stands_still or pays_otherwise:
        want_canceled(journal, waiting.recharge_no)


def give_up(journal: Journal) -> None:
    """Give up what is open, because the rule was switched off."""
    waiting = open_automatic(journal.session, journal.account.account_id)
    if waiting is not None:
        want_canceled(journal, waiting.recharge_no)


def paid(journal: Journal) -> None:
    """An automatic recharge was paid: a rule that stood still until it was confirmed counts again."""
    if rule_of(journal.session, journal.account.account_id).paused_reason == PauseReason.ACTION_REQUIRED:
        _resume(journal)


def method_in_use(session: Session, account_id: int) -> int | None:
    """What automatic recharge pays, or would start again, with: the rule's own payment method while it is there and
    the rule does not stand still, else the default one."""
    rule = rule_of(session, account_id)
    own = rule.method_no if rule.method_no is not None and rule.paused_reason is None else 0
    found = session.row(
        "SELECT method_no FROM payment_method WHERE account_id = ? AND removed_at IS NULL"
        " AND (method_no = ? OR is_default) ORDER BY method_no = ? DESC LIMIT 1",
        account_id, own, own,
    )  # fmt: skip
    return None if found is None else int(found[0])


def daily_limit(rule: Rule, most_recharges: int) -> int:
    """What may be bought in a calendar day of the account: the limit that was set, else so many recharges."""
    assert rule.amount_micros is not None
    return rule.daily_limit_micros or rule.amount_micros * most_recharges


def _resume(journal: Journal) -> None:
    journal.session.execute(
        "UPDATE auto_recharge SET paused_reason = NULL, paused_at = NULL WHERE account_id = ?",
        journal.account.account_id,
    )


def _decision(journal: Journal, rule: Rule) -> tuple[DecisionOutcome, int | None, int | None]:
    """What to do, the amount, and the recharge that it is about."""
    account, session = journal.account, journal.session
    if account.status != AccountStatus.ACTIVE:
        return DecisionOutcome.ACCOUNT_NOT_ACTIVE, None, None
    underway = open_automatic(session, account.account_id)
    if rule.paused_reason is not None:
        return DecisionOutcome.PAUSED, None, underway.recharge_no if underway else None
    if underway is not None:
        return DecisionOutcome.IN_PROGRESS, underway.amount_micros, underway.recharge_no
    assert rule.trigger_micros is not None
    available = journal.available_micros + on_its_way(session, account.account_id)
    if available >= rule.trigger_micros:
        return DecisionOutcome.IN_PROGRESS, None, None
    method_no = method_in_use(session, account.account_id)
    if method_no is None:
        pause(journal, PauseReason.NO_PAYMENT_METHOD)
        return DecisionOutcome.NO_PAYMENT_METHOD, None, None
    method = method_of(session, account.account_id, method_no)
    amount_micros = _amount(journal, rule, available, method)
    if not amount_micros:
        return DecisionOutcome.LIMIT_REACHED, None, None
    return (
        DecisionOutcome.RECHARGED,
        amount_micros,
        write_down(journal, amount_micros, method_no, RechargeTrigger.AUTOMATIC),
    )


def _amount(journal: Journal, rule: Rule, available_micros: int, method: Method) -> int:
    """The amount to buy; when a limit leaves nothing, the account is looked at again tomorrow."""
    account = journal.account
    assert rule.trigger_micros is not None
    assert rule.amount_micros is not None
    today = local_day(journal.now, account.time_zone)
    bought = _bought_since(journal.session, account.account_id, start_of_day(today, account.time_zone))
    amount_micros = amount_to_buy(
        strategy=rule.strategy,
        trigger_micros=rule.trigger_micros,
        amount_micros=rule.amount_micros,
        available_micros=available_micros,
        left_today_micros=daily_limit(rule, journal.terms.daily_recharges) - bought,
        least_micros=journal.terms.minimum_recharge_micros(account.currency),
        coin_micros=chargeable_coin_micros(account.currency, is_card=method.is_card),
    )
    if not method.is_card and over_invoice_limit(journal.session, account, amount_micros, journal.terms):
        amount_micros = 0
    if not amount_micros:
        tomorrow = start_of_day(today + timedelta(days=1), account.time_zone)
        journal.session.execute(
            "UPDATE auto_recharge SET recheck_at = ? WHERE account_id = ?", tomorrow, account.account_id
        )
        journal.schedule(tomorrow)
    return amount_micros


def _bought_since(session: Session, account_id: int, since: int) -> int:
    found = session.row(
        "SELECT coalesce(sum(amount_micros), 0) FROM recharge WHERE account_id = ? AND trigger = 'AUTOMATIC'"
        " AND (status = 'SUCCEEDED' AND completed_at >= ? OR status NOT IN ('SUCCEEDED', 'FAILED', 'CANCELED'))",
        account_id, since,
    )  # fmt: skip
    assert found is not None
    return int(found[0])


def _keep(
    journal: Journal, rule: Rule, outcome: DecisionOutcome, amount_micros: int | None, recharge_no: int | None
) -> None:
    """Write the decision down; the same one again, about the same recharge, is counted."""
    account, session = journal.account, journal.session
    last = session.row(
        "SELECT outcome, recharge_no FROM recharge_decision WHERE account_id = ? AND decision_no = ?",
        account.account_id, account.decision_count,
    )  # fmt: skip
    if last == (outcome.value, recharge_no):
        session.execute(
            "UPDATE recharge_decision SET times = times + 1, repeated_at = ? WHERE account_id = ? AND decision_no = ?",
            journal.now, account.account_id, account.decision_count,
        )  # fmt: skip
        return
    account.decision_count += 1
    session.execute(
        "INSERT INTO recharge_decision (account_id, decision_no, outcome, available_micros, trigger_micros,"
        " amount_micros, recharge_no, decided_at, repeated_at, times) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
        account.account_id, account.decision_count, outcome.value, journal.available_micros,
        rule.trigger_micros or 0, amount_micros, recharge_no, journal.now, journal.now,
    )  # fmt: skip
