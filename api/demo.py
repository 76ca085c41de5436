"""What `credits demo` shows: two organisations and a TEST account, with a year of purchases and calls behind them.

The past is made by the very verbs that make the present, each handed the instant at which it is to have
happened; so the books are proved like any others.
"""

import random
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import repeat

import phonenumbers

from api import demo_deeds, demo_switch, demo_users
from api.demo_deeds import ADMIN, INES, OPERATOR, ROOT, THE_OPERATOR, by
from api.mail import send_due_notices
from api.sample import sample_rates
from api.worker import Post
from credits.accounts import create_account, update_account
from credits.audit import Actor
from credits.auto_recharge import Wanted, set_auto_recharge
from credits.call_messages import CallReport
from credits.calls import record_calls
from credits.clocks import advance_clock
from credits.decks import RateBook
from credits.due import bring_up_to_date
from credits.funds import grant_credit
from credits.instants import DAY, HOUR, MINUTE, SECOND, local_day, moment, start_of_day
from credits.money import MICROS
from credits.notices import set_low_balance
from credits.payment_methods import add_payment_method
from credits.people import add_role, create_person, find_person
from credits.providers import Providers
from credits.publishing import publish_deck
from credits.recharging import drive, recharge, recharges_due
from credits.terms import Terms
from credits.tokens import create_token
from db.kinds import AccountMode, PaymentMethodKind, Role, Rounding, Scope, Service
from db.session import Database, Session

PROVIDERS = Providers()
FIRST_DAY = 430
# Days ago, whole units: the first has expired with something left, the next expires within days.
PURCHASES = ((425, 180), (361, 220))
# From so many days ago on, automatic recharge took over: below this much, so much is bought.
AUTOMATIC_SINCE, TRIGGER, AMOUNT = 190, 300, 50
# The regions called, by how often.
CALLED = {"US": 4, "GB": 3, "DE": 2, "CA": 2, "IN": 2, "FR": 1, "MX": 1, "JP": 1, "SE": 1, "AU": 1, "BR": 1, "PH": 1}
DEARER_PERCENT = 8
# The organisation's own calls are over by so long ago; since then its switches have started others.
LATELY = 10 * MINUTE
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


def fill(database: Database, *, now: int, terms: Terms, post: Post | None = None) -> Demo:
    """Fill an empty database with the demonstration, as if it had been in use for over a year until `now`; with
    `post`, its mail was sent in its time."""
    rates, made = RateBook(), []
    operator_password, admin_password = _password(), _password()
    opened_at = now - FIRST_DAY * DAY
    for email, password in ((OPERATOR, operator_password), (ADMIN, admin_password)):
        with by(database, ROOT, "createPerson", opened_at).transaction() as session:
            create_person(
                session, email=email, password=password, is_operator=email == OPERATOR, roles={}, now=opened_at
            )
    _publish(database, now)
    for account in (_lindgren, _aozora, _test_account):
        made.append(account(database, rates, now, terms))
        if post is not None:
            _send(database, post, now)
    lindgren_id, aozora_id, test_id = made
    demo_switch.publish_correction(database, dearer_percent=DEARER_PERCENT, now=now)
    demo_deeds.look_in(database, admin_password, now)
    with by(database, ROOT, "createToken", now).transaction() as session:
        token = create_token(session, name="Demonstration", scopes=Scope, account_id=None, now=now)
    return Demo(lindgren_id, aozora_id, test_id, OPERATOR, operator_password, ADMIN, admin_password, token)


def _password() -> str:
    return "-".join(secrets.token_hex(2) for _ in range(3))


