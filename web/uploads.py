"""Uploaded files: read within a limit, and carried from a preview to its confirmation.

Nothing is kept on the server between the two: the page that shows the preview holds the file, compressed, in hidden
fields, so any process on any machine can take the second step, and nothing has to be cleaned up. The second step
reads and judges the file anew; a page that was tampered with gains nothing that an upload would not.
"""

import base64
import binascii
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import FormData, UploadFile

LARGEST_FILE = 32 * 1024 * 1024
LARGEST_FORM_PART = 768 * 1024  # what a form parser takes as one field, with room to spare


@dataclass(frozen=True, slots=True)
class Upload:
    """A file's name and its bytes."""

    name: str
    content: bytes

    def kept(self) -> list[str]:
        """The file as values of hidden fields."""
        packed = base64.b64encode(zlib.compress(self.name.encode() + b"\0" + self.content, 9)).decode()
        return [packed[start : start + LARGEST_FORM_PART] for start in range(0, len(packed), LARGEST_FORM_PART)]


async def read_upload(form: FormData) -> Upload | None:
    """The file of a form, or the one that it keeps from before; nothing when there is neither, or it is too large."""
    file = form.get("file")
    if isinstance(file, UploadFile) and file.filename:
        content = await file.read(LARGEST_FILE + 1)
        return Upload(file.filename, content) if len(content) <= LARGEST_FILE else None
    return _unpacked([part for part in form.getlist("kept") if isinstance(part, str)])


def _unpacked(parts: Sequence[str]) -> Upload | None:
    if not parts:
        return None
    try:
        unpacking = zlib.decompressobj()
        told = unpacking.decompress(base64.b64decode("".join(parts), validate=True), LARGEST_FILE + 1024)
    except (binascii.Error, ValueError, zlib.error):
        return None
    name, mark, content = told.partition(b"\0")
    if not mark or unpacking.unconsumed_tail:
        return None
    return Upload(name.decode(errors="replace"), content)
