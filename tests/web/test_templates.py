"""Templates: a block of a page is rendered alone, too, so it must not need what stands outside every block."""

import pytest
from jinja2 import nodes

from web.rendering import TEMPLATES, environment

PAGES = sorted(path.name for path in TEMPLATES.glob("*.html"))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_names_nothing_outside_its_blocks(name: str) -> None:
    tree = environment.parse((TEMPLATES / name).read_text(encoding="utf-8"))
    is_page = any(isinstance(node, nodes.Extends) for node in tree.body)

    named = [node.lineno for node in tree.body if isinstance(node, nodes.Assign | nodes.AssignBlock)]

    assert not (is_page and named)
