"""Cells of the CSV files that we write: no spreadsheet takes one for a formula, and each is read back as it was."""

_BEGIN_FORMULAS = frozenset("=+-@\t\r")
_GUARD = "'"


def harmless(text: str) -> str:
    """A cell that no spreadsheet takes for a formula; numbers and telephone numbers stay as they are."""
    if not text or text[0] not in _BEGIN_FORMULAS:
        return text
    if text[0] in "+-" and text[1:].replace(".", "", 1).isdigit():
        return text
    return _GUARD + text


def unguarded(cell: str) -> str:
    """The text that `harmless` made a cell of."""
    return cell[1:] if cell.startswith(_GUARD) and cell[1:2] in _BEGIN_FORMULAS else cell
