"""Calls against a model: any course of authorisations, extensions, settlements, releases and reports, of funds that
come, expire and are taken back, of users whose licences change and price lists that follow each other, must leave
every balance, lot, call and pool as `tests/model` says, answer every message as it does, and leave nothing for the
proof to find.

Each run has two accounts, whose calls are posted together: a TEST account, whose clock does what falls due on its way,
and a LIVE one, whose worker comes when it comes. HYPOTHESIS_PROFILE=long searches longer.
"""

import itertools
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from credits.call_messages import Message
from credits.catalogue import update_plan
from credits.instants import DAY, HOUR, MINUTE, SECOND, instant
from credits.plans import catalogue_of
from credits.publishing import RateDraft, publish_deck
from credits.rating import Tier
from credits.terms import Terms
from db.kinds import AccountMode, ConferenceDialOut, PlanKind, Rounding, Service, UserDialOut
from db.session import Database
from db.tables import NEVER
from tests.books import open_books
from tests.credits.test_ledger_model import search
from tests.factories import NOW, make_agreement
from tests.model.account import Model
from tests.model.twins import Twin, told_in
from tests.model.values import ModelDeck, ModelPlan, ModelRate, ModelUser, Number, Told

TERMS = Terms(usual_minimum_recharge_units=1)

BRITISH = Number("+442079460000", "GB")
GERMAN = Number("+4930123456", "DE")
AMERICAN = Number("+12125550123", "US")
PUERTO_RICAN = Number("+17872345678", "PR")
JAPANESE = Number("+81312345678", "JP")
FRENCH = Number("+33142685300", "FR")
ITALIAN = Number("+390612345678", "IT")
ZIMBABWEAN = Number("+263242700000", "ZW")
PREMIUM = Number("+449098790100", "GB", premium=True)
EMERGENCY = Number("112", emergency=True)
NONSENSE = Number("nobody", possible=False)
NUMBERS = [BRITISH, BRITISH, GERMAN, AMERICAN, PUERTO_RICAN, JAPANESE, FRENCH, ITALIAN, ZIMBABWEAN, PREMIUM, EMERGENCY,
           NONSENSE]  # fmt: skip

BY_SECOND = ModelRate(((0, 60_000_000, 1),))
MINUTE_THEN_SIX = ModelRate(((0, 100_000_000, 60), (60, 70_000_000, 6)), fee_nanos=30_000_000)
FREE_AT_FIRST = ModelRate(((0, 20_000_000, 6),), free_seconds=30)
CAPPED = ModelRate(((0, 300_000_000, 60),), cap_nanos=500_000_000)
FOR_NOTHING = ModelRate(((0, 0, 60),))
BLOCKED = ModelRate(((0, 60_000_000, 60),), blocked=True)
OVERLAPPING = ModelRate(((0, 90_000_000, 45), (60, 33_333_333, 7), (100, 10_000_000, 60)), fee_nanos=1_234_567)
BEGINNING: dict[str, ModelRate] = {
    "44": BY_SECOND, "449": BLOCKED, "49": MINUTE_THEN_SIX, "1": FREE_AT_FIRST, "81": CAPPED, "39": FOR_NOTHING,
    "263": OVERLAPPING,
}  # fmt: skip
# Price lists that follow: one has a rate for what had none, one withdraws, one blocks and unblocks.
FOLLOWING: list[dict[str, ModelRate]] = [
    {**BEGINNING, "33": MINUTE_THEN_SIX, "44": MINUTE_THEN_SIX},
    {"44": OVERLAPPING, "1": CAPPED, "33": BY_SECOND, "39": BY_SECOND},
    {**BEGINNING, "44": BLOCKED, "449": CAPPED, "49": BY_SECOND},
]

# The catalogue, with so few minutes that they are soon used up.
PLANS = {
    "MCOPSTN2": ModelPlan(PlanKind.CALLING_PLAN, domestic=12, domestic_in={"US": 30}, international=7),
    "MCOPSTN5": ModelPlan(PlanKind.CALLING_PLAN, domestic=11),
    "MCOPSTN8": ModelPlan(PlanKind.CALLING_PLAN, domestic=10, pooled=False),
    "MCOPSTNPAYG": ModelPlan(PlanKind.PAY_AS_YOU_GO),
    "MCOMEETADD": ModelPlan(PlanKind.AUDIO_CONFERENCING, conference=6),
    "MCOPSTNPP": ModelPlan(PlanKind.COMMUNICATIONS_CREDITS),
}
CALLING, CREDITS, CONFERENCES = ["MCOPSTN2", "MCOPSTN5", "MCOPSTN8", "MCOPSTNPAYG"], "MCOPSTNPP", "MCOMEETADD"


