"""The usage report as a file: 20 columns that others read, and that come back as the calls that they were."""

import csv
import io
import zipfile
from typing import Any

import pytest

from credits.call_messages import CallOutcome, CallReport
from credits.call_states import CallState
from credits.callers import users_named
from credits.corrections import reverse_call
from credits.files.call_files import CallFile, read_calls
from credits.ids import public_id, read_uuid, uuid_of
from credits.instants import DAY, HOUR, MINUTE, SECOND
from credits.language import language
from credits.refusals import Code, Refusal
from credits.usage_report import COLUMNS, Packing, ReportPart, name_of_report, report_part, report_parts, time_of_calls
from db.kinds import CallStatus, Service
from db.session import Database
from tests.books import Books, open_books
from tests.calling import ABROAD, AT_HOME, PUERTO_RICO, ZIMBABWE, Callers, gather_callers
from tests.factories import NOW, a_rate, make_deck, micros

ALWAYS: dict[str, Any] = {"from_at": 0, "to_at": NOW + DAY}
EMERGENCY, FRANCE, TOLL_FREE = "911", "+33142685300", "+18005550123"
USER_OUT, CONFERENCE_OUT = Service.USER_OUT, Service.CONFERENCE_OUT
TOLL_FREE_IN, CONFERENCE_IN = Service.TOLL_FREE_IN, Service.CONFERENCE_IN
EXACTLY = NOW - 10 * HOUR + 30_414


def export(books: Books, **asked: Any) -> str:
    """The whole report."""
    with books.database.reading() as session:
        return "".join(part.csv for part in report_parts(session, account_id=books.account_id, **{**ALWAYS, **asked}))


def rows(books: Books, **asked: Any) -> list[dict[str, str]]:
    """The report, a row a call, by its columns' names."""
    return list(csv.DictReader(io.StringIO(export(books, **asked), newline="")))


def take_in(books: Books, content: bytes) -> tuple[list[CallOutcome], CallFile]:
    """Import a file into an account, as its importers do."""
    with books.database.reading() as session:
        file = read_calls("report", content, owner=(public_id("acct", books.account_id), "Contoso"))
        file = file.with_users(users_named(session, books.account_id, file.user_names))
    return books.record(*file.calls), file


def calls(books: Books) -> list[CallState]:
    """All calls of an account in the order of their answers."""
    with books.database.reading() as session:
        found = session.rows(
            "SELECT call_id FROM call WHERE account_id = ? ORDER BY answered_at, call_no", books.account_id
        )
    return [books.call(call_id) for (call_id,) in found]


def world(database: Database, **values: Any) -> Callers:
    """An account whose deck has tiers, a connection fee, and no price for France; and two users."""
    callers = gather_callers(database, amount=50, **values)
    make_deck(
        database,
        a_rate("44", "0.05", destination="United Kingdom", country="GB", connect_fee_nanos=20_500_000),
        a_rate("263", "0.30", destination="Zimbabwe", country="ZW"),
        a_rate("1", "0.0123", destination="NANP"),
        a_rate("1800", "0.02", destination="Toll-free", service=TOLL_FREE_IN),
        a_rate("1800", "0.03", destination="Toll-free", service=CONFERENCE_IN),
        a_rate("263", "0.40", destination="Zimbabwe", country="ZW", service=CONFERENCE_OUT),
        a_rate("44", "0.40", destination="UK", country="GB", service=CONFERENCE_OUT),
        name="varied", decimals=6, effective_from=1,
    )  # fmt: skip
    with database.transaction() as session:
        session.execute("UPDATE account SET rate_deck = 'varied' WHERE account_id = ?", callers.books.account_id)
    callers.user("MCOPSTN5", "MCOPSTNPP", "MCOMEETADD", user_name="ann@contoso.example", name='Ann, "EMEA"')
    callers.user("MCOPSTNPP", user_name="bob@contoso.example", name="Bob")
    return callers


