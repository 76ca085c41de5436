"""Every table. What belongs to an account has `account_id` first in each of its keys, so that a
database distributed by account can hold it; constraints stand behind every rule that one row can break.

Money is whole micro-units, a price whole nano-units, an instant whole microseconds since 1970 UTC:
all BIGINT, so that both engines store, compare and index them alike.
"""

from sqlalchemy import MetaData
from sqlmodel import SQLModel

from db.columns import NEVER
from db.tables import accounts, calls, money, notices, payments, people, plans, rates

__all__ = ["NEVER", "accounts", "calls", "metadata", "money", "notices", "payments", "people", "plans", "rates"]

metadata: MetaData = SQLModel.metadata