def _publish(database: Database, now: int) -> None:
    """A list for each currency from the first day on, and a later one that makes mobiles dearer."""
    for currency, decimals, days_ago, dearer_percent in (
        ("USD", 4, FIRST_DAY, 0), ("JPY", 0, FIRST_DAY, 0), ("USD", 4, 45, DEARER_PERCENT),
    ):  # fmt: skip
        at = now - days_ago * DAY
        with by(database, THE_OPERATOR, "publishRateDeck", at).transaction() as session:
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
    """A LIVE organisation that buys by invoice, of late automatically: a year of lots, a grant, and calls every
    working day, some of them still in progress."""
    opened_at, zone = now - FIRST_DAY * DAY, "America/New_York"
    with by(database, THE_OPERATOR, "createAccount", opened_at).transaction() as session:
        account_id = create_account(session, name="Lindgren & Howe", currency="USD", time_zone=zone, now=opened_at)
    _let_in(database, account_id, opened_at)
    _tell(database, INES, account_id, opened_at, ADMIN, "accounts@lindgren-howe.example")
    _agree(database, INES, account_id, opened_at, order="2025-118")
    calls = _Calls(random.Random(7), caller="+1212555")
    bought, people, lately = dict(PURCHASES), random.Random(5), now - LATELY
    for days_ago in range(PURCHASES[0][0], -1, -1):
        morning = _morning(lately, days_ago, zone)
        evening = min(morning + 10 * HOUR, lately)
        if days_ago in bought:
            _buy(database, INES, account_id, bought[days_ago], morning, terms)
        if days_ago == AUTOMATIC_SINCE:
            _recharge_below(database, account_id, TRIGGER, morning, terms)
        if days_ago == demo_users.SINCE_DAYS:
            demo_users.enter_people(database, account_id, morning)
        reports = list(calls.of_day(morning, _busyness(days_ago, morning), lately))
        if days_ago <= demo_users.SINCE_DAYS and _is_working_day(morning):
            reports += demo_users.calls_of_day(people, morning, evening)
        if days_ago == 3:
            reports += demo_switch.unlucky_reports(morning)
        if days_ago == 60:
            _thank(database, account_id, morning)
        if reports:
            with database.transaction() as session:
                _record(session, rates, account_id, reports, evening, terms)
            _drive(database, account_id, evening, terms)
        if days_ago == 2:
            demo_switch.have_trouble(database, rates, account_id, evening, terms)
    demo_switch.start_calls(database, rates, account_id, now, terms)
    demo_users.start_a_call(database, rates, account_id, now, terms)
    _drive(database, account_id, now, terms)
    return account_id


def _aozora(database: Database, rates: RateBook, now: int, terms: Terms) -> int:
    """A small organisation in Japan whose balance is nearly gone, as its mail has said."""
    zone = "Asia/Tokyo"
    opened_at = _morning(now, 50, zone)
    with by(database, THE_OPERATOR, "createAccount", opened_at).transaction() as session:
        account_id = create_account(
            session, name="あおぞら設計", currency="JPY", time_zone=zone, region="JP", locale="ja", now=opened_at
        )
    _tell(database, THE_OPERATOR, account_id, opened_at, "keiri@aozora-sekkei.example", low_balance=1_000)
    _agree(database, THE_OPERATOR, account_id, opened_at, agreement="契約 20418")
    _buy(database, THE_OPERATOR, account_id, 5_000, opened_at, terms)
    calls = _Calls(random.Random(11), caller="+81355550", regions={"JP": 4, "KR": 1, "US": 1}, label="az")
    spent_micros = 0
    with database.transaction() as session:
        for days_ago in range(49, 0, -1):
            morning = _morning(now, days_ago, zone)
            if spent_micros < 4_500 * MICROS:
                reports = list(calls.of_day(morning, 8 if _is_working_day(morning) else 0, now))
                spent_micros += _record(session, rates, account_id, reports, min(morning + 10 * HOUR, now), terms)
    demo_switch.try_a_call(database, rates, account_id, "az-short-1", demo_switch.SATELLITE, now - MINUTE, terms)
    return account_id


