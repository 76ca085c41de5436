"""The house's rules of style, held by reading the source. What each rule is for is in docs/development.md."""

import ast
import importlib.util
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main
from graphql import build_schema

from api.cli import app
from api.settings import Settings
from schema.schema import schema

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("api", "web", "schema", "credits", "db")  # a room may know the rooms after it, and none before
LONGEST_FUNCTION = 50
LONGEST_MODULE = 400
CLOCKS = {"now", "utcnow", "today", "time", "time_ns"}
OPENS_OR_ENDS = re.compile(r"f?['\"]+\s*(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)\b", re.IGNORECASE)


@cache
def tracked() -> list[Path]:
    """Every file of the project, as paths from its top."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [path for line in listed.stdout.splitlines() if (ROOT / (path := Path(line))).is_file()]


def modules(*rooms: str) -> list[Path]:
    """The Python modules in some folders at the top."""
    return [path for path in tracked() if path.suffix == ".py" and path.parts[0] in rooms]


@cache
def tree(path: Path) -> ast.Module:
    """A module, parsed."""
    return ast.parse((ROOT / path).read_text(), filename=str(path))


def nodes(path: Path, *kinds: type[ast.AST]) -> Iterator[Any]:
    """The nodes of some kinds in a module."""
    return (node for node in ast.walk(tree(path)) if isinstance(node, kinds))


def calls(path: Path) -> Iterator[tuple[str, str, int]]:
    """Each call in a module: what the function is taken from, its name, and the line."""
    for node in nodes(path, ast.Call):
        owner, _, name = ast.unparse(node.func).rpartition(".")
        yield owner, name, node.lineno


def imports(path: Path) -> Iterator[str]:
    """The name of each module that a module imports."""
    for node in nodes(path, ast.Import, ast.ImportFrom):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        else:
            assert node.level == 0, f"{path}:{node.lineno}: import by full name"
            yield node.module


def imported_names(path: Path) -> Iterator[tuple[str, str]]:
    """Each `from module import name`."""
    for node in nodes(path, ast.ImportFrom):
        yield from ((node.module, alias.name) for alias in node.names)


@pytest.mark.parametrize("room", ROOMS)
def test_arrows_point_inward(room: str) -> None:
    outer = {*ROOMS[: ROOMS.index(room)], "tests", "bench"}

    assert [(str(path), name) for path in modules(room) for name in imports(path) if name.split(".")[0] in outer] == []


def test_only_the_session_begins_commits_and_rolls_back() -> None:
    paths = [path for path in modules(*ROOMS, "alembic") if path != Path("db/session.py")]
    ends = {"begin", "begin_nested", "commit", "rollback"}
    by_call = [f"{path}:{line}" for path in paths for _, name, line in calls(path) if name in ends]
    by_sql = [f"{path}:{line}" for path in paths for line in statements_that_open_or_end(path)]

    assert by_call + by_sql == []


def statements_that_open_or_end(path: Path) -> Iterator[int]:
    """Lines where a text that opens or ends a transaction is handed to a call."""
    for call in nodes(path, ast.Call):
        if ast.unparse(call.func).endswith(("execute", "row", "rows", "text")):
            yield from (each.lineno for each in call.args if OPENS_OR_ENDS.match(ast.unparse(each)))


def test_every_module_says_what_it_is_for() -> None:
    paths = modules(*ROOMS, "alembic", "bench", "tests")

    assert [str(path) for path in paths if tree(path).body and not ast.get_docstring(tree(path))] == []


def test_no_function_is_longer_than_fifty_lines() -> None:
    long = [
        f"{path}:{node.lineno} {node.name}: {lines} lines"
        for path in modules(*ROOMS, "bench")
        for node in nodes(path, ast.FunctionDef, ast.AsyncFunctionDef)
        if (lines := node.end_lineno - node.lineno + 1) > LONGEST_FUNCTION
    ]

    assert long == []


def test_no_module_is_longer_than_four_hundred_lines() -> None:
    counted = {str(path): len((ROOT / path).read_text().splitlines()) for path in modules(*ROOMS, "bench")}

    assert {path: lines for path, lines in counted.items() if lines > LONGEST_MODULE} == {}


def test_no_float_touches_money() -> None:
    rooms = modules("credits", "schema", "db", "web")

    assert [
        f"{path}:{line}" for path in rooms for owner, name, line in calls(path) if (owner, name) == ("", "float")
    ] == []


def test_time_is_handed_in_below_the_running_program() -> None:
    paths = modules("web", "schema", "credits", "db", "bench")
    asked = [
        f"{path}:{line}"
        for path in paths
        for owner, name, line in calls(path)
        if name in CLOCKS and owner.split(".")[-1] in {"datetime", "date", "time"}
    ]
    taken = [
        str(path) for path in paths for each in imported_names(path) if each in {("time", "time"), ("time", "time_ns")}
    ]

    assert asked + taken == []


def test_the_migrations_folder_does_not_shadow_the_library() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()


def test_every_setting_is_in_the_docs() -> None:
    names = {f"CREDITS_{field.upper()}" for field in Settings.model_fields}

    assert names - documented_variables() == set()


def test_every_environment_variable_that_is_named_anywhere_is_in_the_docs_and_the_other_way_round() -> None:
    settings = {f"CREDITS_{field.upper()}" for field in Settings.model_fields}
    paths = [path for path in tracked() if path.suffix == ".py" or path.name in ("Makefile", "run")]
    used = {name for path in paths for name in variables((ROOT / path).read_text())}

    assert used - documented_variables() == set()
    assert documented_variables() - used - settings == set()


def variables(text: str) -> set[str]:
    """The project's environment variables that a text names."""
    return set(re.findall(r"\bCREDITS_[A-Z][A-Z_]*[A-Z]\b", text))


