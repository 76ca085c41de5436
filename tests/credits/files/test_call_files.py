"""Call records become finished calls; what is not charged, and what cannot be read, says why."""

import csv
import io
import json
import zipfile
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits.call_messages import CallReport
from credits.callers import NamedUser
from credits.files.call_files import CallFile, read_calls
from credits.files.sheets import BadRow, SkippedRow
from credits.instants import SECOND, instant
from credits.language import language
from credits.refusals import Refusal

ASTERISK_ROW = (
    '"","{src}","{dst}","office","""Ann"" <100>","SIP/100-1","SIP/trunk-{channel}","Dial","x",'
    '"{start}","{answer}","{end}",{duration},{billsec},"{disposition}","DOCUMENTATION","{uniqueid}",""'
)
FREESWITCH_ROW = (
    '"Ann","1000","{dst}","default","2026-03-01 10:00:00","{answer}","2026-03-01 10:02:00","120","{billsec}",'
    '"{cause}","{uuid}","{bleg}","account","PCMU","PCMU"'
)
UUID_A = "6d0f22e0-0000-4000-8000-00000000000a"
UUID_B = "6d0f22e0-0000-4000-8000-00000000000b"


def read(text: str, columns: Mapping[str, str] | None = None, **options: Any) -> CallFile:
    return read_calls("calls.csv", text.encode(), columns=columns, **options)


def reason(row: BadRow | SkippedRow) -> str:
    return language("en").say(row.reason.message, **row.reason.values)


def asterisk(**values: object) -> str:
    usual = {
        "src": "100", "dst": "0441234567", "channel": 1, "start": "2026-03-01 10:00:00",
        "answer": "2026-03-01 10:00:10", "end": "2026-03-01 10:01:00", "duration": 60,
        "billsec": 50, "disposition": "ANSWERED", "uniqueid": "1.1",
    }  # fmt: skip
    return ASTERISK_ROW.format(**(usual | values)) + "\n"


def freeswitch(**values: object) -> str:
    usual = {
        "dst": "+441234567", "answer": "2026-03-01 10:00:20", "billsec": 100, "cause": "NORMAL_CLEARING",
        "uuid": UUID_A, "bleg": "",
    }  # fmt: skip
    return FREESWITCH_ROW.format(**(usual | values)) + "\n"


def at(*when: int) -> int:
    return instant(datetime(*when, tzinfo=UTC))  # type: ignore[misc,arg-type]


def test_our_own_columns_are_read() -> None:

    file = read(
        "call_id,service,from,to,answered_at,duration_seconds\n"
        "a1,CONFERENCE_OUT,+12025550111,+441234567,2026-03-01T10:00:00Z,61\n"
    )

    assert file.calls == [
        CallReport("a1", "+441234567", at(2026, 3, 1, 10), 61, service="CONFERENCE_OUT", from_number="+12025550111")
    ]
    assert (file.format, file.rows) == ("credits", [2])


def test_a_call_without_a_service_of_its_own_is_of_the_one_that_the_caller_says() -> None:

    file = read("call_id,to,answered_at,duration_s\na,+1800,2026-03-01T10:00:00Z,61\n", service="TOLL_FREE_IN")

    assert [call.service for call in file.calls] == ["TOLL_FREE_IN"]


@pytest.mark.parametrize("disposition", ["NO ANSWER", "NOANSWER", "no_answer", "BUSY", "FAILED", "CANCEL"])
def test_a_call_that_was_not_answered_is_left_out(disposition: str) -> None:

    file = read(f"call_id,to,start_utc,duration_s,disposition\na,+44,2026-03-01T10:00:00Z,25,{disposition}\n")

    assert file.calls == []
    assert reason(file.skipped[0]) == f"This call was not answered ({disposition})."


def test_a_call_without_a_time_of_answer_is_left_out() -> None:

    file = read("call_id,to,answered_at,duration_s\na,+44,,0\n")

    assert reason(file.skipped[0]) == "This call was not answered: it has no time of answer."


def test_the_answer_is_the_start_and_the_time_it_rang() -> None:

    file = read("callid,destination_number,starting_date,duration,billsec\na,+44,2026-03-01 10:00:00,55,50\n")

    assert (file.calls[0].answered_at, file.calls[0].duration_seconds) == (at(2026, 3, 1, 10, 0, 5), 50)