def talk(callers: Callers) -> None:
    """A day of calls of every kind: by plan, by credit, by both, free, without a rate, and received."""
    told = [
        (1, AT_HOME, 90, USER_OUT), (1, AT_HOME, 120 * 60, USER_OUT),
        (1, ABROAD, 61, USER_OUT), (2, AT_HOME, 59, USER_OUT), (None, ABROAD, 1, USER_OUT),
        (None, FRANCE, 30, USER_OUT), (None, EMERGENCY, 30, USER_OUT),
        (None, ABROAD, 0, USER_OUT),
        (1, ABROAD, 59 * 60, CONFERENCE_OUT), (1, ABROAD, 600, CONFERENCE_OUT),
        (1, ZIMBABWE, 61, CONFERENCE_OUT), (None, TOLL_FREE, 100, TOLL_FREE_IN),
        (2, TOLL_FREE, 100, CONFERENCE_IN),
    ]  # fmt: skip
    for place, (user_no, to, seconds, service) in enumerate(told):
        callers.calls(
            user_no, to, seconds, service=service, answered_at=EXACTLY + place * MINUTE,
            from_number="+12125550100" if place % 2 else None,
        )  # fmt: skip


def test_the_columns_are_those_that_the_tools_of_others_know(shared_data: Any, database: Database) -> None:
    with (shared_data / "cdr" / "teams_pstn_export_columns.csv").open() as file:
        known = [row["column"] for row in csv.DictReader(file)]

    report = export(open_books(database))

    assert report == ",".join(known) + "\r\n"
    assert list(COLUMNS) == known


def test_a_call_that_credit_paid_tells_all_that_the_file_has_room_for(database: Database) -> None:
    callers = world(database)
    call = callers.calls(1, ABROAD, 61, answered_at=EXACTLY, from_number="+12125550100")

    (row,) = rows(callers.books)

    assert row == {
        "UsageId": uuid_of("call", call.account_id, call.call_no), "Call ID": call.call_id, "Conference ID": "",
        "User Location": "US", "AAD ObjectId": uuid_of("user", call.account_id, 1), "UPN": "ann@contoso.example",
        "User Display Name": 'Ann, "EMEA"', "Caller ID": "+12125550100", "Call Type": "user_out",
        "Number Type": "Subscriber", "Domestic/International": "International", "Destination Dialed": "GB",
        "Destination Number": ABROAD, "Start Time": "2026-10-01T02:00:00.0304140Z",
        "End Time": "2026-10-01T02:01:01.0304140Z", "Duration Seconds": "61", "Connection Fee": "0.0205",
        "Charge": "0.1205", "Currency": "USD", "Capability": "MCOPSTNPP",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("user_no", "to", "seconds", "service", "told"),
    [
        (1, AT_HOME, 90, USER_OUT, "user_out Subscriber Domestic US 0.00 MCOPSTN5"),
        (1, AT_HOME, 7_201, USER_OUT, "user_out Subscriber Domestic US 0.0123 MCOPSTNPP"),
        (1, ABROAD, 60, CONFERENCE_OUT, "conf_out Subscriber International GB 0.00 MCOMEETADD"),
        (None, TOLL_FREE, 60, TOLL_FREE_IN, "user_in TollFree Domestic US 0.02 MCOPSTNPP"),
        (None, TOLL_FREE, 60, CONFERENCE_IN, "conf_in Service Domestic US 0.03 MCOPSTNPP"),
        (None, FRANCE, 60, USER_OUT, "user_out Subscriber International FR 0.00 FREECALL"),
        (None, EMERGENCY, 60, USER_OUT, "emergency_out Subscriber Domestic US 0.00 FREECALL"),
        (None, PUERTO_RICO, 60, USER_OUT, "user_out Subscriber Domestic PR 0.0123 MCOPSTNPP"),
    ],
)
def test_type_place_and_payer_of_a_call(
    database: Database, user_no: int | None, to: str, seconds: int, service: Service, told: str
) -> None:
    callers = world(database)
    callers.calls(user_no, to, seconds, service=service)

    (row,) = rows(callers.books)

    columns = ("Call Type", "Number Type", "Domestic/International", "Destination Dialed", "Charge", "Capability")
    assert " ".join(row[column] for column in columns) == told


