"""What automatic recharge decided, told in a sentence."""

from credits.language import Money, Sentence, sentence
from db.kinds import DecisionOutcome, PauseReason

_DECISIONS = {
    DecisionOutcome.RECHARGED: sentence("{available} was left, below {trigger}: {amount} was asked for."),
    DecisionOutcome.IN_PROGRESS: sentence(
        "{available} was left, below {trigger}, and a recharge was on its way already."
    ),
    DecisionOutcome.PAUSED: sentence("{available} was left, below {trigger}, but automatic recharge stood still."),
    DecisionOutcome.LIMIT_REACHED: sentence(
        "{available} was left, below {trigger}, but the limit of a day, or of unpaid invoices, allowed no further"
        " recharge. It is looked at again the next day."
    ),
    DecisionOutcome.NO_PAYMENT_METHOD: sentence(
        "{available} was left, below {trigger}, but there was nothing to pay with."
    ),
    DecisionOutcome.ACCOUNT_NOT_ACTIVE: sentence(
        "{available} was left, below {trigger}, but the account was suspended or closed."
    ),
    DecisionOutcome.NO_LONGER_NEEDED: sentence(
        "{available} was available again before a declined card was tried once more, so the recharge was given up."
    ),
}

_PAUSES = {
    PauseReason.DECLINED: sentence("The card was declined four times. Pay in another way, or switch it on again."),
    PauseReason.ACTION_REQUIRED: sentence(
        "The bank wants a payment to be confirmed. Confirm it where it waits, pay otherwise, or switch it on again."
    ),
    PauseReason.DISPUTED: sentence(
        "The payer's bank contests a payment. Pay in another way, or switch it on again when that is settled."
    ),
    PauseReason.NO_PAYMENT_METHOD: sentence("There is nothing to pay with. Add a payment method."),
}


def explain_decision(
    outcome: str, *, available_micros: int, trigger_micros: int, amount_micros: int | None, currency: str
) -> Sentence:
    """A decision with its figures (micro-units)."""
    return Sentence(
        _DECISIONS[DecisionOutcome(outcome)].message,
        {
            "available": Money(available_micros, currency),
            "trigger": Money(trigger_micros, currency),
            "amount": Money(amount_micros or 0, currency),
        },
    )


def explain_pause(reason: str) -> Sentence:
    """Why the rule stands still, and what starts it again."""
    return _PAUSES[PauseReason(reason)]
