"""How PostgreSQL looks up what many accounts have one of, and some a million: by its key, and not among all that an
account has, which is the same as long as nobody asks for the account that has a million."""

import pytest

from credits.call_states import READ_EACH
from db.session import Database
from tests.books import open_books

ACCOUNTS = 40
# As the server itself asks, when an entry names a call (its RI_FKey_check).
NAMED_BY_AN_ENTRY = "SELECT 1 FROM ONLY call x WHERE account_id = $1 AND call_no = $2 FOR KEY SHARE OF x"


@pytest.fixture
def accounts_of_a_call_each(postgresql_database: Database) -> Database:
    """Accounts of which none has more than a call, as PostgreSQL knows."""
    for number in range(ACCOUNTS):
        books = open_books(postgresql_database, name=f"Account {number}")
        books.grant(10)
        books.charge(1)
    with postgresql_database.transaction() as session:
        session.execute("ANALYZE")
    return postgresql_database


@pytest.mark.parametrize(
    ("statement", "types", "index"),
    [
        (READ_EACH.replace("?", "$1", 1).replace("?", "$2", 1), "bigint[], text[]", "uq_call_account_id_call_id"),
        (NAMED_BY_AN_ENTRY, "bigint, bigint", "pk_call"),
    ],
)
def test_a_call_is_looked_up_by_its_key_however_few_an_account_has(
    accounts_of_a_call_each: Database, statement: str, types: str, index: str
) -> None:
    nothing = ", ".join(["NULL"] * (types.count(",") + 1))
    with accounts_of_a_call_each.transaction() as session:
        session.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        session.execute(f"PREPARE asked ({types}) AS {statement}")

        plan = [line for (line,) in session.rows(f"EXPLAIN EXECUTE asked ({nothing})")]

        session.execute("DEALLOCATE asked")
    place = next(number for number, line in enumerate(plan) if "Scan using" in line)
    assert index in plan[place], plan
    assert plan[place + 1].count("=") == 2, plan
