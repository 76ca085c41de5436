"""Where the programs are that the tests of a switch need, which are not ours: Kamailio with its modules, and SIPp."""

import shutil
from pathlib import Path

PACKAGES = "kamailio kamailio-extra-modules kamailio-postgres-modules kamailio-utils-modules sip-tester"
_MODULES = ("async.so", "db_postgres.so", "dialog.so", "http_client.so", "jansson.so", "rtimer.so", "sqlops.so")
_MODULE_FOLDERS = ("lib/*/kamailio/modules", "lib/kamailio/modules", "lib64/kamailio/modules")
_USUAL_FOLDERS = "/usr/sbin:/usr/local/sbin:/usr/local/bin:/usr/bin"


class NotInstalled(Exception):
    """A program is missing, or a part of it. Says what to install."""

    def __init__(self, missing: str) -> None:
        super().__init__(
            f"The tests of a switch place calls through Kamailio with SIPp, and there is no {missing}."
            f" Install them (Debian, Ubuntu: apt-get install {PACKAGES})."
        )


def program(name: str) -> Path:
    """The path of a program."""
    found = shutil.which(name) or shutil.which(name, path=_USUAL_FOLDERS)
    if found is None:
        raise NotInstalled(name)
    return Path(found).resolve()


def kamailio() -> Path:
    """The path of Kamailio, whose modules are all there."""
    found = program("kamailio")
    there = {path.name for folder in _MODULE_FOLDERS for path in found.parents[1].glob(f"{folder}/*.so")}
    for module in _MODULES:
        if module not in there:
            raise NotInstalled(f"module {module} of Kamailio")
    return found


def tables() -> list[Path]:
    """The scripts that make Kamailio's own tables in PostgreSQL."""
    folder = program("kamailio").parents[1] / "share" / "kamailio" / "postgres"
    scripts = [folder / "standard-create.sql", folder / "dialog-create.sql"]
    for script in scripts:
        if not script.exists():
            raise NotInstalled(str(script))
    return scripts
