"""Telephones, played by SIPp: what a caller and a callee say and hear, step after step, and whether it all came so.

A step is a piece of a SIPp scenario. SIPp ends with 0 when every step came to pass in its order, and nothing else did.
"""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.postgres import end_with_parent
from tests.switch import installed

_LONGEST_CALL_SECONDS = 20
_VIA = "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={branch}"
_FROM_AND_TO = (
    "From: <sip:[name]@[local_ip]:[local_port]>;tag=[pid]-[call_number]\nTo: <sip:[service]@[remote_ip]:[remote_port]>"
)
_CONTACT = "Contact: <sip:phone@[local_ip]:[local_port]>"
_DIALLED = "sip:[service]@[remote_ip]:[remote_port]"


def _message(*lines: str) -> str:
    text = "\n".join((*lines, "Content-Length: 0", "", ""))
    return f"<![CDATA[\n{text}\n]]>"


def _first(method: str, number: int = 1) -> str:
    """An INVITE to the number that is dialled, its CANCEL, or the ACK of its refusal: all of one branch."""
    tag = "[peer_tag_param]" if method == "ACK" else ""
    return _message(
        f"{method} {_DIALLED} SIP/2.0", _VIA.format(branch=f"z9hG4bK-[pid]-[call_number]-{number}"), _FROM_AND_TO + tag,
        "Call-ID: [call_id]", f"CSeq: {number} {method}", "Max-Forwards: 70", _CONTACT,
    )  # fmt: skip


def _within(method: str, number: int) -> str:
    """A caller's request within the call, along the route that its answer has shown."""
    return _message(
        f"{method} [next_url] SIP/2.0", _VIA.format(branch="[branch]"), "[routes]", _FROM_AND_TO + "[peer_tag_param]",
        "Call-ID: [call_id]", f"CSeq: {number} {method}", "Max-Forwards: 70",
    )  # fmt: skip


def _reply(status: str, *, to: str = "[last_To:]", of: str = "[last_CSeq:]") -> str:
    lines = ("[last_Via:]", "[last_Record-Route:]", "[last_From:]", to, "[last_Call-ID:]", of, _CONTACT)
    return _message(f"SIP/2.0 {status}", *lines)


def _send(message: str) -> str:
    return f"<send>{message}</send>"


def _insist(message: str) -> str:
    """Send, and send again until there is an answer."""
    return f'<send retrans="500">{message}</send>'


def _hear(what: str, inside: str = "") -> str:
    return f"<recv {what}>{inside}</recv>"


def talks(seconds: float) -> str:
    """Either side lets time pass."""
    return f'<pause milliseconds="{round(seconds * 1000)}"/>'


def hears_refusal(status: int, reason: str = ".") -> str:
    """The caller is refused, for a reason that the header says."""
    look = f'<ereg regexp="{reason}" search_in="hdr" header="Reason:" check_it="true" assign_to="reason"/>'
    said = f"<action>{look}</action>" if reason != "." else ""
    noted = '<Reference variables="reason"/>' if reason != "." else ""
    return _PROGRESS + _hear(f'response="{status}"', said) + _send(_first("ACK")) + noted


_ANSWERING = "[last_To:];tag=[pid]-[call_number]"
_PROGRESS = _hear('response="100" optional="true"') + _hear('response="180" optional="true"')

DIALS = _insist(_first("INVITE"))
DIALS_TWICE = _send(_first("INVITE"))
HEARS_RINGING = _hear('response="100" optional="true"') + _hear('response="180"')
DIALS_AGAIN = _insist(_first("INVITE", 2))
HEARS_ANSWER = _PROGRESS + _hear('response="200" rrs="true"') + _send(_within("ACK", 1))
HEARS_ANSWER_TO_THAT = _PROGRESS + _hear('response="200" rrs="true"') + _send(_within("ACK", 2))
HEARS_ANSWER_AND_IS_SILENT = _PROGRESS + _hear('response="200" rrs="true"')
HANGS_UP = _insist(_within("BYE", 3)) + _hear('response="200"')
GIVES_UP = (
    _insist(_first("CANCEL")) + _hear('response="200"') + _hear('response="487"') + _send(_first("ACK"))
)  # fmt: skip

IS_CALLED = _hear('request="INVITE" rrs="true"')
RINGS = _send(_reply("180 Ringing", to=_ANSWERING))
# A switch that has much to do may pass on the BYE before the ACK.
ANSWERS = _insist(_reply("200 OK", to=_ANSWERING)) + _hear('request="ACK" optional="true"')
ANSWERS_ONCE = _send(_reply("200 OK", to=_ANSWERING))
IS_BUSY = _insist(_reply("486 Busy Here", to=_ANSWERING)) + _hear('request="ACK"')
ASKS_WHO_CALLS = _insist(_reply("407 Proxy Authentication Required", to=_ANSWERING)) + _hear('request="ACK"')
IS_GIVEN_UP = (
    _hear('request="CANCEL"') + _send(_reply("200 OK"))
    + _insist(_reply("487 Request Terminated", to=_ANSWERING, of="CSeq: 1 INVITE")) + _hear('request="ACK"')
)  # fmt: skip

HEARS_HANGING_UP = _hear('request="BYE"') + _send(_reply("200 OK"))


@contextmanager
def telephone(
    folder: Path, name: str, port: int, *steps: str, calls: int = 1, words: Sequence[str] = ()
) -> Iterator[None]:
    """A telephone that takes these steps, for so many calls at once, while the block runs and as long after it as they
    take. SIPp is told more `words` where it is to call somebody.
    """
    scenario = folder / f"{name}.xml"
    scenario.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="{name}">{"".join(steps)}</scenario>')
    told = [
        str(installed.program("sipp")), "-sf", str(scenario), "-i", "127.0.0.1", "-mi", "127.0.0.1", "-ci", "127.0.0.1",
        "-p", str(port), "-m", str(calls), "-r", "100", "-nostdin", "-timeout", f"{_LONGEST_CALL_SECONDS}s",
        "-timeout_error", "-trace_err", "-error_file", str(folder / f"{name}.errors"), *words,
    ]  # fmt: skip
    with (folder / f"{name}.out").open("wb") as out:
        process = subprocess.Popen(
            told, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            preexec_fn=end_with_parent,
        )  # fmt: skip
        try:
            yield
            ended = process.wait(timeout=_LONGEST_CALL_SECONDS + 5)
        finally:
            process.kill()
            process.wait()
    assert ended == 0, f"{name}: {_complaints(folder, name)}"


def _complaints(folder: Path, name: str) -> str:
    errors = folder / f"{name}.errors"
    return (errors if errors.exists() else folder / f"{name}.out").read_text(errors="replace")
