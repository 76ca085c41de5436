# Few words, each one line of help; `make check` is all that CI runs.

BIN := .venv/bin
PYTHON ?= $(or $(shell command -v python3.11),$(shell command -v python3))
WORKERS ?= 2
KILLS ?= 300
BENCHMARKS = $(filter-out __init__ rig,$(basename $(notdir $(wildcard bench/*.py))))

# The first `make ...` line under the README's heading about testing.
README_TEST = awk '/^\#/ { about_tests = /[Tt]est/ } about_tests && sub(/^[ $$]*make /, "make ") { print; exit }' README.md

# Some machines are set up to keep no compiled modules; then every process compiles for seconds what it imports.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test crash check bench bench-short migration lock vendor

help:  ## Say what each word does
	@sed -n 's/^\([a-z-]*\):.*##/\1/p' Makefile | while read -r word meaning; do printf '  make %-12s %s\n' "$$word" "$$meaning"; done

setup: .venv/ready  ## Build .venv from the lock file (needs Python 3.11 and nothing else)

.venv/ready: requirements.txt pyproject.toml
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name it with PYTHON=..." >&2; exit 1; }
	"$(PYTHON)" -m venv .venv
	@if $(BIN)/python -m pip install --quiet "$$(sed -n 's/^\(uv==[0-9.]*\).*/\1/p' requirements.txt)" && $(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.txt; \
		then echo "Installed with uv."; \
		else $(BIN)/python -m pip install --quiet --require-hashes -r requirements.txt && echo "Installed with pip."; fi
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch .venv/ready

demo: setup  ## Run a filled throw-away instance, and print its address, sign-in and token
	$(BIN)/credits demo

test: setup  ## Run the tests, on SQLite and on a PostgreSQL server of their own
	$(BIN)/pytest -n $(WORKERS) -m "not slow"

crash: setup  ## Kill processes that recharge and serve calls, hundreds of times, at each of their steps; race for long
	CREDITS_TEST_KILLS=$(KILLS) $(BIN)/pytest -n $(WORKERS) tests/faults/test_kills.py tests/faults/test_call_kills.py tests/faults/test_call_races.py

check: setup  ## Run all that CI runs: style, types, the README's test command, short benchmarks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@command="$$($(README_TEST))" && test -n "$$command" && echo "The README's test command: $$command" && sh -ec "$$command"
	@$(MAKE) --no-print-directory bench-short

bench: setup  ## Run every benchmark beside its yardstick
	@for name in $(BENCHMARKS); do $(BIN)/python -m bench.$$name || exit 1; done

bench-short: setup  ## Run every benchmark in its short form, which takes seconds
	@for name in $(BENCHMARKS); do BENCH_SHORT=1 $(BIN)/python -m bench.$$name || exit 1; done

migration: setup  ## Write the migration to the tables as they are defined now: MESSAGE="what it does"
	$(BIN)/python -c 'import sys; from db.migrations import write_migration; write_migration(sys.argv[1])' "$(MESSAGE)"
	$(BIN)/ruff format --quiet alembic

lock: setup  ## Resolve the dependencies anew and write requirements.txt
	$(BIN)/uv pip compile --quiet pyproject.toml --extra otel --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --upgrade -o requirements.txt

vendor: setup  ## Fetch the files of others that the pages serve again (needs npm)
	$(BIN)/python -m web.vendor
