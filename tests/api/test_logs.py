"""What is logged of a fault helps to find it and gives no secret away."""

import json
import subprocess
import sys

PROGRAM = """
import structlog
from api.logs import set_up_logs
from api.settings import Settings

set_up_logs(Settings(log_format="json"))

def fails() -> None:
    password = "hunter" + "-two"
    raise ValueError("It cannot be.")

try:
    fails()
except ValueError:
    structlog.get_logger("credits.test").exception("went_wrong")
"""


def test_a_fault_is_logged_as_json_without_the_local_variables_of_its_frames() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)

    (line,) = ran.stderr.splitlines()
    logged = json.loads(line)
    assert (logged["event"], logged["exception"][0]["exc_value"]) == ("went_wrong", "It cannot be.")
    assert "hunter-two" not in line
