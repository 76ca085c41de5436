"""Doing things at once: in threads that are let go together, and in processes of their own."""

import importlib
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest

from credits.refusals import Refusal


def at_once(*things: Callable[[], Any]) -> list[Any]:
    """Do things in as many threads, all let go together; a refusal counts as an answer."""
    gate = Barrier(len(things))

    def do(thing: Callable[[], Any]) -> Any:
        gate.wait()
        try:
            return thing()
        except Refusal as refusal:
            return refusal

    with ThreadPoolExecutor(len(things)) as pool:
        return list(pool.map(do, things))


class Meeting:
    """A place in the middle of a verb where two who got so far wait for each other. Whoever is alone there because a
    lock keeps the other out goes on after a moment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        module, _, function = name.rpartition(".")
        self._verb = getattr(importlib.import_module(module), function)
        self._gate = Barrier(2)
        monkeypatch.setattr(name, self._met)

    def _met(self, *parts: Any, **named: Any) -> Any:
        with suppress(BrokenBarrierError):
            self._gate.wait(timeout=0.2)
        return self._verb(*parts, **named)


def in_processes(do: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Do a thing in as many processes, each with its own arguments; whatever goes wrong in one is raised here."""
    clean = multiprocessing.get_context("forkserver")
    clean.set_forkserver_preload(["tests.books", "tests.faults.switches"])
    with ProcessPoolExecutor(len(calls), mp_context=clean) as pool:
        started: list[Future[Any]] = [pool.submit(_do, do, arguments) for arguments in calls]
        return [future.result() for future in started]


def _do(do: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Do it; a refusal goes to another process in words only."""
    try:
        return do(*arguments)
    except Refusal as refusal:
        raise AssertionError(f"refused: {refusal!r}") from None
