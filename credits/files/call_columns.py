"""Call records under a header of their own, or with their columns named by hand.

Where a file gives only the start of a call, and how long it rang and talked besides how long it talked,
the answer is the start and the difference.
"""

from collections.abc import Mapping

from credits.files.call_rows import CallReader, Reading, call_report, id_of_content, not_answered, read_duration
from credits.files.columns import Layout, find_layout
from credits.files.sheets import Row
from credits.files.times import read_instant
from credits.files.words import CALL_WORDS
from credits.instants import SECOND
from credits.language import sentence
from credits.refusals import invalid
from db.kinds import Service

_TIMED = (("to_number",), ("duration_seconds",), ("answered_at", "started_at"))
_SERVICES = frozenset(Service)
_OUTGOING = frozenset({Service.USER_OUT, Service.CONFERENCE_OUT})
_INBOUND = frozenset({"in", "inbound", "incoming", "eingehend", "entrante", "着信"})
_LEG_IDS = frozenset({"uniqueid", "unique id"})


def columns_reader(head: list[Row], service: str, time_zone: str, by_hand: Mapping[str, str]) -> CallReader | None:
    """How to read a table whose header or whose user names its columns; None where nobody does.

    Only a hand may leave the calls' ids out: each record is then known by what it says.
    """
    required = _TIMED if by_hand else (("call_id",), *_TIMED)
    layout = find_layout(head, CALL_WORDS, required, by_hand)
    if layout is None:
        return None
    found = layout

    def read(cells: list[str]) -> Reading:
        return _read(found, cells, service, time_zone)

    def account(cells: list[str]) -> str:
        at = found.places["account"]
        return cells[at] if at < len(cells) else ""

    legs = layout.titles.get("call_id", "").casefold() in _LEG_IDS
    return CallReader(
        "credits", layout.header_row, layout.width, read, layout.titles, legs,
        account=account if "account" in layout.places else None,
    )  # fmt: skip


def _read(layout: Layout, cells: list[str], service: str, time_zone: str) -> Reading:
    said = {field: cells[at] if at < len(cells) else "" for field, at in layout.places.items()}
    service = _service(said.get("service", ""), service)
    if reason := not_answered(said.get("disposition", ""), said.get("answered_at")):
        return reason
    direction = said.get("direction", "").casefold()
    if direction in _INBOUND and service in _OUTGOING:
        return sentence("This call came in ({direction}), and costs nothing.", direction=direction)
    duration = read_duration(said["duration_seconds"])
    return call_report(
        call_id=said["call_id"] if "call_id" in said else id_of_content(cells),
        to_number=said["to_number"],
        answered_at=_answered_at(said, duration, time_zone),
        duration_seconds=duration,
        service=service,
        from_number=said.get("from_number", ""),
        user_no=_user_no(said.get("user_no", "")),
    )


def _answered_at(said: dict[str, str], duration: int, time_zone: str) -> int:
    if "answered_at" in said:
        return read_instant(said["answered_at"], time_zone)
    ringing = max(read_duration(said["ringing_and_talk"]) - duration, 0) if said.get("ringing_and_talk") else 0
    return read_instant(said["started_at"], time_zone) + ringing * SECOND


def _service(named: str, usual: str) -> str:
    if named and named.upper() not in _SERVICES:
        message = "{service} is not a service; there are: {names}."
        raise invalid("service", message, service=named, names=", ".join(Service))
    return named.upper() or usual


def _user_no(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise invalid("userNo", "{text} is not the number of a user.", text=text)
    return int(text)
