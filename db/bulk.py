"""Many rows in one statement, as PostgreSQL takes them: one array a column."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.dialects import postgresql
from sqlmodel import SQLModel

_POSTGRESQL: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call] # the library leaves it untyped


@lru_cache(maxsize=64)
def insert_of_many(table: str, columns: tuple[str, ...]) -> str:
    """PostgreSQL takes in many rows from one array a column, in one statement."""
    names = ", ".join(columns)
    return f'INSERT INTO "{table}" ({names}) SELECT * FROM unnest({_unnested(table, columns)})'


@lru_cache(maxsize=64)
def update_of_many(table: str, keys: tuple[str, ...], columns: tuple[str, ...]) -> str:
    """PostgreSQL changes many rows from one array a column, in one statement."""
    named = (*keys, *columns)
    sets = ", ".join(f"{column} = new.{column}" for column in columns)
    found = " AND ".join(f"old.{key} = new.{key}" for key in keys)
    rows = f"unnest({_unnested(table, named)}) AS new ({', '.join(named)})"
    return f'UPDATE "{table}" AS old SET {sets} FROM {rows} WHERE {found}'


def _unnested(table: str, columns: tuple[str, ...]) -> str:
    kinds = SQLModel.metadata.tables[table].columns
    return ", ".join(f"?::{kinds[column].type.compile(_POSTGRESQL)}[]" for column in columns)


def arrays_of(rows: Sequence[Sequence[Any]]) -> list[str]:
    """One array a column."""
    return [array_text(values) for values in zip(*rows, strict=True)]


def array_text(values: Iterable[Any]) -> str:
    """Values of one kind as an array: the driver's own way looks at every element again and again."""
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if not isinstance(value, str):
        return str(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
