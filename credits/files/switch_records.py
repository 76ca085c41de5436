"""Call records of switches that write no header: Asterisk's Master.csv and FreeSWITCH's cdr_csv.

What is charged is the time from the answer on (billsec), and only calls that were answered.
"""

import re

from credits.files.call_rows import CallReader, Reading, call_report, id_of_content, not_answered, read_duration
from credits.files.times import read_instant

ASTERISK_WIDTHS = range(16, 19)
FREESWITCH_WIDTHS = range(12, 31)
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def is_asterisk(cells: list[str]) -> bool:
    """Tell whether a row has the layout of Asterisk's cdr_csv: 16 columns, or uniqueid and userfield after them."""
    if len(cells) not in ASTERISK_WIDTHS:
        return False
    start, answer, end, duration, billsec = cells[9:14]
    return _times(start, answer, end) and duration.isdigit() and billsec.isdigit()


def is_freeswitch(cells: list[str]) -> bool:
    """Tell whether a row has the layout of FreeSWITCH's usual cdr_csv template."""
    if len(cells) not in FREESWITCH_WIDTHS:
        return False
    start, answer, end, duration, billsec = cells[4:9]
    return _times(start, answer, end) and duration.isdigit() and billsec.isdigit() and bool(_UUID.fullmatch(cells[10]))


def asterisk_reader(service: str, time_zone: str) -> CallReader:
    """Rows: accountcode, src, dst, dcontext, clid, channel, dstchannel, lastapp, lastdata, start, answer, end,
    duration, billsec, disposition, amaflags, and perhaps uniqueid, userfield."""

    def read(cells: list[str]) -> Reading:
        cells = cells + [""] * (18 - len(cells))
        if reason := not_answered(cells[14], cells[10]):
            return reason
        return call_report(
            call_id=cells[16] or id_of_content(cells),
            to_number=cells[2],
            answered_at=read_instant(cells[10], time_zone),
            duration_seconds=read_duration(cells[13]),
            service=service,
            from_number=cells[1],
        )

    return CallReader("asterisk", None, ASTERISK_WIDTHS[-1], read, legs=True)


def freeswitch_reader(service: str, time_zone: str) -> CallReader:
    """Rows: caller_id_name, caller_id_number, destination_number, context, start, answer, end, duration, billsec,
    hangup_cause, uuid, bleg_uuid, accountcode and what else the template adds."""

    def read(cells: list[str]) -> Reading:
        if reason := not_answered("", cells[5] if len(cells) > 5 else ""):
            return reason
        cells = cells + [""] * (12 - len(cells))
        return call_report(
            call_id=cells[10],
            to_number=cells[2],
            answered_at=read_instant(cells[5], time_zone),
            duration_seconds=read_duration(cells[8]),
            service=service,
            from_number=cells[1],
        )

    return CallReader("freeswitch", None, FREESWITCH_WIDTHS[-1], read, partner=lambda cells: "".join(cells[11:12]))


def _times(start: str, answer: str, end: str) -> bool:
    return bool(_TIME.match(start) and _TIME.match(end) and (not answer or _TIME.match(answer)))
