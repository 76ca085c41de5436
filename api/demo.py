"""What `credits demo` shows: two organisations and a TEST account, with a year of purchases and calls behind them.

The past is made by the very verbs that make the present, each handed the instant at which it is to have
happened; so the books are proved like any others.
"""

import random
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import phonenumbers

from api.people import create_person
from api.sample import sample_rates
from api.tokens import create_token
from credits.accounts import create_account
from credits.calls import CallReport, record_calls
from credits.clocks import advance_clock
from credits.decks import RateBook
from credits.due import bring_up_to_date
from credits.funds import grant_credit
from credits.instants import DAY, HOUR, MINUTE, SECOND, local_day, moment, start_of_day
from credits.money import MICROS
from credits.payment_methods import add_payment_method
from credits.providers import Providers
from credits.publishing import publish_deck
from credits.recharging import recharge
from credits.terms import Terms
from db.kinds import AccountMode, PaymentMethodKind, Role, Rounding, Scope, Service
from db.session import Database, Session

OPERATOR = "operator@example.com"
ADMIN = "ines@lindgren-howe.example"
PROVIDERS = Providers()
FIRST_DAY = 430
# Days ago, whole units: the oldest has expired with something left, the next expires within days.
PURCHASES = ((425, 180), (361, 220), (200, 100), (90, 150), (20, 100))
# The regions called, by how often.
CALLED = {"US": 4, "GB": 3, "DE": 2, "CA": 2, "IN": 2, "FR": 1, "MX": 1, "JP": 1, "SE": 1, "AU": 1, "BR": 1, "PH": 1}
NO_RATE_NUMBER = "+6907290"  # a place that the sample list leaves out
DESK = "+12125550114"
CONFERENCE_SHARE = 0.12
TOLL_FREE_SHARE = 0.08


@dataclass(frozen=True, slots=True)
class Demo:
    """What was made, and how to get in."""

    lindgren_id: int
    aozora_id: int
    test_id: int
    operator: str
    operator_password: str
    admin: str
    admin_password: str
    token: str


def fill(database: Database, *, now: int, terms: Terms) -> Demo:
    """Fill an empty database with the demonstration, as if it had been in use for over a year until `now`."""
    rates = RateBook()
    _publish(database, now)
    lindgren_id = _lindgren(database, rates, now, terms)
    aozora_id = _aozora(database, rates, now, terms)
    test_id = _test_account(database, rates, now, terms)
    operator_password, admin_password = _password(), _password()
    with database.transaction() as session:
        opened_at = now - FIRST_DAY * DAY
        create_person(session, email=OPERATOR, password=operator_password, is_operator=True, roles={}, now=opened_at)
        roles = {lindgren_id: Role.ADMIN, test_id: Role.ADMIN}
        create_person(session, email=ADMIN, password=admin_password, is_operator=False, roles=roles, now=opened_at)
        token = create_token(session, name="Demonstration", scopes=Scope, account_id=None, now=now)
    return Demo(lindgren_id, aozora_id, test_id, OPERATOR, operator_password, ADMIN, admin_password, token)


def _password() -> str:
    return "-".join(secrets.token_hex(2) for _ in range(3))


def _publish(database: Database, now: int) -> None:
    """A list for each currency from the first day on, and a later one that makes mobiles dearer."""
    for currency, decimals, days_ago, dearer_percent in (
        ("USD", 4, FIRST_DAY, 0), ("JPY", 0, FIRST_DAY, 0), ("USD", 4, 45, 8),
    ):  # fmt: skip
        at = now - days_ago * DAY
        with database.transaction() as session:
            publish_deck(
                session,
                name="standard",
                currency=currency,
                effective_from=at,
                decimals=decimals,
                rounding=Rounding.HALF_UP,
                drafts=sample_rates(currency, dearer_percent=dearer_percent),
                now=at,
            )


def _lindgren(database: Database, rates: RateBook, now: int, terms: Terms) -> int:
    """A LIVE organisation that buys by invoice: a year of lots, a grant, and calls every working day of late."""
    opened_at, zone = now - FIRST_DAY * DAY, "America/New_York"
    with database.transaction() as session:
        account_id = create_account(session, name="Lindgren & Howe", currency="USD", time_zone=zone, now=opened_at)
    _agree(database, account_id, opened_at, order="2025-118")
    calls = _Calls(random.Random(7), caller="+1212555")
    for (bought_days_ago, units), until in zip(PURCHASES, (*(days for days, _ in PURCHASES[1:]), -1), strict=True):
        _buy(database, account_id, units, _morning(now, bought_days_ago, zone), terms)
        with database.transaction() as session:
            for days_ago in range(bought_days_ago, until, -1):
                morning = _morning(now, days_ago, zone)
                reports = list(calls.of_day(morning, _busyness(days_ago, morning), now))
                if days_ago == 60:
                    _thank(session, account_id, morning)
                if days_ago == 3:
                    reports.append(CallReport("lh-unrated-1", NO_RATE_NUMBER, morning + HOUR, 95, from_number=DESK))
                _record(session, rates, account_id, reports, min(morning + 10 * HOUR, now), terms)
    return account_id


def _aozora(database: Database, rates: RateBook, now: int, terms: Terms) -> int:
    """A small organisation in Japan whose balance is nearly gone."""
    zone = "Asia/Tokyo"
    opened_at = _morning(now, 50, zone)
    with database.transaction() as session:
        account_id = create_account(
            session, name="あおぞら設計", currency="JPY", time_zone=zone, region="JP", locale="ja", now=opened_at
        )
    _agree(database, account_id, opened_at, agreement="契約 20418")
    _buy(database, account_id, 5_000, opened_at, terms)
    calls = _Calls(random.Random(11), caller="+81355550", regions={"JP": 4, "KR": 1, "US": 1}, label="az")
    spent_micros = 0
    with database.transaction() as session:
        for days_ago in range(49, 0, -1):
            morning = _morning(now, days_ago, zone)
            if spent_micros < 4_500 * MICROS:
                reports = list(calls.of_day(morning, 8 if _is_working_day(morning) else 0, now))
                spent_micros += _record(session, rates, account_id, reports, min(morning + 10 * HOUR, now), terms)
    return account_id


