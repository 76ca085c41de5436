"""Prefixes as price lists write them: one or many in a cell, ranges, signs before and patterns behind.

A cell is read in full or refused: digits that a spreadsheet has lost are never made up.
"""

import re
import unicodedata

from credits.refusals import Refusal, invalid

LONGEST_PREFIX = 15
LARGEST_RANGE = 10_000
_SEPARATORS = re.compile(r"[,;/|\n、]")
_DASH = re.compile(r"\s*[-‐-―−~〜]\s*")
_SCIENTIFIC = re.compile(r"[+-]?\d+(?:[.,]\d*)?[eE][+-]?\d+")
_ONE = re.compile(r"\^?(?:\+|00)?([0-9]+)(?:\.0|\.?\*|%)?\$?")


def read_prefixes(text: str) -> list[str]:
    """All prefixes that a cell names, as digits from the country code on, each once and in its order.

    An empty cell names none. Refuses what is no prefix, and what could be read in two ways.
    """
    if text.isascii() and text.isdigit() and text[0] != "0" and len(text) <= LONGEST_PREFIX:
        return [text]
    plain = _DASH.sub("-", unicodedata.normalize("NFKC", text))
    found: dict[str, None] = {}
    for part in _SEPARATORS.split(plain):
        if part.strip():
            found.update(dict.fromkeys(_prefixes_of_part(part.strip())))
    return list(found)


def spreadsheet_damage(text: str) -> bool:
    """Tell whether a spreadsheet has put a number in place of digits, as in 5.41144E+11."""
    return _SCIENTIFIC.fullmatch(text) is not None


def _prefixes_of_part(part: str) -> list[str]:
    if spreadsheet_damage(part):
        raise invalid("prefix", "{text}: a spreadsheet has destroyed this prefix; its last digits are lost.", text=part)
    first, dash, last = part.partition("-")
    if not dash:
        return [_one_prefix(part)]
    return _range(_one_prefix(first), _one_prefix(last), part)


def _one_prefix(text: str) -> str:
    match = _ONE.fullmatch(text)
    if match is None:
        raise _not_a_prefix(text)
    digits = match.group(1)
    if digits.startswith("0"):
        raise invalid("prefix", "{text}: a prefix begins with a country code, so not with 0.", text=text)
    if len(digits) > LONGEST_PREFIX:
        raise invalid("prefix", "{text}: a prefix has no more than {most} digits.", text=text, most=LONGEST_PREFIX)
    return digits


def _not_a_prefix(text: str) -> Refusal:
    if re.fullmatch(r"\+?[0-9]+(?:\s+[0-9]+)+", text):
        return invalid("prefix", "{text}: the space may part two prefixes or stand within one.", text=text)
    return invalid("prefix", "{text} is not a prefix: it must be digits, with + or 00 before them at most.", text=text)


def _range(first: str, last: str, text: str) -> list[str]:
    if len(first) != len(last):
        raise invalid("prefix", "{text}: both ends of a range must have as many digits.", text=text)
    if first > last:
        raise invalid("prefix", "{text}: this range ends before it begins.", text=text)
    if int(last) - int(first) >= LARGEST_RANGE:
        message = "{text}: a range may not hold more than {most} prefixes; name a shorter prefix."
        raise invalid("prefix", message, text=text, most=LARGEST_RANGE)
    return [str(each) for each in range(int(first), int(last) + 1)]
