"""Voice prices as Twilio's pricing API gives them: JSON, a country a file, many prefixes to a price.

They are put into the columns of the table that Twilio publishes beside it, and read like any other.
"""

import json
from collections.abc import Iterator
from typing import Any

from credits.files.sheets import Sheet, SkippedRow
from credits.files.texts import decode
from credits.language import sentence
from credits.refusals import invalid

_HEADER = ["ISO", "Description", "Price / min", "Currency", "Origination Prefixes", "Destination Prefixes"]


def is_json(content: bytes) -> bool:
    """Tell whether a file holds JSON rather than a table."""
    return content[:512].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")


def read_json(content: bytes) -> Any:
    """The values in a JSON file; numbers stay as they are written, so that no digit is lost."""
    text, _ = decode(content, None)
    try:
        return json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError):
        raise invalid("file", "This file is not JSON that can be read.") from None


def voice_prices(name: str, content: bytes) -> tuple[Sheet, list[SkippedRow]]:
    """The outgoing prices as a table whose rows are numbered as they stand in the file, and the prices left out."""
    page = read_json(content)
    if not isinstance(page, dict) or not isinstance(page.get("outbound_prefix_prices"), list):
        raise invalid("file", "This JSON file is not a list of voice prices.")
    prices = page["outbound_prefix_prices"]
    rows = [_row(page, price) for price in prices]
    inbound = page.get("inbound_call_prices")
    skipped = [
        SkippedRow(len(rows) + place, json.dumps(price, ensure_ascii=False)[:300], _INBOUND)
        for place, price in enumerate(inbound if isinstance(inbound, list) else [], 1)
    ]

    def records() -> Iterator[list[str]]:
        yield _HEADER
        yield from rows

    return Sheet(name, "json", ",", records, first_number=0), skipped


_INBOUND = sentence("This is the price of a call that comes in, by the type of number: it names no prefix.")


def _row(page: dict[str, Any], price: Any) -> list[str]:
    if not isinstance(price, dict):
        return ["", "", str(price), "", "", ""]
    return [
        str(page.get("iso_country") or ""),
        str(price.get("friendly_name") or ""),
        str(price.get("current_price") or ""),
        str(page.get("price_unit") or ""),
        _listed(price.get("origination_prefixes")),
        _listed(price.get("destination_prefixes")),
    ]


def _listed(values: Any) -> str:
    return ", ".join(str(value) for value in values) if isinstance(values, list) else str(values or "")