def documented_variables() -> set[str]:
    """The environment variables that the docs name."""
    return variables("\n".join(path.read_text() for path in (ROOT / "docs").glob("*.md")))


def test_every_command_and_option_is_in_the_docs() -> None:
    written = (ROOT / "docs" / "commands.md").read_text()
    missing = [word for word in words_of(typer.main.get_command(app), "credits") if word not in written]

    assert missing == []


def words_of(command: Any, name: str) -> Iterator[str]:
    """A command's full name and its options, and those of the commands within it."""
    for inner_name, inner in getattr(command, "commands", {}).items():
        yield f"{name} {inner_name}"
        yield from words_of(inner, f"{name} {inner_name}")
    for parameter in command.params:
        completion = {"--install-completion", "--show-completion"}
        yield from (word for word in parameter.opts if word.startswith("--") and word not in {"--help", *completion})


def test_schema_graphql_is_the_schema() -> None:
    assert (ROOT / "schema.graphql").read_text().strip() == schema.as_str().strip()


def test_the_schema_keeps_the_contract(shared_data: Path) -> None:
    design = shared_data.parent / "design"
    contract = build_schema((design / "contract.graphql").read_text())
    check = contract_checker(design / "check_contract.py")

    assert list(check.shortfalls(build_schema(schema.as_str()), contract)) == []


def contract_checker(path: Path) -> Any:
    """The program that holds a schema against the contract, as a module."""
    spec = importlib.util.spec_from_file_location("check_contract", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def texts() -> Iterator[tuple[Path, str]]:
    """Every text file of our own."""
    for path in tracked():
        if path.parts[:3] != ("web", "static", "vendor"):
            try:
                yield path, (ROOT / path).read_text()
            except UnicodeDecodeError:
                continue


def test_nothing_is_left_to_do() -> None:
    left = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")

    assert [str(path) for path, text in texts() if left.search(text)] == []


def test_no_package_registry_and_no_folder_of_one_machine_is_named() -> None:
    registry = re.compile(r"https?://[^\s\"']*(pypi|pythonhosted|npmjs|npmmirror|yarnpkg|registry)")
    folder = re.compile(r"(?<![\w.])/(work|root|home/\w+)" r"/")

    assert [str(path) for path, text in texts() if registry.search(text) or folder.search(text)] == []