def _test_account(database: Database, rates: RateBook, now: int, terms: Terms) -> int:
    """A TEST account with a card and a clock of its own, to try what a year brings."""
    yesterday = now - DAY
    with database.transaction() as session:
        account_id = create_account(
            session,
            name="Lindgren & Howe, test",
            currency="USD",
            time_zone="America/New_York",
            mode=AccountMode.TEST,
            clock_at=yesterday,
            now=yesterday,
        )
    add_payment_method(
        database, PROVIDERS, account_id=account_id, kind=PaymentMethodKind.CARD, token="tok_ok", now=yesterday
    )
    _buy(database, account_id, 50, yesterday, terms)
    calls = _Calls(random.Random(3), caller="+1212555", label="test")
    with database.transaction() as session:
        advance_clock(session, account_id=account_id, to=now, now=now, terms=terms)
        _record(session, rates, account_id, list(calls.of_day(now - 9 * HOUR, 6, now)), now, terms)
    return account_id


class _Calls:
    """Believable calls: office hours, many short, few long, now and then a conference or a toll-free caller."""

    def __init__(
        self, chance: random.Random, *, caller: str, regions: dict[str, int] = CALLED, label: str = "lh"
    ) -> None:
        self._chance = chance
        self._caller = caller
        self._regions = list(regions)
        self._weights = list(regions.values())
        self._label = label
        self._made = 0

    def of_day(self, morning: int, count: int, now: int) -> Iterator[CallReport]:
        """So many calls of the eight hours after an instant, in order of time; none that is not over yet."""
        for after in sorted(self._chance.randrange(0, 8 * HOUR, SECOND) for _ in range(count)):
            call = self._call(morning + after)
            if call.answered_at + call.duration_seconds * SECOND < now:
                yield call

    def _call(self, answered_at: int) -> CallReport:
        self._made += 1
        call_id = f"{self._label}-{moment(answered_at):%Y%m%d}-{self._made:04d}"
        seconds = min(3 * 3600, max(4, int(self._chance.lognormvariate(4.7, 1.0))))
        own = f"{self._caller}{self._chance.randrange(100, 130):04d}"
        kind = self._chance.random()
        if self._label == "lh" and kind < TOLL_FREE_SHARE:
            return CallReport(call_id, "+18005550142", answered_at, seconds, Service.TOLL_FREE_IN, self._number("US"))
        to = self._number(*self._chance.choices(self._regions, self._weights))
        if kind < TOLL_FREE_SHARE + CONFERENCE_SHARE:
            return CallReport(call_id, to, answered_at, min(seconds * 6, 5400), Service.CONFERENCE_OUT, own)
        return CallReport(call_id, to, answered_at, seconds, Service.USER_OUT, own)

    def _number(self, region: str) -> str:
        """A number of a region that looks like one there; its last three digits vary."""
        kinds = (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE)
        example = phonenumbers.example_number_for_type(region, self._chance.choice(kinds))
        assert example is not None
        assert example.national_number is not None
        example.national_number = example.national_number // 1000 * 1000 + self._chance.randrange(1000)
        return phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)


def _morning(now: int, days_ago: int, zone: str) -> int:
    """Nine o'clock of a day in a time zone, or `now` before that."""
    return min(start_of_day(local_day(now, zone) - timedelta(days=days_ago), zone) + 9 * HOUR, now)


def _busyness(days_ago: int, morning: int) -> int:
    """How many calls a day has: none at weekends, one a day long ago, many in the last weeks."""
    return (14 if days_ago <= 30 else 1) if _is_working_day(morning) else 0


def _is_working_day(morning: int) -> bool:
    return moment(morning).weekday() < 5


def _agree(
    database: Database, account_id: int, at: int, *, order: str | None = None, agreement: str | None = None
) -> None:
    """An agreement to be invoiced."""
    add_payment_method(
        database,
        PROVIDERS,
        account_id=account_id,
        kind=PaymentMethodKind.INVOICE,
        purchase_order=order,
        agreement_number=agreement,
        now=at,
    )


def _buy(database: Database, account_id: int, units: int, at: int, terms: Terms) -> None:
    recharge(
        database,
        PROVIDERS,
        account_id=account_id,
        amount_micros=units * MICROS,
        idempotency_key=f"demo-{account_id}-{at}",
        now=at,
        terms=terms,
    )


def _thank(session: Session, account_id: int, at: int) -> None:
    """A grant that is spent after what was bought, and gone after three months."""
    grant_credit(
        session,
        account_id=account_id,
        amount_micros=25 * MICROS,
        note="Thanks for your patience during the number move",
        priority=1,
        expires_at=at + 90 * DAY,
        idempotency_key="demo-thanks",
        now=at,
    )


def _record(
    session: Session, rates: RateBook, account_id: int, reports: list[CallReport], at: int, terms: Terms
) -> int:
    """Do what is due, then charge the calls; returns what they cost in micro-units."""
    bring_up_to_date(session, account_id, at - MINUTE, terms)
    outcomes = record_calls(session, rates=rates, account_id=account_id, reports=reports, now=at, terms=terms)
    refused = [outcome.refusal for outcome in outcomes if outcome.refusal is not None]
    assert not refused, f"the demonstration's own calls are right: {refused[0]}"
    return sum(outcome.charge_micros for outcome in outcomes)
