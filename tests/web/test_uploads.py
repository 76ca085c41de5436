"""A file that a preview keeps for its confirmation."""

import asyncio
import base64
import os
import zlib

import pytest
from starlette.datastructures import FormData

from web.uploads import LARGEST_FILE, LARGEST_FORM_PART, Upload, read_upload


def kept_in(parts: list[str]) -> Upload | None:
    """The file of a form that holds these parts."""
    return asyncio.run(read_upload(FormData([("kept", part) for part in parts])))


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\0\xff\0", "名前,料金".encode("shift_jis")])
def test_a_kept_file_comes_back_as_it_was(content: bytes) -> None:
    upload = Upload("料金 list.csv", content)

    assert kept_in(upload.kept()) == upload


def test_a_large_file_is_kept_in_parts_that_a_form_can_carry() -> None:
    upload = Upload("list.csv", os.urandom(2_000_000))

    parts = upload.kept()

    assert len(parts) > 1
    assert max(map(len, parts)) <= LARGEST_FORM_PART
    assert kept_in(parts) == upload


@pytest.mark.parametrize("part", ["", "%%%", base64.b64encode(b"no zlib").decode(),
                                  base64.b64encode(zlib.compress(b"no name")).decode()])  # fmt: skip
def test_what_was_tampered_with_is_no_file(part: str) -> None:
    assert kept_in([part]) is None


def test_a_file_that_unpacks_to_too_much_is_refused() -> None:
    bomb = base64.b64encode(zlib.compress(b"x\0" + bytes(LARGEST_FILE + 4096))).decode()

    assert kept_in([bomb]) is None
