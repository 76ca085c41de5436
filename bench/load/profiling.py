"""Where a server's processor time goes: py-spy on its processes, and the functions that it was seen in most."""

import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from bench.load.processes import Server

SAMPLES_A_SECOND = 100
_SHOWN = 80
# Of the functions that only lead on to one another, above most of what is seen, the last one is shown.
_WAY_IN = 0.5
_FRAME = re.compile(r"(?P<name>.*) \((?P<file>[^()]*?)(:\d+)?\)")


@contextmanager
def watched(server: Server, seconds: float) -> Iterator[list[str]]:
    """Watch a server for so many seconds from now on; after the block the list holds the stacks that were seen.

    Only what holds an interpreter's lock is seen: waiting is no work.
    """
    stacks: list[str] = []
    with tempfile.TemporaryDirectory(prefix="credits-bench-") as folder:
        watching = [_watch(pid, Path(folder) / str(pid), seconds) for pid in server.serving_pids]
        yield stacks
        for process in watching:
            assert process.wait() == 0, "py-spy may not look into the server: run as root"
        for path in Path(folder).iterdir():
            stacks += path.read_text().splitlines()


def show(stacks: Iterable[str], cost_micros: float) -> None:
    """Print functions by their share of the samples, and of what a request costs (microseconds): first each with all
    that it called, then each by itself."""
    within, itself, samples = Counter[str](), Counter[str](), 0
    for line in stacks:
        stack, _, number = line.rpartition(" ")
        seen, names = int(number), [_named(frame) for frame in stack.split(";")]
        within.update(dict.fromkeys(names, seen))
        itself[names[-1]] += seen
        samples += seen
    for what, counted in (("with all that it called", within), ("itself", itself)):
        print(f"\nOf {samples:,} samples, and in us a request: each function {what}")
        ranked = counted.most_common(_SHOWN)
        for (name, seen), (_, next_seen) in pairwise([*ranked, ("", 0)]):
            if seen != next_seen or seen < _WAY_IN * samples:
                print(f"{seen / samples:7.1%} {seen / samples * cost_micros:7.0f}  {name}")


def _watch(pid: int, path: Path, seconds: float) -> "subprocess.Popen[bytes]":
    program = str(Path(sys.executable).with_name("py-spy"))
    options = ["--gil", "--pid", str(pid), "--duration", str(round(seconds)), "--rate", str(SAMPLES_A_SECOND)]
    return subprocess.Popen(
        [program, "record", *options, "--format", "raw", "--output", str(path)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _named(frame: str) -> str:
    """A function and its file, without the folders that differ from machine to machine."""
    found = _FRAME.fullmatch(frame)
    if found is None:
        return frame
    file = found["file"].rpartition("site-packages/")[2].removeprefix(f"{Path.cwd()}/")
    return f"{found['name']}  {file}"
