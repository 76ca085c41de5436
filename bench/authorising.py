"""Calls as a switch has them: authorised and settled through GraphQL over HTTP by 64 clients, beside pgbench.

On 10,000 accounts and all on one; on both engines; served by one process and by two: requests a second beside pgbench's
TPC-B transactions on the same server in the same run, before and after. Then the p99 of authorizeCall at half of that
load, requests leaving at a fixed rate and each wait counted from when it was due, beside what the disk alone takes to
keep a page. At the end the books are proved.

The short form, which runs beside other work, compares what a request and a transaction cost in processor time instead:
how many there are in a second depends on how many processes ask for the processors.

`--profile` shows instead where the time of one server process on PostgreSQL goes.
"""

import argparse
from collections.abc import Iterator, Sequence
from statistics import mean

from bench import rig
from bench.load.books import Books, Measured
from bench.load.calls import AUTHORIZE
from bench.load.clients import Tally
from bench.load.disk import Syncs, watched_disk
from bench.load.pgbench import Pace, Pgbench, pgbench_on
from bench.load.processes import Server, serving
from bench.load.profiling import show, watched
from tests import postgres

WORKERS = (1, 2)
LOAD_SECONDS, HALF_LOAD_SECONDS, YARDSTICK_SECONDS = (0.5, 0.5, 1) if rig.SHORT else (8, 8, 4)
PROFILE_SECONDS = 10
LEAST_RATIO_OF_MANY, LEAST_RATIO_OF_ONE = 0.5, 0.4
MOST_SECONDS = 0.025


def main() -> None:
    """Print every figure; or where the time goes."""
    parser = argparse.ArgumentParser(prog="python -m bench.authorising", description=__doc__.partition("\n")[0])
    parser.add_argument("--profile", action="store_true", help="show where the server's time goes (py-spy; as root)")
    if parser.parse_args().profile:
        profile()
    else:
        measure()


def measure() -> None:
    """Print every figure."""
    reached: list[bool] = []
    with (
        postgres.server(durable=True) as server,
        pgbench_on(server) as yardstick,
        rig.sqlite_database() as lite,
        rig.postgresql_database(server) as large,
    ):
        for name, database in (("SQLite", lite), ("PostgreSQL", large)):
            books = Books(database)
            for workers in WORKERS:
                with serving(database, workers=workers) as serves:
                    reached += compare(books, serves, yardstick, f"{name}, {told(workers)}")
            books.prove()
    rig.finish(reached)


def profile() -> None:
    """Show where the time of one server process goes under the full load."""
    with postgres.server(durable=True) as server, rig.postgresql_database(server) as database:
        books = Books(database)
        with serving(database, workers=1) as serves, watched(serves, PROFILE_SECONDS) as stacks:
            measured = books.under_load(serves, books.many, PROFILE_SECONDS)
        books.prove()
    print(f"{measured.tally.per_second:,.0f} requests/s, while being watched; {measured.costs}")
    show(stacks, measured.cost_micros("server"))


def compare(books: Books, serves: Server, yardstick: Pgbench, where: str) -> Iterator[bool]:
    """The full load beside the yardstick, then the waits at half of it; on many accounts, then on one."""
    paces = [yardstick.pace(YARDSTICK_SECONDS)]
    on_many = books.under_load(serves, books.many, LOAD_SECONDS)
    on_one = books.under_load(serves, books.one, LOAD_SECONDS)
    if not rig.SHORT:
        paces.append(yardstick.pace(YARDSTICK_SECONDS))
    yield judge_load(f"calls on 10,000 accounts, {where}", on_many, paces, LEAST_RATIO_OF_MANY)
    yield judge_load(f"calls on one account, {where}", on_one, paces, LEAST_RATIO_OF_ONE)
    for named, account_ids, loaded in (("10,000 accounts", books.many, on_many), ("one account", books.one, on_one)):
        with watched_disk() as syncs:
            half = books.at_rate(serves, account_ids, HALF_LOAD_SECONDS, loaded.tally.per_second / 2)
        yield judge_wait(f"authorizeCall on {named}, {where}", half.tally, syncs)


def judge_load(what: str, loaded: Measured, paces: Sequence[Pace], least: float) -> bool:
    """Print a run beside pgbench."""
    per_second, cost = loaded.tally.per_second, sum(map(loaded.cost_micros, loaded.used))
    transactions = mean(pace.per_second for pace in paces)
    transaction_cost = mean(pace.cost_micros for pace in paces)
    detail = f"{per_second:,.0f} requests/s against {transactions:,.0f} TPC-B/s; {loaded.costs};"
    detail += f" a TPC-B {transaction_cost:,.0f}"
    ratio = transaction_cost / cost if rig.SHORT else per_second / transactions
    return rig.report(what, ratio, least, detail)


def judge_wait(what: str, tally: Tally, syncs: Syncs) -> bool:
    """Print how long was waited for answers, and how long the disk alone took meanwhile. A bar in milliseconds holds
    for a quiet machine only."""
    p50, p99 = tally.wait(AUTHORIZE, 0.5), tally.wait(AUTHORIZE, 0.99)
    detail = f"p99 {p99 * 1e3:.1f} ms, p50 {p50 * 1e3:.1f} ms, at {tally.per_second:,.0f} requests/s; {syncs.told}"
    return rig.report(what, MOST_SECONDS / p99, 1.0, detail) or rig.SHORT


def told(workers: int) -> str:
    """How many processes serve, for a person."""
    return "1 process" if workers == 1 else f"{workers} processes"


if __name__ == "__main__":
    main()