def cast() -> list[ModelUser]:
    """Those who call, without their licences."""
    return [
        ModelUser(1, "GB"),
        ModelUser(2, "GB"),
        ModelUser(3, "PR"),
        ModelUser(4, "US", limit=400_000),
        ModelUser(5, "US", for_users=UserDialOut.DOMESTIC, for_conferences=ConferenceDialOut.SAME_COUNTRY),
        ModelUser(6, "ZW", limit=70_000, for_conferences=ConferenceDialOut.ZONE_A),
    ]


HELD_AT_FIRST = [
    ["MCOPSTN2", CREDITS], ["MCOPSTN2", CONFERENCES], ["MCOPSTN8", CREDITS, CONFERENCES], ["MCOPSTN8", CREDITS],
    ["MCOPSTN5", CONFERENCES], ["MCOPSTNPAYG", CREDITS, CONFERENCES],
]  # fmt: skip
NOBODY, STRANGER = None, 99

AMOUNTS = st.sampled_from([1_500_000, 60_000, 61_001, 500_000, 5_000_000, 1])
SECONDS = st.sampled_from([1, 6, 30, 59, 60, 61, 126, 400, 720, 1_000, 3_600])
USED = st.sampled_from([0, 1, 5, 30, 31, 60, 61, 300, 600, 1_800, 4_000])
LENGTHS = st.sampled_from([1, MINUTE, 10 * MINUTE, HOUR, DAY, 40 * DAY])
STEPS = st.sampled_from([0, 1, SECOND, MINUTE, 7 * MINUTE, HOUR, DAY, 4 * DAY])
AT_AN_EDGE = DAY
NEARLY = st.sampled_from([-1, 0, 0, 1])
SOME = st.integers(0, 1_000)
ACCOUNT = st.integers(0, 1)
FUNDS = st.sampled_from(["grant", "grant", "grant for the past", "recharge", "refund", "void"])
USERS = st.sampled_from([NOBODY, NOBODY, NOBODY, NOBODY, *[1, 2, 3, 4, 5, 6] * 2, STRANGER])
SERVICES = st.sampled_from([Service.USER_OUT, Service.USER_OUT, Service.USER_OUT, Service.CONFERENCE_OUT])


@dataclass(frozen=True)
class Say:
    """Something that a switch says; `which` finds the call that it says it of."""

    verb: str
    account: int
    which: int
    seconds: int
    used: int = 0
    service: Service = Service.USER_OUT
    number: Number = BRITISH
    user_no: int | None = None
    ago: int | None = None


def saying(*verbs: str) -> st.SearchStrategy[list[Say]]:
    """Some things that switches say, of both accounts."""
    said = st.builds(
        Say,
        verb=st.sampled_from(verbs),
        account=ACCOUNT,
        which=SOME,
        seconds=SECONDS,
        used=USED,
        service=SERVICES,
        number=st.sampled_from(NUMBERS),
        user_no=USERS,
        ago=st.none() | st.none() | st.sampled_from([AT_AN_EDGE, -MINUTE, -10 * MINUTE, 0, SECOND, MINUTE, HOUR]),
    )
    return st.lists(said, min_size=2, max_size=6)


