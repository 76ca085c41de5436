"""The usage report of calls: 20 columns as CSV, or the same rows as the reporting API gives them in JSON.

UsageId is the id of a call (Call ID is not unique), except in our own reports: there Call ID is what the switch calls
it, and known by. The call's type says which service it is; types that are always free are left out, and a type that is
not known is a bad row, so that none is lost. A call that a plan paid whole is for the account's users to decide about.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import phonenumbers

from credits.files.call_rows import CallReader, Claim, Reading, call_report, read_duration
from credits.files.cells import unguarded
from credits.files.sheets import Row, Sheet
from credits.files.times import read_instant
from credits.files.voice_prices import read_json
from credits.ids import read_uuid
from credits.language import sentence
from credits.refusals import invalid
from credits.usage_report import CREDIT, EMERGENCY, TYPES, UNPAID
from db.kinds import Service

# Column of the report, and the field of the API that holds the same: those it must have, and those it may lack.
_COLUMNS = {
    "UsageId": "id",
    "Call Type": "callType",
    "Number Type": "inventoryType",
    "Caller ID": "callerNumber",
    "Destination Number": "calleeNumber",
    "Start Time": "startDateTime",
    "Duration Seconds": "duration",
}
_MORE = {
    "Call ID": "callId",
    "AAD ObjectId": "userId",
    "UPN": "userPrincipalName",
    "Charge": "charge",
    "Capability": "licenseCapability",
}
_OURS = {call_type: service for service, (call_type, _) in TYPES.items()}
_NOT_ZERO = re.compile("[1-9]")
_OUTGOING = frozenset({"user_out", "user_out_conf", "user_out_transfer", "user_out_forwarding", "ucap_out"})
_INCOMING = frozenset({"user_in", "ucap_in"})


def usage_report_columns(row: Row) -> dict[str, int] | None:
    """Where each column stands when a row is the report's header; None when it is not."""
    places = {cell.casefold(): at for at, cell in enumerate(row.cells)}
    if not all(name.casefold() in places for name in _COLUMNS):
        return None
    return {name: places[name.casefold()] for name in (*_COLUMNS, *_MORE) if name.casefold() in places}


def usage_report_sheet(name: str, content: bytes) -> Sheet:
    """The rows of the reporting API as the table that the report is; they are numbered as they stand in the file."""
    page = read_json(content)
    rows = page.get("value") if isinstance(page, dict) else page
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "callType" in row for row in rows):
        raise invalid("file", "This JSON file is not a usage report of calls.")

    def records() -> Iterator[list[str]]:
        yield [*_COLUMNS, *_MORE]
        for row in rows:
            yield [_text(row.get(field)) for field in (*_COLUMNS.values(), *_MORE.values())]

    return Sheet(name, "json", ",", records, first_number=0)


def usage_report_reader(header: Row, places: dict[str, int], time_zone: str) -> CallReader:
    """Rows of the report under its header; the columns may stand in any order."""

    def said_in(cells: list[str]) -> dict[str, str]:
        return {name: unguarded(cells[at]) if at < len(cells) else "" for name, at in places.items()}

    def read(cells: list[str]) -> Reading:
        said = said_in(cells)
        kind = said["Call Type"].casefold()
        if kind == EMERGENCY:
            return sentence("Emergency calls are never charged.")
        is_ours = _is_ours(said)
        service = _OURS.get(kind) if is_ours else _service(kind, said["Number Type"], said["Destination Number"])
        if service is None:
            return sentence("Calls of the type {type} are free.", type=kind)
        return call_report(
            call_id=said["Call ID"] if is_ours else said["UsageId"],
            to_number=said["Destination Number"],
            answered_at=read_instant(said["Start Time"], time_zone),
            duration_seconds=read_duration(said["Duration Seconds"]),
            service=service,
            from_number=said["Caller ID"],
        )

    def claim(cells: list[str]) -> Claim:
        said = said_in(cells)
        names = (said.get("UPN", ""), said.get("AAD ObjectId", ""))
        return Claim(tuple(name for name in names if name), _plan_that_paid(said))

    columns = {
        "call_id": "UsageId", "to_number": "Destination Number", "from_number": "Caller ID", "service": "Call Type",
        "answered_at": "Start Time", "duration_seconds": "Duration Seconds",
    }  # fmt: skip
    return CallReader("teams", header.number, len(header.cells), read, columns, claim=claim)


def _is_ours(said: dict[str, str]) -> bool:
    """Tell whether we wrote a row ourselves, for whichever account."""
    return bool(said.get("Call ID")) and read_uuid("call", said["UsageId"]) is not None


def _plan_that_paid(said: dict[str, str]) -> str:
    """The code of the plan that paid a call whole. Of a call that was charged, credit paid the charge."""
    code = said.get("Capability", "").upper()
    return "" if code in ("", CREDIT, UNPAID) or _NOT_ZERO.search(said.get("Charge", "")) else code


def _service(kind: str, number_type: str, dialled: str) -> Service | None:
    """Which service a type of call is; None for one that is free."""
    if kind in _OUTGOING:
        return Service.USER_OUT
    if kind == "conf_out":
        return Service.CONFERENCE_OUT
    if kind not in _INCOMING and kind != "conf_in":
        raise invalid("service", "{type} is not a type of call that is known.", type=kind or "?")
    if "toll" in number_type.casefold() or _is_toll_free(dialled):
        return Service.TOLL_FREE_IN
    return Service.CONFERENCE_IN if kind == "conf_in" else None


def _is_toll_free(dialled: str) -> bool:
    try:
        number = phonenumbers.parse(dialled)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.TOLL_FREE


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