def test_only_calls_that_were_made_are_told_and_only_those_of_the_time(books: Books) -> None:
    books.grant(10)
    books.authorize(call_id="goes on")
    books.record(*(CallReport(f"c{at}", "+442079460000", NOW - DAY + at, 1) for at in (-1, 0, MINUTE - 1, MINUTE)))

    told = rows(books, from_at=NOW - DAY, to_at=NOW - DAY + MINUTE)

    assert [row["Call ID"] for row in told] == ["c0", f"c{MINUTE - 1}"]


@pytest.mark.parametrize("most", [1, 2, 3, 12, 13, 14])
def test_the_parts_of_a_report_are_the_report(database: Database, most: int) -> None:
    callers = world(database)
    talk(callers)
    parts, after = list[ReportPart](), None
    with database.reading() as session:
        while not parts or after:
            part = report_part(session, account_id=callers.books.account_id, after=after, most=most, **ALWAYS)
            parts.append(part)
            after = part.after

    assert "".join(part.csv for part in parts) == export(callers.books)
    assert [part.calls for part in parts[:-1]] == [most] * (len(parts) - 1)
    assert sum(part.calls for part in parts) == 13


def test_calls_that_were_answered_at_one_instant_are_each_told_once(books: Books) -> None:
    books.record(*(CallReport(f"c{number}", "+442079460000", NOW - DAY, 1) for number in range(5)))
    with books.database.reading() as session:
        first = report_part(session, account_id=books.account_id, most=3, **ALWAYS)
        second = report_part(session, account_id=books.account_id, most=3, after=first.after, **ALWAYS)

    told = list(csv.DictReader(io.StringIO(first.csv + second.csv, newline="")))

    assert [row["Call ID"] for row in told] == ["c0", "c1", "c2", "c3", "c4"]
    assert len({row["UsageId"] for row in told}) == 5


@pytest.mark.parametrize(("most", "is_refused"), [(0, True), (1, False), (10_000, False), (10_001, True)])
def test_a_part_has_its_limits(books: Books, most: int, is_refused: bool) -> None:
    with books.database.reading() as session:
        if not is_refused:
            assert report_part(session, account_id=books.account_id, most=most, **ALWAYS).after is None
            return
        with pytest.raises(Refusal) as refused:
            report_part(session, account_id=books.account_id, most=most, **ALWAYS)
    assert refused.value.code == Code.INVALID


def test_a_report_is_packed_as_it_is_written(books: Books) -> None:
    packing = Packing("PSTN.calls.2026-10-01_2026-10-01.csv")

    packed = b"".join([packing.put("a,b\r\n"), packing.put("1,二\r\n"), packing.end()])

    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["PSTN.calls.2026-10-01_2026-10-01.csv"]
        assert archive.read(archive.namelist()[0]).decode() == "a,b\r\n1,二\r\n"


def test_what_is_packed_comes_out_while_more_goes_in() -> None:
    packing = Packing("a.csv")

    sizes = [
        len(packing.put("".join(f"{row * 7919 % 10_007},{part}\r\n" for row in range(20_000)))) for part in range(4)
    ]

    assert all(size > 10_000 for size in sizes[1:])


