# Every target first sets up .venv from the hashed locks; with nothing changed that is one timestamp comparison.
PYTHON ?= python3
BIN := .venv/bin
PIP_COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate $(if $(UPGRADE),--upgrade)

STARTED := worker, api.server, ingestio.cli.demo, ingestio.extraction.local.engine, ingestio.media.readers, pikepdf, pypdf

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo up test long check fmt bench e2e pictures chaos lock audit samples evaluation reference clean

help: ## show the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

.venv/.bootstrap: requirements/bootstrap.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Ingestio needs Python 3.11 or newer, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.lock
	@touch $@

.venv/.run: .venv/.bootstrap requirements/run.lock pyproject.toml
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/run.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@# Start-up halves when everything it imports is compiled; where PYTHONDONTWRITEBYTECODE is set, nobody else would do it.
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -c 'import $(STARTED)'
	@touch $@

.venv/.dev: .venv/.run requirements/dev.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.lock
	@touch $@

setup: .venv/.run ## install what running needs
setup-dev: .venv/.dev ## install what developing needs

demo: setup ## sample batches in each strategy, then keep serving (ONCE=1: stop after them)
	@$(BIN)/ingestio demo $(if $(ONCE),--once)

up: setup ## start everything and serve
	@$(BIN)/ingestio up

# Three processes, because most of the suite waits for servers; each has servers of its own. Files or folders at a time (tests/conftest.py),
# and in our order: xdist's own, most tests first, begins what takes longest (few tests, many deaths) when everything else is over.
test: setup-dev ## the whole test suite
	$(BIN)/python -m pytest -n 3 --no-loadscope-reorder

long: setup-dev ## what the suite leaves out: the same tests in sizes that take a minute each, and with other examples
	$(BIN)/python -m pytest -m long
	$(BIN)/python -m pytest -m "hypothesis and not long" --hypothesis-profile=searching

check: setup-dev ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

fmt: setup-dev ## format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup-dev ## measured figures, each beside a floor or a peer of the same run
	$(BIN)/python -m benchmarks

e2e: setup-dev ## the browser tests alone; they need /usr/bin/chromium
	$(BIN)/python -m pytest -m e2e

pictures: setup-dev ## make the README's pictures anew, of pages and of the demo; they need /usr/bin/chromium
	$(BIN)/python -m pytest tests/e2e/pictures.py

chaos: setup-dev ## inject ROUNDS crashes at boundaries and at random moments, and break lines: make chaos ROUNDS=50 SEED=1
	$(BIN)/python -m tests.chaos --rounds $(or $(ROUNDS),50) $(if $(SEED),--seed $(SEED)) $(OPTIONS)

lock: .venv/.bootstrap ## resolve the dependencies anew, keeping what still fits (UPGRADE=1: the newest of each)
	$(PIP_COMPILE) requirements/bootstrap.in -o requirements/bootstrap.lock
	$(PIP_COMPILE) pyproject.toml --extra embedded -o requirements/run.lock
	$(PIP_COMPILE) pyproject.toml -c requirements/run.lock -o requirements/server.lock
	$(PIP_COMPILE) pyproject.toml --extra embedded --group dev -c requirements/run.lock -o requirements/dev.lock

audit: setup-dev ## look for known vulnerabilities; needs a network with an advisory source, so it is no gate
	$(BIN)/uv tool run pip-audit --strict --require-hashes -r requirements/run.lock

samples: setup-dev ## draw the sample documents anew
	$(BIN)/python -m tests.data.make_samples

evaluation: setup-dev ## draw the evaluation's data set, read it, and record the report in docs/
	rm -rf .ingestio/papers
	$(BIN)/python -m tests.data.make_evaluation .ingestio/papers
	$(BIN)/ingestio eval .ingestio/papers -o docs/evaluation.json -o docs/evaluation.md || test $$? -eq 3

reference: setup-dev ## write docs/reference.md anew from the code
	@$(BIN)/python -m tests.house.reference

clean: ## remove the environment; state in .ingestio stays
	rm -rf .venv
