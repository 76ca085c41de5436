"""Letters as HTML mail: styles stand in the elements, as mail programs want them, and nothing comes from elsewhere."""

from credits.letters import Letter
from web.rendering import environment


def html_of(letter: Letter, *, locale: str, base_url: str) -> str:
    """A letter as a page of mail; `base_url` is put before its link's path."""
    return environment.get_template("mail/notice.html").render(letter=letter, lang=locale, base_url=base_url)
