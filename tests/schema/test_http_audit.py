"""GraphQL over HTTP as others audit it: the makers of graphql-http, by their own program."""

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette

from tests.schema.asking import Api
from tests.schema.test_http import app_over

AUDIT = Path(__file__).resolve().parent.parent / "audit"
AUDITS = 61


@contextmanager
def served(app: Starlette) -> Iterator[str]:
    """An app on a real port of this machine; its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    running = threading.Thread(target=server.run, args=([listening],))
    running.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        running.join()
        listening.close()


@pytest.fixture(scope="session")
def audit_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The audit, installed as its lock file says, outside the project's folder."""
    if shutil.which("npm") is None:
        pytest.fail("The audit needs node and npm.", pytrace=False)
    folder = tmp_path_factory.mktemp("audit") / "audit"
    shutil.copytree(AUDIT, folder, ignore=shutil.ignore_patterns("node_modules"))
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True)
    return folder / "audit.mjs"


@pytest.mark.audit
def test_the_endpoint_passes_every_audit_of_graphql_over_http(small_api: Api, audit_program: Path) -> None:
    with served(app_over(small_api)) as address:
        printed = subprocess.run(
            ["node", str(audit_program), f"{address}/graphql"], capture_output=True, text=True, check=True, timeout=120
        ).stdout
    results = [json.loads(line) for line in printed.splitlines()]

    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == AUDITS
