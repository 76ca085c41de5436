"""The files of others that the pages serve are the ones that were taken in, each with its licence."""

import hashlib
import json

from web.vendor import FOLDER, MANIFEST

PACKAGES = json.loads(MANIFEST.read_text())


def test_every_vendored_file_is_the_one_that_was_taken_in() -> None:
    listed = {file["file"]: file["sha256"] for package in PACKAGES for file in package["files"]}
    there = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in FOLDER.iterdir() if path != MANIFEST}

    assert there == listed


def test_every_vendored_package_stands_beside_its_licence() -> None:
    for package in PACKAGES:
        names = [file["file"] for file in package["files"]]
        assert any("LICENSE" in name for name in names) or "graphiql.LICENSE.txt" in package["note"]