def test_times_without_an_offset_are_in_the_zone_that_the_caller_says() -> None:

    file = read("call_id,to,answered_at,duration_s\na,+44,2026-03-01 10:00:00,5\n", time_zone="Asia/Tokyo")

    assert file.calls[0].answered_at == at(2026, 3, 1, 1)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("a,+44,03/04/2026 10:00:00,5", "day first or month first"),
        ("a,4.41234E+11,2026-03-01 10:00:00,5", "a spreadsheet has destroyed this number"),
        ("a,+1425555****,2026-03-01 10:00:00,5", "digits of this number are hidden"),
        ("a,,2026-03-01 10:00:00,5", "The number that was called is missing."),
        (",+44,2026-03-01 10:00:00,5", "The call has no id."),
        ("a,+44,2026-03-01 10:00:00,", "The duration is missing."),
        ("a,+44,2026-03-01 10:00:00,-6", "-6 is not a duration in whole seconds."),
        ("a,+44,2026-03-01 10:00:00,5,6", "This row has 5 cells, and may have 4"),
    ],
)
def test_a_bad_row_says_its_number_its_text_and_why(row: str, why: str) -> None:

    file = read(f"call_id,to,answered_at,duration_s\nok,+44,2026-03-01 10:00:00,0:01:05\n{row}\n")

    assert [call.duration_seconds for call in file.calls] == [65]
    (bad,) = file.bad
    assert (bad.number, bad.text) == (3, row)
    assert why in reason(bad)


def test_a_call_that_is_told_twice_counts_once() -> None:
    row = "a,+44,2026-03-01 10:00:00,5\n"

    file = read("call_id,to,answered_at,duration_s\n" + row + "b,+44,2026-03-01 10:00:00,5\n" + row)

    assert file.rows == [2, 3]
    assert [(row.number, reason(row)) for row in file.skipped] == [(4, "This row says the same as row 2.")]


def test_golden_one_reference_with_other_values_makes_all_its_rows_bad(shared_data: Path) -> None:
    cases = json.loads((shared_data / "golden" / "import_cases.json").read_text())
    assert any(case["id"] == "im-023" and case["given"] == "duplicate reference" for case in cases)

    file = read(
        "reference,to,answered_at,duration_s\n"
        "a,+44,2026-03-01 10:00:00,5\nb,+44,2026-03-01 10:00:00,5\na,+44,2026-03-01 10:00:00,6\n"
    )

    assert [call.call_id for call in file.calls] == ["b"]
    assert {row.number: reason(row) for row in file.bad} == {
        2: "The call a is also in row 4, with other values.",
        4: "The call a is also in row 2, with other values.",
    }


def test_calls_that_came_in_are_left_out_unless_their_service_is_charged() -> None:
    text = "call_id,to,answered_at,duration_s,direction\na,+44,2026-03-01 10:00:00,5,inbound\n"

    assert reason(read(text).skipped[0]) == "This call came in (inbound), and costs nothing."
    assert len(read(text, service="TOLL_FREE_IN").calls) == 1


def test_asterisk_records_are_charged_from_their_answer() -> None:

    file = read(asterisk() + asterisk(uniqueid="1.2", dst="0447654321"), time_zone="Europe/London")

    assert file.format == "asterisk"
    assert file.calls[0] == CallReport("1.1", "0441234567", at(2026, 3, 1, 10, 0, 10), 50, from_number="100")


def test_asterisk_legs_that_nobody_answered_are_left_out() -> None:

    file = read(asterisk(answer="", billsec=0, disposition="NO ANSWER") + asterisk())

    assert [(call.call_id, row) for call, row in zip(file.calls, file.rows, strict=True)] == [("1.1", 2)]
    assert [row.number for row in file.skipped] == [1]


def test_of_several_answered_legs_the_first_answered_keeps_the_id_and_the_others_get_stable_ones() -> None:
    late = asterisk(dst="0447654321", answer="2026-03-01 10:00:40", billsec=20)
    early = asterisk()

    one_way, other_way = read(late + early), read(early + late)

    ids = {call.to_number: call.call_id for call in one_way.calls}
    assert ids["0441234567"] == "1.1"
    assert ids["0447654321"].startswith("1.1#")
    assert ids == {call.to_number: call.call_id for call in other_way.calls}


def test_an_asterisk_leg_that_is_written_twice_counts_once() -> None:

    file = read(asterisk() + asterisk())

    assert (file.rows, [row.number for row in file.skipped]) == ([1], [2])


def test_an_asterisk_file_without_ids_gets_ids_made_of_what_its_records_say() -> None:
    lines = [asterisk().rsplit(",", 2)[0], asterisk(billsec=49).rsplit(",", 2)[0]]

    first, again = read("\n".join(lines) + "\n"), read("\n".join(reversed(lines)) + "\n")

    assert len({call.call_id for call in first.calls}) == 2
    assert {call.call_id for call in first.calls} == {call.call_id for call in again.calls}


