"""The tests of a switch say what is missing; they are never left out."""

import shutil

import pytest

from tests.switch import installed


@pytest.mark.parametrize("name", ["kamailio", "sipp"])
def test_without_a_program_it_names_what_to_install(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)

    with pytest.raises(installed.NotInstalled, match=f"no {name}. .*apt-get install kamailio .* sip-tester"):
        installed.program(name)


def test_without_a_module_it_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "_MODULES", ("lost_and_gone.so",))

    with pytest.raises(installed.NotInstalled, match=r"lost_and_gone.so.*apt-get install kamailio"):
        installed.kamailio()
