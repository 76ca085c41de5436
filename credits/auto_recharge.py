"""Setting the rule of automatic recharge. What was right when it was set is never judged again."""

from dataclasses import dataclass, replace

from credits import audit, automatic
from credits.accounts import require_open
from credits.automatic import Rule
from credits.consequences import follow
from credits.due import open_journal
from credits.ids import public_id
from credits.language import Money
from credits.ledger import Journal
from credits.money import LARGEST_AMOUNT_MICROS, MICROS, minor_digits, whole_minor_units
from credits.payment_methods import default_method, usable_method
from credits.providers import Providers
from credits.refusals import conflict, invalid
from credits.terms import USUAL_TERMS, Terms
from db.kinds import RechargeStrategy
from db.session import Session


@dataclass(frozen=True, slots=True)
class Wanted:
    """The rule as it is asked for: amounts in micro-units; without a payment method the default one pays."""

    enabled: bool
    trigger_micros: int | None = None
    amount_micros: int | None = None
    strategy: str = RechargeStrategy.FIXED_AMOUNT
    daily_limit_micros: int | None = None
    method_no: int | None = None


def set_auto_recharge(
    session: Session,
    *,
    account_id: int,
    wanted: Wanted,
    providers: Providers,
    dry_run: bool = False,
    now: int,
    terms: Terms = USUAL_TERMS,
) -> Rule:
    """Set the rule, act on it at once where the balance is below its trigger, and return it. A rule that stood still
    starts again. With `dry_run` nothing is set: what is returned, or refused, is what would be.

    Without a trigger and an amount all stays as it was set before, but for being switched on or off.

    Refused: an amount below the minimum or not in whole units, a target below the trigger, a daily limit that buys
    nothing, no way to pay, a closed account.
    """
    journal = open_journal(session, account_id, now, terms)
    require_open(journal.account)
    before = automatic.rule_of(session, account_id)
    trigger = before.trigger_micros if wanted.trigger_micros is None else wanted.trigger_micros
    amount = before.amount_micros if wanted.amount_micros is None else wanted.amount_micros
    if wanted.trigger_micros is None and wanted.amount_micros is None and before.amount_micros is not None:
        wanted = replace(
            wanted, strategy=before.strategy, daily_limit_micros=wanted.daily_limit_micros or before.daily_limit_micros,
            method_no=wanted.method_no or before.method_no,
        )  # fmt: skip
    is_new = (trigger, amount) != (before.trigger_micros, before.amount_micros)
    if is_new or wanted.enabled:
        _check(journal, wanted, trigger, amount, is_new=is_new)
    _check_limit(journal, wanted, amount)
    if wanted.method_no is not None:
        usable_method(session, account_id, wanted.method_no)
    if wanted.enabled:
        _require_a_way_to_pay(journal, wanted, providers)
    if dry_run:
        audit.unchanged(session)
        return Rule(wanted.enabled, str(wanted.strategy), trigger, amount, wanted.daily_limit_micros, wanted.method_no)
    _store(journal, wanted, trigger, amount)
    journal.account.recharge_below_micros = trigger if wanted.enabled else None
    if wanted.enabled:
        automatic.start_again(journal, by_hand=True)
    else:
        automatic.give_up(journal)
    _tell(journal, before)
    follow(journal)
    return automatic.rule_of(session, account_id)


def _tell(journal: Journal, before: Rule) -> None:
    """Let the audit log have the rule as it was, and as it is now."""
    account_id, currency = journal.account.account_id, journal.account.currency
    told = [
        {
            "enabled": rule.enabled,
            "strategy": rule.strategy,
            "trigger": audit.amount(rule.trigger_micros, currency),
            "amount": audit.amount(rule.amount_micros, currency),
            "daily_limit": audit.amount(rule.daily_limit_micros, currency),
            "payment_method_id": None if rule.method_no is None else public_id("pm", account_id, rule.method_no),
            "paused_reason": rule.paused_reason,
        }
        for rule in (before, automatic.rule_of(journal.session, account_id))
    ]
    audit.changed(journal.session, public_id("acct", account_id), *told)


def _store(journal: Journal, wanted: Wanted, trigger_micros: int | None, amount_micros: int | None) -> None:
    account_id, session = journal.account.account_id, journal.session
    columns = {
        "enabled": wanted.enabled,
        "strategy": str(wanted.strategy),
        "trigger_micros": trigger_micros,
        "amount_micros": amount_micros,
        "daily_limit_micros": wanted.daily_limit_micros,
        "method_no": wanted.method_no,
        "recheck_at": None,
    }
    sets = ", ".join(f"{column} = excluded.{column}" for column in columns)
    session.execute(
        f"INSERT INTO auto_recharge (account_id, {', '.join(columns)}) VALUES (?{', ?' * len(columns)})"
        f" ON CONFLICT (account_id) DO UPDATE SET {sets}",
        account_id, *columns.values(),
    )  # fmt: skip
    session.execute(
        "UPDATE account SET recharge_below_micros = ? WHERE account_id = ?",
        trigger_micros if wanted.enabled else None, account_id,
    )  # fmt: skip


def _require_a_way_to_pay(journal: Journal, wanted: Wanted, providers: Providers) -> None:
    session, account = journal.session, journal.account
    if wanted.method_no is None:
        method = default_method(session, account.account_id)
    else:
        method = usable_method(session, account.account_id, wanted.method_no)
    if method.is_card and providers.of(account.mode) is None:
        raise conflict("Cards need a payment provider, and none is set up here.", field=("paymentMethodId",))


def _check(journal: Journal, wanted: Wanted, trigger: int | None, amount: int | None, *, is_new: bool) -> None:
    """Judge the amounts; those that were set before are not judged by the minimum of today."""
    currency = journal.account.currency
    if trigger is None:
        raise invalid("trigger", "Say below which balance to recharge.")
    if amount is None:
        raise invalid("amount", "Say how much to recharge.")
    least = journal.terms.minimum_recharge_micros(currency)
    if not 0 <= trigger <= LARGEST_AMOUNT_MICROS:
        raise invalid("trigger", "A trigger is zero or more.")
    if not whole_minor_units(trigger, currency):
        raise invalid("trigger", "{currency} has no more than {digits} decimals.",
                      currency=currency, digits=minor_digits(currency))  # fmt: skip
    if is_new and amount < least:
        raise invalid("amount", "The least that can be added is {least}.", least=Money(least, currency))
    if amount > LARGEST_AMOUNT_MICROS:
        raise invalid("amount", "This number is too large.")
    if amount % MICROS:
        raise invalid("amount", "Give whole units, without decimals.")
    if wanted.strategy == RechargeStrategy.TOP_UP_TO and amount < trigger:
        raise invalid("amount", "The balance to reach must not lie below the trigger.")


def _check_limit(journal: Journal, wanted: Wanted, amount: int | None) -> None:
    limit, currency = wanted.daily_limit_micros, journal.account.currency
    if limit is None:
        return
    least = journal.terms.minimum_recharge_micros(currency)
    smallest = amount if amount is not None and wanted.strategy == RechargeStrategy.FIXED_AMOUNT else least
    if limit < smallest:
        raise invalid(
            "dailyLimit", "A day's limit must allow one recharge of {amount}.", amount=Money(smallest, currency)
        )
    if limit > LARGEST_AMOUNT_MICROS:
        raise invalid("dailyLimit", "This number is too large.")
