"""The sentences of the program, gathered from its source, and the catalogues that translate them.

    python -m web.texts

brings the catalogues of `credits/locales` up to date: new sentences come in untranslated, and those that nothing says
any more go out. It prints what is left to translate.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2.ext import extract_from_ast

from credits.language import LOCALES
from web.rendering import TEMPLATES, environment

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("api", "web", "schema", "credits")
# Functions that are handed a sentence to be said, now or later.
SAYING = frozenset(
    {"_", "_form", "conflict", "invalid", "not_found", "PaymentAnswer", "Refusal", "refused", "say", "sentence"}
)
_ARGUMENTS_BEFORE = {
    "invalid": 1,
    "not_found": 1,
    "PaymentAnswer": 1,
    "Refusal": 1,
    "refused": 3,
}  # and only then the sentence


def sentences() -> dict[str, str]:
    """Every sentence that the program can say to a person, with the file that says it first."""
    found: dict[str, str] = {}
    for path in sorted(TEMPLATES.glob("*.html")):
        for _, _, message in extract_from_ast(environment.parse(path.read_text(encoding="utf-8")), ("_",)):
            text = message[0] if isinstance(message, tuple) else message
            if text is not None:
                found.setdefault(text, path.relative_to(ROOT).as_posix())
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "commands" in path.parts:  # the command line speaks English
                continue
            for message in _said_in(ast.parse(path.read_text(encoding="utf-8"))):
                found.setdefault(message, path.relative_to(ROOT).as_posix())
    return found


def bring_up_to_date(code: str) -> Catalog:
    """The catalogue of a language with exactly the sentences that are said, translated as far as they are."""
    path = LOCALES / f"{code}.po"
    before = _read(path, code)
    after = Catalog(locale=code, project="Communications Credits", fuzzy=False, header_comment=f"# {code}")
    said = sentences()
    for message in sorted(said):
        known = before.get(message)
        after.add(message, string=known.string if known else "", locations=[(said[message], 0)])
    return after


def write(code: str, catalogue: Catalog) -> None:
    """Keep a catalogue; the file says nothing about when it was made, so that it changes only when a sentence does."""
    with (LOCALES / f"{code}.po").open("wb") as file:
        write_po(file, catalogue, width=120, omit_header=True, include_lineno=False)


def _read(path: Path, code: str) -> Catalog:
    if not path.exists():
        return Catalog(locale=code)
    with path.open("rb") as file:
        return read_po(file, locale=code)


def _said_in(tree: ast.AST) -> Iterator[str]:
    """The texts handed to functions that say them: constant ones, and those of the names and tables handed over."""
    named = _texts_by_name(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name_of(node.func) in SAYING:
            reasons = [keyword.value for keyword in node.keywords if keyword.arg == "reason"]
            for argument in node.args[_ARGUMENTS_BEFORE.get(_name_of(node.func), 0) :] + reasons:
                yield from _texts(argument, named)
        elif isinstance(node, ast.FunctionDef) and node.name in SAYING:
            for default in node.args.defaults:
                yield from _texts(default, named)


def _texts_by_name(tree: ast.AST) -> dict[str, list[str]]:
    """The sentences that a module gives names to, alone or in a table."""
    named: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            values = node.value.values if isinstance(node.value, ast.Dict) else [node.value]
            for target in targets:
                named.setdefault(ast.unparse(target), []).extend(text for value in values for text in _texts(value, {}))
    return named


def _texts(node: ast.expr, named: dict[str, list[str]]) -> Iterator[str]:
    """The texts that an expression can be: a constant, a choice between two, a name, or a row of a table."""
    match node:
        case ast.Constant(value=str(text)) if text:
            yield text
        case ast.IfExp(body=first, orelse=second):
            yield from _texts(first, named)
            yield from _texts(second, named)
        case ast.Name(id=name) | ast.Subscript(value=ast.Name(id=name)):
            yield from named.get(name, [])


def _name_of(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def main() -> None:
    """Bring the Japanese catalogue up to date."""
    catalogue = bring_up_to_date("ja")
    write("ja", catalogue)
    for message in catalogue:
        if message.id and not message.string:
            print(message.id)


if __name__ == "__main__":
    main()
