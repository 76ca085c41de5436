"""Templates: a block of a page is rendered alone, too, so it must not need what stands outside every block.
On a phone a table has no head, so its cells say what they are."""

import re

import pytest
from jinja2 import nodes

from web.rendering import TEMPLATES, environment

PAGES = sorted(path.name for path in TEMPLATES.glob("*.html"))
# Lists of sums of money: the one figure at the right of a row is the sum that the row is about.
LISTS_OF_SUMS = {"calls.html", "funds.html", "ledger.html", "overview.html", "refund.html"}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_names_nothing_outside_its_blocks(name: str) -> None:
    tree = environment.parse((TEMPLATES / name).read_text(encoding="utf-8"))
    is_page = any(isinstance(node, nodes.Extends) for node in tree.body)

    named = [node.lineno for node in tree.body if isinstance(node, nodes.Assign | nodes.AssignBlock)]

    assert not (is_page and named)


@pytest.mark.parametrize("name", PAGES)
def test_a_figure_says_what_it_is_where_a_table_has_no_head(name: str) -> None:
    page = (TEMPLATES / name).read_text(encoding="utf-8")
    cells = [cell for table in re.findall(r'<table class="stack.*?</table>', page, re.DOTALL)
             for cell in re.findall(r"<td\b[^>]*>", table)]  # fmt: skip

    unsaid = [cell for cell in cells if re.search(r'class="[^"]*\bnumber\b', cell) and "data-label" not in cell]

    assert [cell for cell in unsaid if not (name in LISTS_OF_SUMS and "amount" in cell) and "colspan" not in cell] == []