def test_freeswitch_records_are_read() -> None:

    file = read(freeswitch() + freeswitch(uuid=UUID_B, answer="", billsec=0, cause="NO_ANSWER"), time_zone="UTC")

    assert file.format == "freeswitch"
    assert file.calls == [CallReport(UUID_A, "+441234567", at(2026, 3, 1, 10, 0, 20), 100, from_number="1000")]
    assert [row.number for row in file.skipped] == [2]


def test_both_ends_of_a_freeswitch_call_count_once() -> None:

    both = freeswitch(bleg=UUID_B) + freeswitch(uuid=UUID_B, bleg=UUID_A)
    without_mention = freeswitch(bleg=UUID_B) + freeswitch(uuid=UUID_B)
    the_other_first = freeswitch(uuid=UUID_B) + freeswitch(bleg=UUID_B)

    for text in (both, without_mention, the_other_first):
        file = read(text)
        assert file.rows == [1]
        assert reason(file.skipped[0]) == "This is the other end of the call in row 1."


def test_a_file_that_does_not_say_which_column_is_which_tells_how_to_map_it(shared_data: Path) -> None:

    with pytest.raises(Refusal, match="Name by hand"):
        read_calls("cdr.txt", (shared_data / "cdr/cdrstats_import_cdr.txt").read_bytes())


@pytest.mark.parametrize("format_", ["asterisk", "freeswitch"])
def test_a_row_that_does_not_fit_the_named_format_is_bad(format_: str) -> None:

    file = read("1,2,3,4,5,6,7,8,9,10,x,12\n", format=format_)

    assert file.calls == []
    assert len(file.bad) + len(file.skipped) == 1


def test_an_unknown_format_zone_or_service_is_refused_or_bad() -> None:
    text = "call_id,to,answered_at,duration_s,service\na,+44,2026-03-01 10:00:00,5,FAX\n"

    with pytest.raises(Refusal):
        read(text, format="fax")
    with pytest.raises(Refusal):
        read(text, time_zone="Mars/Olympus")
    assert "FAX is not a service" in reason(read(text).bad[0])


@pytest.mark.parametrize(
    ("file", "format_", "calls", "skipped"),
    [
        ("cdr/asterisk_pseudonymised_cdr.csv", "asterisk", 133, 85),
        ("cdr/asterisk_pseudonymised_smallcdr.csv", "asterisk", 27, 18),
        ("cdr/cdrstats_CDRImport-2015-10-26.csv", "credits", 5, 0),
        ("cdr/teams_graph_pstnCallLogRow_example.json", "teams", 0, 1),
        ("generated/cdrs.csv", "credits", 2629, 371),
        ("generated/cdrs_price_change.csv", "credits", 467, 33),
        ("generated/teams_PSTN.calls.synthetic.csv", "teams", 114, 38),
    ],
)
def test_real_files_are_recognised_and_read(
    shared_data: Path, file: str, format_: str, calls: int, skipped: int
) -> None:

    found = read_calls(file, (shared_data / file).read_bytes())

    assert (found.format, len(found.calls), len(found.skipped), found.bad) == (format_, calls, skipped, [])
    assert len({call.call_id for call in found.calls}) == calls == len(found.rows)


@pytest.mark.parametrize(
    ("file", "columns", "calls", "bad", "skipped"),
    [
        (
            "cdrstats_import_cdr.txt",
            {"call_id": "8", "from_number": "1", "to_number": "3", "duration_seconds": "5", "answered_at": "10"},
            5, 0, 0,
        ),
        (
            "cdrstats_import_cdr_100.txt",
            {"call_id": "7", "to_number": "3", "duration_seconds": "5", "started_at": "8"},
            99, 1, 0,
        ),
        (
            "cdrstats_import_voipcall_report.txt",
            {"from_number": "1", "to_number": "2", "disposition": "3", "duration_seconds": "5", "answered_at": "7"},
            3, 0, 7,
        ),
    ],
)  # fmt: skip
def test_real_files_without_a_header_are_mapped_by_hand(
    shared_data: Path, file: str, columns: dict[str, str], calls: int, bad: int, skipped: int
) -> None:

    found = read_calls(file, (shared_data / "cdr" / file).read_bytes(), columns=columns)

    assert (len(found.calls), len(found.bad), len(found.skipped)) == (calls, bad, skipped)