def _test_account(database: Database, rates: RateBook, now: int, terms: Terms) -> int:
    """A TEST account with a clock of its own, whose automatic recharge stood still for a bad card until it got a
    good one."""
    opened_at = now - 12 * DAY
    with by(database, THE_OPERATOR, "createAccount", opened_at).transaction() as session:
        account_id = create_account(
            session,
            name="Lindgren & Howe, test",
            currency="USD",
            time_zone="America/New_York",
            mode=AccountMode.TEST,
            clock_at=opened_at,
            now=opened_at,
        )
    _let_in(database, account_id, opened_at)
    _tell(database, INES, account_id, opened_at, ADMIN)
    paying = by(database, INES, "addPaymentMethod", opened_at, account_id=account_id)
    bad, good = (
        add_payment_method(
            paying, PROVIDERS, account_id=account_id, kind=PaymentMethodKind.CARD, token=token, now=opened_at
        )
        for token in ("tok_declined", "tok_ok")
    )
    _buy(database, INES, account_id, 50, opened_at, terms)
    calls = _Calls(random.Random(3), caller="+1212555", label="test")
    for days_ago, method_no in ((11, bad), (4, good), (0, None)):
        at = now - days_ago * DAY
        with by(database, INES, "advanceClock", at, account_id=account_id).transaction() as session:
            advance_clock(session, account_id=account_id, to=at, now=at, terms=terms)
        with database.transaction() as session:
            _record(session, rates, account_id, list(calls.of_day(at - 9 * HOUR, 6, at)), at, terms)
        if method_no is not None:
            _recharge_below(database, account_id, 50, at, terms, method_no=method_no)
    demo_switch.try_a_call(database, rates, account_id, "test-now-1", "+442079460123", now, terms)
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


def _let_in(database: Database, account_id: int, at: int) -> None:
    """Make Ines the administrator of an account."""
    with by(database, ROOT, "addRole", at, account_id=account_id).transaction() as session:
        ines = find_person(session, ADMIN)
        assert ines is not None
        add_role(session, person_id=ines.person_id, account_id=account_id, role=Role.ADMIN, now=at)


def _tell(
    database: Database, actor: Actor, account_id: int, at: int, *addresses: str, low_balance: int | None = None
) -> None:
    """Say who gets an account's mail, and below which balance."""
    with by(database, actor, "updateAccount", at, account_id=account_id).transaction() as session:
        update_account(session, account_id=account_id, notice_emails=list(addresses))
        if low_balance is not None:
            set_low_balance(session, account_id=account_id, low_balance_micros=low_balance * MICROS, now=at)


def _agree(
    database: Database,
    actor: Actor,
    account_id: int,
    at: int,
    *,
    order: str | None = None,
    agreement: str | None = None,
) -> None:
    """An agreement to be invoiced."""
    add_payment_method(
        by(database, actor, "addPaymentMethod", at, account_id=account_id),
        PROVIDERS,
        account_id=account_id,
        kind=PaymentMethodKind.INVOICE,
        purchase_order=order,
        agreement_number=agreement,
        now=at,
    )


def _buy(database: Database, actor: Actor, account_id: int, units: int, at: int, terms: Terms) -> None:
    recharge(
        by(database, actor, "recharge", at, account_id=account_id),
        PROVIDERS,
        account_id=account_id,
        amount_micros=units * MICROS,
        idempotency_key=f"demo-{account_id}-{at}",
        now=at,
        terms=terms,
    )


def _recharge_below(
    database: Database, account_id: int, trigger: int, at: int, terms: Terms, *, method_no: int | None = None
) -> None:
    """Switch automatic recharge on."""
    wanted = Wanted(True, trigger * MICROS, AMOUNT * MICROS, method_no=method_no)
    with by(database, INES, "setAutoRecharge", at, account_id=account_id).transaction() as session:
        set_auto_recharge(session, account_id=account_id, wanted=wanted, providers=PROVIDERS, now=at, terms=terms)


def _drive(database: Database, account_id: int, at: int, terms: Terms) -> None:
    """Pay for the recharges that are due, as the worker does."""
    with database.reading() as session:
        due = [number for owner, number in recharges_due(session, at) if owner == account_id]
    for recharge_no in due:
        drive(database, PROVIDERS, account_id=account_id, recharge_no=recharge_no, now=at, terms=terms)


def _send(database: Database, post: Post, now: int) -> None:
    """Send the mail of the account that was just filled, each when it was due; a TEST account's is due at once."""
    while True:
        with database.reading() as session:
            (due_at,) = session.row("SELECT min(due_at) FROM notice WHERE due_at <= ?", now) or (None,)
        if due_at is None:
            return
        clock = repeat(due_at or now).__next__
        send_due_notices(database, post.mailer, sender=post.sender, base_url=post.base_url, now=clock)


def _thank(database: Database, account_id: int, at: int) -> None:
    """A grant that is spent after what was bought, and gone after three months."""
    with by(database, THE_OPERATOR, "grantCredit", at, account_id=account_id).transaction() as session:
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
