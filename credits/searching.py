"""Searching: texts that contain what somebody typed."""


def like(text: str) -> str:
    """A LIKE pattern (with escape character \\) that finds a text anywhere, in capitals or not."""
    escaped = text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