@pytest.mark.parametrize(
    ("to_at", "zone", "name"),
    [
        (NOW + DAY, "UTC", "PSTN.calls.2026-10-01_2026-10-02.csv"),
        (NOW + 12 * 60 * MINUTE, "UTC", "PSTN.calls.2026-10-01_2026-10-01.csv"),
        (NOW + 12 * 60 * MINUTE, "Asia/Tokyo", "PSTN.calls.2026-10-01_2026-10-02.csv"),
        (NOW, "UTC", "PSTN.calls.2026-10-01_2026-10-01.csv"),
    ],
)
def test_a_report_is_named_by_its_first_and_last_day(to_at: int, zone: str, name: str) -> None:
    assert name_of_report(NOW, to_at, zone) == name


def test_all_calls_are_within_the_time_of_the_calls(books: Books) -> None:
    with books.database.reading() as session:
        assert time_of_calls(session, books.account_id) == (0, 1)
    books.record(CallReport("a", "+442079460000", NOW - DAY, 60), CallReport("b", "+442079460000", NOW, 60))

    with books.database.reading() as session:
        first, last = time_of_calls(session, books.account_id)

    assert [row["Call ID"] for row in rows(books, from_at=first, to_at=last)] == ["a", "b"]


def test_what_one_account_exports_another_is_charged_the_same_for(database: Database) -> None:
    ours, theirs = world(database), world(database)
    talk(ours)

    outcomes, file = take_in(theirs.books, export(ours.books).encode())

    assert [outcome.refusal for outcome in outcomes] == [None] * 12
    assert [row.number for row in file.skipped] == [8]  # the emergency call
    expected = [call for call in calls(ours.books) if call.to_number != EMERGENCY]
    shown = ("call_id", "service", "status", "from_number", "to_number", "answered_at", "duration_seconds",
             "plan_seconds", "charge_micros", "user_no", "country", "pool_no")  # fmt: skip
    assert [[getattr(call, name) for name in shown] for call in calls(theirs.books)] == [
        [getattr(call, name) for name in shown] for call in expected
    ]
    assert sum(call.plan_seconds for call in expected) > 0
    assert theirs.books.balance().current_micros == ours.books.balance().current_micros
    assert [pool.used_minutes for pool in theirs.pools()] == [pool.used_minutes for pool in ours.pools()]
    assert theirs.books.breaches() == []


def test_importing_an_accounts_own_export_changes_nothing(database: Database) -> None:
    callers = world(database)
    talk(callers)
    before = callers.books.dump()

    outcomes, _ = take_in(callers.books, export(callers.books).encode())

    assert [(outcome.refusal, outcome.duplicate) for outcome in outcomes] == [(None, True)] * 12
    assert callers.books.dump() == before


def test_the_packed_export_reads_back_like_the_plain_one(database: Database) -> None:
    callers = world(database)
    talk(callers)
    plain = export(callers.books)
    packing = Packing("PSTN.calls.2026-09-30_2026-09-30.csv")

    packed = packing.put(plain) + packing.end()

    assert read_calls("report.zip", packed) == read_calls("report.csv", plain.encode())


@pytest.mark.parametrize("caller", ["=HYPERLINK(1)", "+1 212", "@home", "-7", "sip:ann@contoso.example", "'", "''=x"])
def test_no_cell_is_a_formula_and_each_comes_back_as_it_was(books: Books, caller: str) -> None:
    other = open_books(books.database)
    books.record(CallReport("=1+1", "+442079460000", NOW, 60, from_number=caller))

    (row,) = rows(books)
    take_in(other, export(books).encode())

    assert row["Call ID"] == "'=1+1"
    assert row["Caller ID"][0] not in "=@"
    assert not row["Caller ID"].startswith("+1 ")
    assert (other.call("=1+1").from_number, other.call("=1+1").charge_micros) == (caller, 60_000)


def a_row(**values: str) -> dict[str, str]:
    """A row as the service that this file comes from writes it: a plan has paid for it."""
    usual = {
        "UsageId": "u1", "Call ID": "shared", "UPN": "Ann@Contoso.example", "AAD ObjectId": "6d0f22e0", "Caller ID": "",
        "Call Type": "user_out", "Number Type": "Subscriber", "Destination Number": AT_HOME,
        "Start Time": "2026-10-01T02:00:00.0304140Z", "Duration Seconds": "90", "Charge": "0.00",
        "Capability": "MCOPSTN5",
    }  # fmt: skip
    return {**usual, **values}


