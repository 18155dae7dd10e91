# make demo    see the main job done on a stand-in production database (no key, no account)
# make test    run the tests
# make test-all  and the slow ones
# make lint    linters and types
# make bench   benchmarks, as ratios
# make clean   remove the environment

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Two cores are enough; more workers than that only fight over the database. A file stays in one worker: the server,
# and so its roles, are everybody's.
WORKERS ?= 2

# Bytecode makes every start two to three times faster; an inherited setting must not take that away.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-all lint bench bench-lint bench-rollback bench-fix bench-speed clean setup
.DEFAULT_GOAL := setup

setup: $(READY)

$(READY): pyproject.toml
	@test -n "$(PYTHON)" || { echo "agentdb needs Python 3.11 or newer; set PYTHON=/path/to/python"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing agentdb and its tools into $(VENV) (about a minute, once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@$(BIN)/python -m compileall -q agents cli graph prompts tools migrations >/dev/null 2>&1 || true
	@touch $(READY)

demo: $(READY)
	@$(BIN)/agentdb demo

test: $(READY)
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile -m "not slow"

test-all: $(READY)
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python bench/snapshot_bench.py
	$(BIN)/python bench/startup_bench.py

# BENCH is a folder with rollback_bench.py and rollback/, the migration histories of public projects (not kept here).
bench-rollback: $(READY)
	@test -n "$(BENCH)" || { echo "say where the histories are: make bench-rollback BENCH=folder"; exit 2; }
	$(BIN)/python $(BENCH)/rollback_bench.py --root $(BENCH)/rollback --jobs 2 \
		--source py:agentdb.tools.rollback.bench:draft_one --out rollback_bench.jsonl
	$(BIN)/python $(BENCH)/rollback_bench.py --root $(BENCH)/rollback --jobs 2 --source human --out rollback_human.jsonl
	$(BIN)/python bench/rollback_table.py rollback_bench.jsonl rollback_human.jsonl

# squawk (GPL) is only run beside ours, from an environment of its own.
BENCH_VENV := .venv-bench
SQUAWK := $(BENCH_VENV)/bin/squawk

$(SQUAWK): $(READY)
	@$(BIN)/python -m venv $(BENCH_VENV)
	@$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check squawk-cli

# BENCH is a folder with lint_bench.py and lint/ (labelled cases), rollback/ (migration files).
bench-lint: $(READY) $(SQUAWK)
	@test -n "$(BENCH)" || { echo "say where the cases are: make bench-lint BENCH=folder"; exit 2; }
	@echo "== agentdb, measured"
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python $(BENCH)/lint_bench.py --cases $(BENCH)/lint/cases.jsonl --map evals/lint/agentdb.map.json
	@echo "== agentdb, read only, without a schema"
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python $(BENCH)/lint_bench.py --cases $(BENCH)/lint/cases.jsonl --map evals/lint/agentdb.map.json \
		--cmd 'agentdb check --static --format json --pg-version {pg_version} {wrap} {files}'
	@echo "== squawk"
	@PATH="$(CURDIR)/$(BENCH_VENV)/bin:$$PATH" $(BIN)/python $(BENCH)/lint_bench.py --cases $(BENCH)/lint/cases.jsonl --map $(BENCH)/lint/squawk.json

bench-speed: $(READY) $(SQUAWK)
	@test -n "$(BENCH)" || { echo "say where the files are: make bench-speed BENCH=folder"; exit 2; }
	$(BIN)/python bench/startup_bench.py
	$(BIN)/python bench/check_bench.py $(BENCH)/rollback --squawk $(SQUAWK) --cases $(BENCH)/lint/cases.jsonl

# The same folder, with lint/cases.jsonl: how many hazards of its unsafe files get a proven rewrite.
bench-fix: $(READY)
	$(BIN)/python bench/fix_bench.py $(if $(BENCH),--cases $(BENCH)/lint/cases.jsonl)

clean:
	rm -rf $(VENV) $(BENCH_VENV) .mypy_cache .pytest_cache .ruff_cache
