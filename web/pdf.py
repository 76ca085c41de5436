"""Receipts and invoices as PDF: a calm letter on one sheet, or on as many as its lines need.

No font file is embedded: Latin is set in Helvetica (an accent that it lacks is left out), and all else in the fonts
that every reader of PDF has for the languages of East Asia; the choice is made per run of letters. The same document
is the same bytes.
"""

import unicodedata
from collections.abc import Iterable
from functools import cache
from io import BytesIO
from itertools import groupby
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4, letter
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from web.paper import Line, Paper

_INK, _QUIET, _RULE, _RED = HexColor("#1e1b17"), HexColor("#655e54"), HexColor("#b9b0a2"), HexColor("#a32a1c")
_MARGIN_MM = 24
_FACTS_MM = 74

# The codec tells which letters a font has. What none of them has is left to the first of East Asia.
_LATIN = ("Helvetica", "cp1252")
_OF_EAST_ASIA = (("HeiseiKakuGo-W5", "cp932"), ("HYGothic-Medium", "cp949"), ("STSong-Light", "gb18030"))
_AS_LATIN = str.maketrans({"−": "–", "￥": "¥", "\u202f": "\u00a0", "Ł": "L", "ł": "l", "Đ": "D", "đ": "d"})


def pdf_of(paper: Paper) -> bytes:
    """A document as PDF, on the paper of its reader's country."""
    _know_fonts()
    written = BytesIO()
    width, height = letter if paper.is_letter else A4
    margin = _MARGIN_MM * mm
    sheet = SimpleDocTemplate(
        written,
        pagesize=(width, height),
        leftMargin=margin,
        rightMargin=margin,
        topMargin=margin,
        bottomMargin=margin,
        title=f"{paper.title} {paper.number}",
        author=paper.seller[0] if paper.seller else "",
        invariant=1,
    )
    sheet.build(
        _contents(paper, width - 2 * margin - 12),  # a frame pads its contents by 6 points on each side
        onFirstPage=_foot(paper),
        onLaterPages=_foot(paper),
    )
    return written.getvalue()


def _contents(paper: Paper, width: Any) -> list[Any]:
    return [
        _head(paper, width),
        Spacer(0, 12 * mm),
        _parties(paper, width),
        Spacer(0, 12 * mm),
        _bill(paper, width),
        Spacer(0, 6 * mm),
        *(_text(note, _SMALL) for note in paper.notes),
    ]


def _head(paper: Paper, width: Any) -> Table:
    """Who sold at the left, what this is at the right."""
    seller = [_text(line, _NAME if place == 0 else _SMALL) for place, line in enumerate(paper.seller)]
    title = [_text(paper.title, _TITLE)]
    if paper.stamp:
        title.append(_text(paper.stamp, _ALARM if paper.is_alarming else _STAMP))
    table = Table([[seller, title]], colWidths=[width * 0.6, width * 0.4])
    table.setStyle(TableStyle([*_FLUSH, ("VALIGN", (0, 0), (-1, -1), "TOP")]))
    return table


def _parties(paper: Paper, width: Any) -> Table:
    """Who bought at the left, the facts at the right."""
    buyer = [_text(paper.addressed, _SMALL)]
    buyer += [_text(line, _STRONG if place == 0 else _SMALL) for place, line in enumerate(paper.buyer)]
    facts = Table(
        [[_text(label, _SMALL), _text(value, _VALUE)] for label, value in paper.facts],
        colWidths=[_FACTS_MM * mm * 0.42, _FACTS_MM * mm * 0.58],
    )
    facts.setStyle(TableStyle([*_FLUSH, ("VALIGN", (0, 0), (-1, -1), "TOP"), ("BOTTOMPADDING", (0, 0), (-1, -1), 2)]))
    table = Table([[buyer, facts]], colWidths=[width - _FACTS_MM * mm, _FACTS_MM * mm])
    table.setStyle(TableStyle([*_FLUSH, ("VALIGN", (0, 0), (-1, -1), "TOP"), ("RIGHTPADDING", (0, 0), (0, 0), 18)]))
    return table