@pytest.mark.parametrize(
    "file", ["cdr/teams_pstn_export_columns.csv", "cdr/cdrstats_import_carrier_rates.txt", "generated/truth.csv"]
)
def test_files_that_hold_no_calls_are_refused(shared_data: Path, file: str) -> None:

    with pytest.raises(Refusal):
        read_calls(file, (shared_data / file).read_bytes())


def test_every_answered_call_of_the_generator_is_there_as_it_was_written(shared_data: Path) -> None:
    content = (shared_data / "generated" / "cdrs.csv").read_bytes()
    rows = [row for row in csv.DictReader(io.StringIO(content.decode())) if row["disposition"] == "ANSWERED"]

    calls = read_calls("cdrs.csv", content).calls

    assert [(call.call_id, call.to_number, call.from_number, call.duration_seconds) for call in calls] == [
        (row["call_id"], row["callee"], row["caller"], int(row["duration_s"])) for row in rows
    ]
    assert [call.answered_at for call in calls] == [instant(datetime.fromisoformat(row["start_utc"])) for row in rows]


def test_an_asterisk_file_never_gives_one_id_to_two_calls(shared_data: Path) -> None:
    content = (shared_data / "cdr" / "asterisk_pseudonymised_cdr.csv").read_bytes()
    ids = Counter(row[16] for row in csv.reader(io.StringIO(content.decode())))

    found = read_calls("Master.csv", content, time_zone="Europe/Berlin")

    assert sum(count > 1 for count in ids.values()) == 44
    assert {call.call_id for call in found.calls} <= set(ids)
    assert found.calls[0].answered_at == at(2017, 6, 20, 7, 49, 32)
    assert sum(call.duration_seconds for call in found.calls) == sum(
        int(row[13]) for row in csv.reader(io.StringIO(content.decode())) if row[14] == "ANSWERED"
    )


def test_the_usage_report_says_by_the_type_of_a_call_which_service_it_is(shared_data: Path) -> None:
    content = (shared_data / "generated" / "teams_PSTN.calls.synthetic.csv").read_bytes()

    found = read_calls("PSTN.calls.csv", content)

    assert Counter(call.service for call in found.calls) == {"USER_OUT": 96, "CONFERENCE_OUT": 8, "CONFERENCE_IN": 10}
    assert Counter(reason(row) for row in found.skipped) == {
        "Calls of the type user_in are free.": 30,
        "Calls of the type ucap_in are free.": 6,
        "This row says the same as row 7.": 1,
        "This row says the same as row 11.": 1,
    }
    assert found.calls[0].answered_at == at(2026, 3, 26, 17, 32, 28) + 30_414


def test_of_a_usage_report_the_calls_that_plans_have_paid_are_left_out_where_no_user_holds_them(
    shared_data: Path,
) -> None:
    content = (shared_data / "generated" / "teams_PSTN.calls.synthetic.csv").read_bytes()

    read = read_calls("PSTN.calls.csv", content)
    found = read.with_users({"user17@contoso.example": NamedUser(7, frozenset({"MCOPSTN1"}))})

    assert "user17@contoso.example" in read.user_names
    ours = {row for row, claim in read.claims.items() if "user17@contoso.example" in claim.names}
    by_plan = {row for row in ours if read.claims[row].plan_code == "MCOPSTN1"}
    assert by_plan
    assert {row for row, call in zip(found.rows, found.calls, strict=True) if call.user_no == 7} >= by_plan
    told = Counter(reason(row) for row in found.skipped if row not in read.skipped)
    assert told == {
        "The plan MCOPSTN1 has paid for this call.": 36 - len(by_plan),
        "The plan MCOPSTN2 has paid for this call.": 23,
        "The plan MCOMEETADD has paid for this call.": 11,
    }
    assert len(found.calls) + len(found.skipped) == 152


OWNER = ("acct_4r8", "Contoso Ltd")


@pytest.mark.parametrize("account", ["acct_4r8", "ACCT_4R8", "contoso ltd", ""])
def test_rows_that_name_their_own_account_are_taken(account: str) -> None:

    file = read(f"account,call_id,to,answered_at,duration_s\n{account},a,+44,2026-03-01 10:00:00,5\n", owner=OWNER)

    assert [call.call_id for call in file.calls] == ["a"]
    assert file.notes == []


