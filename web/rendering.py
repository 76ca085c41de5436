"""Rendering: the whole page, or the one block of it that an htmx request is about to replace.

A block's name is the id of its element, and the id that `hx-target` names; htmx sends it back as HX-Target
(`section#lots`). So handlers never ask who is calling, and every page works without JavaScript.
"""

import json
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, nodes
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from credits.language import LANGUAGES, Language
from web.assets import static
from web.figures import figures_for, smallest_unit
from web.reader import THEMES, address_of, language_of, theme_of
from web.words import choices, plan_name, word

TEMPLATES = Path(__file__).with_name("templates")

_ROLES = ("VIEWER", "BILLING", "ADMIN", "OPERATOR")


class Templates(Environment):
    """The templates; those of a language have its sentences written into them when they are compiled, save those that
    have values."""

    def __init__(self, language: Language | None = None) -> None:
        super().__init__(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self.globals.update(static=static, smallest_unit=smallest_unit, languages=LANGUAGES, themes=THEMES)
        self._language = language

    def _generate(self, source: nodes.Template, *rest: Any, **named: Any) -> str:
        if self._language is not None:
            for output in source.find_all(nodes.Output):
                output.nodes = [self._said(each, self._language) for each in output.nodes]
        return super()._generate(source, *rest, **named)

    def _said(self, shown: nodes.Expr, language: Language) -> nodes.Expr:
        match shown:
            case nodes.Call(node=nodes.Name(name="_"), args=[nodes.Const(value=message)], kwargs=[], dyn_kwargs=None):
                return nodes.TemplateData(str(escape(language.say(message))))
        return shown


environment = Templates()


@cache
def templates_in(language: Language) -> Templates:
    """The templates of a language."""
    return Templates(language)


def render(request: Request, template: str, *, status_code: int = 200, **values: Any) -> HTMLResponse:
    """A page of `templates/`, or its block that HX-Target names."""
    templates = templates_in(language_of(request))
    page, base = templates.get_template(template), templates.get_template("base.html")
    known = {**_surroundings(request, templates, values), **values}
    block = _block(page, base, request)
    html = page.render(known) if block is None else _render_block(page, base, block, known)
    headers = {"Cache-Control": "no-store", "Vary": "HX-Target, Cookie, Accept-Language"}
    return HTMLResponse(html, status_code, headers)


def say(language: Language, message: str, **values: Any) -> str:
    """A sentence in the reader's language; markup among its values stays markup, all else is escaped later."""
    if values and any(isinstance(value, Markup) for value in values.values()):
        return Markup(escape(language.say(message, **{name: f"{{{name}}}" for name in values}))).format(**values)
    return language.say(message, **values)


def _surroundings(request: Request, templates: Templates, values: Mapping[str, Any]) -> dict[str, Any]:
    """What every template may use, beside what its handler gives it."""
    language = language_of(request)
    data = values.get("data") or {}
    account = data.get("account")
    figures = figures_for(language, account)
    known: dict[str, Any] = {
        "_": partial(say, language),
        "lang": language.code,
        "theme": theme_of(request),
        "word": partial(word, language),
        "choices": partial(choices, language),
        "plan_name": partial(plan_name, language),
        "figures": figures,
        "money": figures.money,
        "figure": figures.figure,
        "when": figures.when,
        "path": request.url.path,
        "address": address_of(request),
        "csrf_token": getattr(request.state, "csrf_token", ""),
        "signed_in": getattr(request.state, "signed_in", False),
        "graphiql": _graphiql(request),
        "viewer": data.get("viewer"),
        "account": account,
        "may": partial(_may, account),
        "has_role": partial(_has_role, account),
        "errors": [],
        "typed": {},
    }
    macros: Template = templates.get_template("macros.html")
    known["ui"] = macros.make_module(known | {name: each for name, each in values.items() if name in known})
    return known


def _may(account: Mapping[str, Any] | None, role: str) -> bool:
    """Whether the reader may change what is for this role; only what the page offers hangs on it. A closed account is
    changed by nobody."""
    return account is not None and account["status"] != "CLOSED" and _has_role(account, role)


def _has_role(account: Mapping[str, Any] | None, role: str) -> bool:
    """Whether the reader has at least this role in the account."""
    return account is not None and _ROLES.index(account["viewerRole"]) >= _ROLES.index(role)


def _block(page: Template, base: Template, request: Request) -> str | None:
    """The block of a page that HX-Target names, if it has one of that name; `page` itself stands in the base."""
    name = request.headers.get("hx-target", "").partition("#")[2]
    return name if name in page.blocks or name in base.blocks else None


def _render_block(page: Template, base: Template, block: str, known: dict[str, Any]) -> str:
    context = page.new_context(known)
    for name, render_inherited in base.blocks.items():
        context.blocks.setdefault(name, []).append(render_inherited)
    return "".join(context.blocks[block][0](context))


def _graphiql(request: Request) -> str | None:
    """The address that opens this page's question in GraphiQL."""
    asked = getattr(request.state, "asked", None)
    if asked is None:
        return None
    query, variables = asked
    return f"/graphql?{_query_part(query)}&{urlencode({'variables': json.dumps(variables, ensure_ascii=False)})}"


@cache
def _query_part(query: str) -> str:
    """A page's question as a part of an address. There are as many as documents of pages."""
    return urlencode({"query": query})