class Course(RuleBasedStateMachine):
    """The lives of two accounts, in one database and under one price list."""

    database: Database
    zone_a: frozenset[str]
    numbers = itertools.count(1)

    twins: list[Twin]
    decks: list[ModelDeck]

    @initialize(
        zone=st.sampled_from(["UTC", "America/New_York", "Asia/Tokyo"]),
        opened_at=st.sampled_from([NOW, instant(datetime.fromisoformat("2026-10-31T23:30:00Z"))]),
        amounts=st.tuples(AMOUNTS, AMOUNTS),
    )
    def open(self, zone: str, opened_at: int, amounts: tuple[int, int]) -> None:
        """Publish what calls cost, and open the accounts, each with its users and a lot."""
        self.deck, self.decks, self.twins = f"deck-{next(self.numbers)}", [], []
        self.publish_at(0, BEGINNING, opened_at)
        for mode, amount in zip((AccountMode.TEST, AccountMode.LIVE), amounts, strict=True):
            own_clock = {"clock_at": opened_at} if mode == AccountMode.TEST else {}
            books = open_books(
                self.database, mode=mode, time_zone=zone, rate_deck=self.deck, terms=TERMS, now=opened_at, **own_clock
            )
            model = Model(ZoneInfo(zone), opened_at, self.decks, PLANS, self.zone_a)
            twin = Twin(books, model, is_live=mode == AccountMode.LIVE)
            make_agreement(self.database, books.account_id, now=opened_at)
            twin.enter(cast(), HELD_AT_FIRST)
            twin.grant(amount)
            self.twins.append(twin)

    @rule(said=saying("authorize", "authorize", "authorize", "again"))
    def calls_begin(self, said: list[Say]) -> None:
        """New calls want to go, old ones are asked about again."""
        self.say(said)

    @rule(said=saying("extend", "extend", "again"))
    def calls_go_on(self, said: list[Say]) -> None:
        """Calls want to go on."""
        self.say(said)

    @rule(said=saying("settle", "settle", "settle", "release", "report again"))
    def calls_end(self, said: list[Say]) -> None:
        """Calls are over."""
        self.say(said)

    @rule(said=saying("report", "report", "report again"))
    def calls_are_reported(self, said: list[Say]) -> None:
        """Calls were made."""
        self.say(said)

    @rule(said=saying("authorize", "authorize", "again", "extend", "settle", "settle", "release", "report again"))
    def all_at_once(self, said: list[Say]) -> None:
        """All of that in one transaction."""
        self.say(said)

    def say(self, said: list[Say]) -> None:
        """Post messages of both accounts together; each is answered as the model says."""
        messages, expected = list[Message](), list[Told]()
        for each in said:
            message, told = self.put(self.twins[each.account], each)
            messages.append(message)
            expected.append(told)

        answers = self.twins[1].books.post(*messages)

        assert [told_in(answer) for answer in answers] == expected

    def put(self, twin: Twin, said: Say) -> tuple[Message, Told]:
        """A message, and what the model makes of it."""
        call, now = twin.a_call(said.which), twin.model.now
        call_id, granted = (call.call_id, call.granted) if call else ("nowhere", None)
        answered_at = None if said.ago is None else now - said.ago
        if said.ago == AT_AN_EDGE:
            answered_at = twin.an_edge(said.which)
        match said.verb:
            case "extend":
                return twin.extend(call_id, said.used, said.seconds)
            case "settle":
                return twin.settle(call_id, granted if granted and said.used in (0, 31) else said.used, answered_at)
            case "release":
                return twin.release(call_id)
            case "again" if call:  # the same, or nearly
                seconds = call.requested if call.requested and said.used >= 5 else said.seconds
                return twin.authorize(call_id, call.service, call.number, call.user_no, seconds)
            case "report again" if call:
                seconds = said.used if said.used >= 1_800 else call.seconds
                user_no = said.user_no if said.used == 600 else call.user_no
                answered_at = call.answered_at if said.ago is None else answered_at
                return twin.report(call_id, call.service, call.number, user_no, seconds, answered_at or now)
            case "report" | "report again":
                seconds = said.used % 1_000  # what nobody authorized soon owes more than there is
                return twin.report(None, said.service, said.number, said.user_no, seconds, answered_at or now)
        return twin.authorize(None, said.service, said.number, said.user_no, said.seconds)

    @rule(account=ACCOUNT, service=SERVICES, number=st.sampled_from(NUMBERS), user_no=USERS, seconds=SECONDS)
    def quote(self, account: int, service: Service, number: Number, user_no: int | None, seconds: int) -> None:
        """A quote says what an authorisation would say."""
        self.twins[account].quote(service, number, user_no, seconds)

    @rule(
        what=FUNDS, account=ACCOUNT, which=SOME, amount=AMOUNTS, priority=st.sampled_from([-1, 0, 0, 1]),
        length=LENGTHS | st.none(), wait=st.none() | STEPS,
    )  # fmt: skip
    def funds(
        self, what: str, account: int, which: int, amount: int, priority: int, length: int | None, wait: int | None
    ) -> None:
        """Funds come, are given back, or are taken back."""
        twin = self.twins[account]
        now = twin.model.now
        match what:
            case "grant":
                ends_at = NEVER if length is None else now + (wait or 0) + length
                twin.grant(amount, None if wait is None else now + wait, ends_at, priority)
            case "grant for the past":
                twin.grant(amount, now - (wait or 0), now + (length or DAY))
            case "recharge":
                twin.recharge(1 + which % 2)
            case "refund":
                twin.refund(which // 2, part=which % 2 == 0)
            case _:
                twin.void(which)

    @rule(account=ACCOUNT, which=SOME, later=st.booleans())
    def corrections(self, account: int, which: int, later: bool) -> None:
        """Charges are taken back, and what had no rate is rated."""
        twin = self.twins[account]
        if later:
            twin.rate_later()
        else:
            twin.reverse(which)

    @rule(account=ACCOUNT, which=SOME, calling=st.sampled_from([*CALLING, None]), others=st.integers(0, 3))
    def license(self, account: int, which: int, calling: str | None, others: int) -> None:
        """Give a user other licences, perhaps while it is calling; without any, it is removed sometimes."""
        wanted = {calling: True, CREDITS: bool(others & 1), CONFERENCES: bool(others & 2)}
        self.twins[account].license(which, [code for code, holds in wanted.items() if code and holds])

    @rule(account=ACCOUNT, rates=st.sampled_from(FOLLOWING), since=st.sampled_from([-MINUTE, 0, HOUR, 2 * DAY]))
    def publish(self, account: int, rates: dict[str, ModelRate], since: int) -> None:
        """Publish a price list that counts soon, now, or has counted for some time."""
        now = self.twins[account].model.now
        self.publish_at(now - since, rates, now)

    def publish_at(self, effective_from: int, rates: dict[str, ModelRate], now: int) -> None:
        """Publish a price list, the same for users and conferences."""
        services, decimals = (Service.USER_OUT, Service.CONFERENCE_OUT), 2 + len(rates) % 5
        both = {(service, prefix): rate for prefix, rate in rates.items() for service in services}
        self.decks.append(ModelDeck(effective_from, decimals, both))
        drafts = [
            RateDraft(
                service, prefix, prefix, blocked=rate.blocked, connect_fee_nanos=rate.fee_nanos,
                tiers=tuple(Tier(*tier) for tier in rate.tiers), free_seconds=rate.free_seconds,
                max_cost_nanos=rate.cap_nanos,
            )
            for (service, prefix), rate in both.items()
        ]  # fmt: skip
        with self.database.transaction() as session:
            publish_deck(
                session, name=self.deck, currency="USD", effective_from=effective_from, decimals=decimals,
                rounding=Rounding.UP, drafts=drafts, now=now,
            )  # fmt: skip

    @rule(account=ACCOUNT, step=STEPS)
    def time_passes(self, account: int, step: int) -> None:
        """Move a clock."""
        twin = self.twins[account]
        twin.move(twin.model.now + step)

    @rule(account=ACCOUNT, which=st.integers(0, 2), nearly=NEARLY, worker=st.booleans())
    def time_passes_to_an_edge(self, account: int, which: int, nearly: int, worker: bool) -> None:
        """Move on to where a lot starts, ends or is forfeited, a reservation lapses, a month ends; give or take a
        microsecond. Perhaps a worker comes by."""
        twin = self.twins[account]
        coming = twin.model.next_edges()[:3]
        twin.move(max(coming[which % len(coming)] + nearly, twin.model.now))
        if worker:
            twin.catch_up()

    @invariant()
    def all_is_as_the_model_says(self) -> None:
        """Of the accounts to which something has happened."""
        for twin in self.twins:
            twin.compare()


def few_minutes(database: Database) -> frozenset[str]:
    """Let the plans of the catalogue give few minutes; the countries of Zone A."""
    with database.transaction() as session:
        catalogue = catalogue_of(session)
        for plan in catalogue.plans.values():
            few = PLANS.get(plan.code)
            if few and few.kind == PlanKind.CALLING_PLAN:
                update_plan(
                    session, plan_id=plan.plan_id, domestic_minutes=few.domestic, domestic_by_country=few.domestic_in,
                    international_minutes=few.international,
                )  # fmt: skip
            elif few and few.kind == PlanKind.AUDIO_CONFERENCING:
                update_plan(session, plan_id=plan.plan_id, conference_minutes=few.conference)
    return catalogue.zone


def live(database: Database, examples: int) -> None:
    """Live many courses of one database."""
    Course.database, Course.zone_a = database, few_minutes(database)
    run_state_machine_as_test(Course, settings=search(examples=examples, steps=40))


def test_any_course_of_calls_on_sqlite_ends_as_the_model_says(sqlite_database: Database) -> None:
    live(sqlite_database, examples=40)


def test_any_course_of_calls_on_postgresql_ends_as_the_model_says(postgresql_database: Database) -> None:
    live(postgresql_database, examples=12)
