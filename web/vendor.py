"""Fetches the files of others that the pages serve, and checks that they are the ones that were taken in.

`make vendor` runs this. `static/vendor/vendored.json` lists each package with its version, its files and
their SHA-256; each file's licence stands beside it. To take another version, change it there, empty the
hashes of its files, run this, and read what changed.
"""

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("static") / "vendor"
MANIFEST = FOLDER / "vendored.json"


def main() -> int:
    """Bring every file again; nothing is written when one of them is not what it was."""
    packages: list[dict[str, Any]] = json.loads(MANIFEST.read_text())
    contents: dict[str, bytes] = {}
    wrong: list[str] = []
    for package in packages:
        with tempfile.TemporaryDirectory() as folder:
            archive = _download(f"{package['name']}@{package['version']}", Path(folder))
            for file in package["files"]:
                content = _member(archive, file["from"])
                contents[file["file"]] = content
                found = hashlib.sha256(content).hexdigest()
                if file["sha256"] not in ("", found):
                    wrong.append(f"{file['file']}: its SHA-256 is {found}, {file['sha256']} was expected")
                file["sha256"] = found
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return 1
    for name, content in contents.items():
        (FOLDER / name).write_bytes(content)
    MANIFEST.write_text(json.dumps(packages, indent=2) + "\n")
    return 0


def _download(package: str, folder: Path) -> Path:
    subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (archive,) = folder.glob("*.tgz")
    return archive


def _member(archive: Path, name: str) -> bytes:
    with tarfile.open(archive) as opened:
        member = opened.extractfile(f"package/{name}")
        assert member is not None, f"{archive.name} has no file {name}"
        return member.read()


if __name__ == "__main__":
    sys.exit(main())