def _bill(paper: Paper, width: Any) -> Table:
    """The lines, their total, what went back and what is left; rules stand above the totals."""
    rows: list[tuple[Line, bool]] = [(line, False) for line in paper.lines]
    rows.append((paper.total, True))
    rows += [(line, False) for line in paper.returns]
    if paper.rest is not None:
        rows.append((paper.rest, True))
    cells = [
        [_described(line, is_sum), _text(line.amount, _SUM_FIGURE if is_sum else _FIGURE)] for line, is_sum in rows
    ]
    table = Table(cells, colWidths=[width * 0.7, width * 0.3])
    rules = [("LINEABOVE", (0, 0), (-1, 0), 0.8, _RULE)]
    rules += [("LINEABOVE", (0, place), (-1, place), 0.8, _INK) for place, (_, is_sum) in enumerate(rows) if is_sum]
    padding = [("TOPPADDING", (0, 0), (-1, -1), 6), ("BOTTOMPADDING", (0, 0), (-1, -1), 7)]
    table.setStyle(TableStyle([*_FLUSH, *padding, *rules, ("VALIGN", (0, 0), (-1, -1), "TOP")]))
    return table


def _described(line: Line, is_sum: bool) -> list[Paragraph]:
    said = [_text(line.text, _STRONG if is_sum else _BODY)]
    return [*said, _text(line.below, _SMALL)] if line.below else said


def _foot(paper: Paper) -> Any:
    """Number and page, at the foot of each sheet."""

    def write(canvas: Any, sheet: Any) -> None:
        foot = _text(f"{paper.number} · {canvas.getPageNumber()}", _SMALL)
        foot.wrap(sheet.width, 12)
        foot.drawOn(canvas, sheet.leftMargin + 6, _MARGIN_MM * mm / 2)

    return write


def _text(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph("".join(_marked(text)), style)


def _marked(text: str) -> Iterable[str]:
    """A text with each run of letters in a font that has them."""
    for font, run in groupby(map(_plain, text.translate(_AS_LATIN)), _font_for):
        written = escape("".join(run))
        yield written if font == _LATIN[0] else f'<font name="{font}">{written}</font>'


@cache
def _plain(letter_: str) -> str:
    """A Latin letter without the accent that Helvetica lacks; any other letter as it is."""
    if _written_in(_LATIN[1], letter_):
        return letter_
    return _written_in(_LATIN[1], unicodedata.normalize("NFD", letter_)[0]) or letter_


@cache
def _font_for(letter_: str) -> str:
    if ord(letter_) > 0xFFFF:  # these fonts know the basic plane alone
        return _LATIN[0]
    for font, codec in (_LATIN, *_OF_EAST_ASIA):
        if _written_in(codec, letter_):
            return font
    return _OF_EAST_ASIA[0][0]


def _written_in(codec: str, letter_: str) -> str:
    """The letter if a codec has it, else nothing."""
    return letter_.encode(codec, "ignore").decode(codec)


@cache
def _know_fonts() -> None:
    for font, _ in _OF_EAST_ASIA:
        pdfmetrics.registerFont(UnicodeCIDFont(font))


def _style(name: str, size: int, *, font: str = "Helvetica", color: Color = _INK, **more: Any) -> ParagraphStyle:
    return ParagraphStyle(name, fontName=font, fontSize=size, leading=size * 1.4, textColor=color, **more)


_FLUSH: list[Any] = [
    ("LEFTPADDING", (0, 0), (-1, -1), 0),
    ("RIGHTPADDING", (0, 0), (-1, -1), 0),
    ("TOPPADDING", (0, 0), (-1, -1), 0),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 0),
]
_BODY = _style("body", 10)
_SMALL = _style("small", 9, color=_QUIET)
_STRONG = _style("strong", 10, font="Helvetica-Bold")
_NAME = _style("name", 11, font="Helvetica-Bold")
_TITLE = _style("title", 22, alignment=TA_RIGHT)
_STAMP = _style("stamp", 10, color=_QUIET, alignment=TA_RIGHT)
_ALARM = _style("alarm", 10, color=_RED, alignment=TA_RIGHT)
_VALUE = _style("value", 9, alignment=TA_RIGHT)
_FIGURE = _style("figure", 10, alignment=TA_RIGHT)
_SUM_FIGURE = _style("sum figure", 10, font="Helvetica-Bold", alignment=TA_RIGHT)
