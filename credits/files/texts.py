"""The characters of a file: which encoding its bytes are in, decided by the bytes alone.

A byte order mark decides; then valid UTF-8 does; then Shift-JIS and Latin-1 are told apart by how the
text would look: Japanese stands in runs, an accented letter stands alone between plain ones.
"""

import re

from credits.refusals import invalid

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_RUN = re.compile(r"[^\x00-\x7f]+")
# What Shift-JIS never means: control characters, and the private letters that stand for bytes without one.
_NO_JAPANESE = re.compile("[\x80-\xa0\ue000-\uf8ff]")
# Enough of a file to tell its encoding by; the whole is decoded strictly afterwards.
_SAMPLE_BYTES = 262_144


def decode(content: bytes, encoding: str | None = None) -> tuple[str, str]:
    """The text of a file and the name of its encoding; bytes that are no text are refused."""
    if encoding is None:
        encoding = encoding_of(content)
    for mark, marked in _MARKS:
        if content.startswith(mark) and marked.startswith(encoding.lower().replace("_", "-").removesuffix("-sig")):
            content, encoding = content[len(mark) :], marked
            break
    try:
        text = content.decode(encoding)
    except (UnicodeError, LookupError, ValueError):
        raise invalid("file", "This file is not text in the encoding {encoding}.", encoding=encoding) from None
    if "\0" in text:
        raise invalid("file", "This file is not a table: it holds bytes that are no text.")
    return text, encoding


def encoding_of(content: bytes) -> str:
    """The encoding that the bytes are most likely in; the same bytes always give the same answer."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return encoding
    if b"\0" in content:
        return "utf-16-le" if content[1::2].count(0) >= content[::2].count(0) else "utf-16-be"
    for encoding in ("utf-8", "cp932"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "utf-8" or _reads_as_japanese(text[:_SAMPLE_BYTES]):
            return encoding
    return "cp1252" if _has_windows_signs(content) else "latin-1"


def _reads_as_japanese(text: str) -> bool:
    if _NO_JAPANESE.search(text):
        return False
    in_runs = alone = 0
    for run in _RUN.findall(text):
        if len(run) > 1:
            in_runs += len(run)
        else:
            alone += 1
    return in_runs > alone


def _has_windows_signs(content: bytes) -> bool:
    """Latin-1 leaves 0x80 to 0x9F to control characters; Windows puts the euro sign and quotes there."""
    if not re.search(rb"[\x80-\x9f]", content):
        return False
    try:
        content.decode("cp1252")
    except UnicodeDecodeError:
        return False
    return True