def file_of(*told: dict[str, str]) -> bytes:
    """A report of such rows."""
    written = io.StringIO()
    writer = csv.DictWriter(written, list(told[0]))
    writer.writeheader()
    writer.writerows(told)
    return written.getvalue().encode()


def test_users_are_found_by_their_names_whatever_the_capitals(database: Database) -> None:
    callers = world(database)

    take_in(callers.books, file_of(a_row(), a_row(UsageId="u2", UPN="nobody", Capability="MCOPSTNPP")))

    known, unknown = calls(callers.books)
    assert (known.call_id, known.user_no, known.plan_seconds, known.charge_micros) == ("u1", 1, 90, 0)
    assert (unknown.user_no, unknown.charge_micros) == (None, micros("0.0246"))


def test_a_user_is_found_by_the_object_id_of_our_own_export(database: Database) -> None:
    callers = world(database)
    object_id = uuid_of("user", callers.books.account_id, 2)

    take_in(callers.books, file_of(a_row(UPN="bobs-old-name", Capability="MCOPSTNPP", **{"AAD ObjectId": object_id})))

    assert [call.user_no for call in calls(callers.books)] == [2]


@pytest.mark.parametrize(
    ("values", "is_taken"),
    [
        ({}, True),  # Ann holds that very plan, whose minutes pay here too
        ({"UPN": "bob@contoso.example"}, False),
        ({"UPN": "nobody"}, False),
        ({"Capability": "MCOPSTN2"}, False),
        ({"Capability": "MCOPSTN2", "Charge": "0.01"}, True),  # credit paid the charge, whatever the licence
        ({"Capability": "MCOPSTNPP", "UPN": "nobody"}, True),
        ({"Capability": "FREECALL", "UPN": "nobody"}, True),  # it had no price there, and may have one here
        ({"Capability": "MCOMEETADD", "Call Type": "conf_in"}, False),
        ({"Capability": "MCOMEETADD", "Call Type": "conf_out", "Destination Number": ABROAD}, True),
    ],
)
def test_what_a_plan_paid_elsewhere_is_charged_to_nobody_but_the_plans_holders(
    database: Database, values: dict[str, str], is_taken: bool
) -> None:
    callers = world(database)

    _, file = take_in(callers.books, file_of(a_row(**values)))

    assert (len(file.calls), len(file.skipped)) == ((1, 0) if is_taken else (0, 1))
    if not is_taken:
        (left_out,) = file.skipped
        said = language("en").say(left_out.reason.message, **left_out.reason.values)
        assert said == f"The plan {values.get('Capability', 'MCOPSTN5')} has paid for this call."


def test_a_uuid_is_read_by_whoever_wrote_it_alone() -> None:
    written = uuid_of("call", 2**47 + 5, 12)

    assert read_uuid("call", written.upper()) == (2**47 + 5, 12)
    assert written[14] == "8"
    for other in ("a6233255-3fc1-4a36-b17f-d374c6a53877", uuid_of("user", 2**47 + 5, 12), "", "call", f"{{{written}}}"):
        assert read_uuid("call", other) is None


def test_a_call_that_was_reversed_is_told_without_a_charge(books: Books) -> None:
    books.record(CallReport("c1", "+442079460000", NOW - SECOND, 60))
    with books.database.transaction() as session:
        reverse_call(session, rates=books.rates, account_id=books.account_id, call_id="c1", reason="x", now=books.now)

    (row,) = rows(books)

    assert (row["Charge"], row["Connection Fee"], row["Capability"]) == ("0.00", "0.00", "MCOPSTNPP")
    assert books.call("c1").status == CallStatus.SETTLED
