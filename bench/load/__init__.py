"""Load on a running server: lean clients, the server as its users start it, pgbench, and what each costs in CPU."""