def test_a_row_of_another_account_is_bad_and_says_so() -> None:
    text = "Account ID,call_id,to,answered_at,duration_s\n{},a,+44,2026-03-01 10:00:00,5\n"

    file = read(text.format("acct_9z9") + "acct_4r8,b,+44,2026-03-01 10:00:00,5\n", owner=OWNER)

    assert [call.call_id for call in file.calls] == ["b"]
    assert [reason(row) for row in file.bad] == ["This call is of the account acct_9z9, and not of acct_4r8."]
    assert len(read(text.format("acct_9z9"), owner=OWNER, columns={"account": ""}).calls) == 1


def test_a_column_that_names_no_accounts_of_ours_is_told_of_and_not_used(shared_data: Path) -> None:
    content = (shared_data / "generated" / "cdrs.csv").read_bytes()

    file = read_calls("cdrs.csv", content, owner=OWNER)

    assert file.calls == read_calls("cdrs.csv", content).calls
    (note,) = file.notes
    assert language("en").say(note.message, **note.values) == (
        "The column account names no accounts as they are known here (acct-000), and was not used: all calls are taken"
        " as those of acct_4r8."
    )


def test_a_zipped_usage_report_reads_like_the_file_within(shared_data: Path) -> None:
    content = (shared_data / "generated" / "teams_PSTN.calls.synthetic.csv").read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("PSTN.calls.2026-03-01.csv", content)

    assert read_calls("PSTN.zip", packed.getvalue()) == read_calls("PSTN.csv", content)


@pytest.mark.parametrize(
    ("kind", "number_type", "dialled", "service"),
    [
        ("user_out", "Subscriber", "+441212345678", "USER_OUT"),
        ("user_out_transfer", "Subscriber", "+441212345678", "USER_OUT"),
        ("conf_out", "Service", "+441212345678", "CONFERENCE_OUT"),
        ("conf_in", "Service", "+441212345678", "CONFERENCE_IN"),
        ("conf_in", "TollFree", "+441212345678", "TOLL_FREE_IN"),
        ("ucap_in", "Service", "+18005550123", "TOLL_FREE_IN"),
    ],
)
def test_each_type_of_call_is_a_service(kind: str, number_type: str, dialled: str, service: str) -> None:
    row = {
        "id": "u1", "callType": kind, "inventoryType": number_type, "callerNumber": "+12025550111",
        "calleeNumber": dialled, "startDateTime": "2019-11-01T00:00:08.2589935Z", "duration": 219,
    }  # fmt: skip

    (call,) = read(json.dumps({"value": [row]})).calls

    assert call == CallReport("u1", dialled, at(2019, 11, 1, 0, 0, 8) + 258_993, 219, service, "+12025550111")


def test_emergency_calls_are_left_out_and_unknown_types_are_bad() -> None:
    header = "UsageId,Call Type,Number Type,Caller ID,Destination Number,Start Time,Duration Seconds\n"

    file = read(header + "a,emergency_out,,,+1911,2026-03-01T10:00:00Z,9\nb,video_out,,,+44,2026-03-01T10:00:00Z,9\n")

    assert [reason(row) for row in file.skipped] == ["Emergency calls are never charged."]
    assert [reason(row) for row in file.bad] == ["video_out is not a type of call that is known."]


@given(
    st.lists(
        st.builds(
            CallReport,
            call_id=st.text(
                st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=40
            ).filter(lambda text: text[0] != "#"),
            to_number=st.from_regex(r"\+[1-9][0-9]{3,14}", fullmatch=True),
            answered_at=st.integers(0, 4_000_000_000).map(lambda seconds: seconds * SECOND),
            duration_seconds=st.integers(0, 86_400),
            service=st.sampled_from(["USER_OUT", "CONFERENCE_OUT", "TOLL_FREE_IN", "CONFERENCE_IN"]),
            from_number=st.one_of(st.none(), st.from_regex(r"\+[1-9][0-9]{3,14}", fullmatch=True)),
            user_no=st.one_of(st.none(), st.integers(1, 10**6)),
        ),
        min_size=1,
        unique_by=lambda report: report.call_id,
    )
)
def test_what_is_written_in_our_own_columns_reads_back_the_same(reports: list[CallReport]) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["call_id", "service", "from", "to", "answered_at", "duration_seconds", "user_no"])
    for report in reports:
        answered = datetime.fromtimestamp(report.answered_at // SECOND, UTC).isoformat()
        row = [report.call_id, report.service, report.from_number, report.to_number, answered, report.duration_seconds]
        writer.writerow([*row, report.user_no])

    file = read(text.getvalue(), encoding="utf-8")

    assert file.calls == reports
    assert (file.bad, file.skipped) == ([], [])
