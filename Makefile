# Everything from a bare checkout. Needs Python >= 3.11, GNU make and a package index; see `make help`.

PYTHON ?= python3
NEWEST_PYTHON ?= python3.13
BIN := .venv/bin
READY := .venv/.up-to-date
# GraphiQL and what /docs and /redoc load, built from web/ with the node and npm that .venv brings
# (docs/adr/0007-graphiql.md, 0030-libraries.md).
PAGE := graphql_schema/static/index.html
REST_PAGES := rest_compat/static/redoc.standalone.js
PAGE_SOURCES := $(wildcard web/*.html web/*.ts web/*.json) web/src web/examples $(wildcard web/src/* web/examples/*)
NODE_MODULES := web/node_modules/.package-lock.json
# The client for TypeScript, clients/typescript (docs/adr/0035-typescript-client.md).
CLIENT_MODULES := clients/typescript/node_modules/.package-lock.json
IN_PARALLEL := -n auto --dist worksteal
NPM := PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix

# What Python compiles is kept: recompiling takes each process two seconds.
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
.PHONY: help setup pages typescript run check test test-fast test-long bench
.DELETE_ON_ERROR:

help: ## Say what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) pages typescript ## Install everything into .venv, as uv.lock has it
	@echo 'Installed: $(BIN)/purser'

run: $(READY) pages ## Serve http://127.0.0.1:8000 with demonstration data (OPTIONS="--port 9000" for more)
	$(BIN)/purser serve --demo $(OPTIONS)

check: $(READY) $(NODE_MODULES) $(CLIENT_MODULES) ## Check style, types, the direction of imports and the schema file
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy examples
	$(BIN)/lint-imports
	$(BIN)/purser schema | diff --unified graphql_schema/schema.graphql -
	$(NPM) web --silent run check
	$(NPM) clients/typescript --silent run check

test: $(READY) pages typescript ## Run the test suite (OPTIONS="-k budget" for a part)
	$(BIN)/pytest -m "not long" $(IN_PARALLEL) $(OPTIONS)

test-fast: $(READY) pages ## Run most of it in a minute: no browser, no command, no whole recording
	$(BIN)/pytest -m "not long and not thorough" $(IN_PARALLEL) $(OPTIONS)

test-long: $(READY) pages typescript ## Run the tests that take minutes each
	$(BIN)/pytest -m long $(OPTIONS)

test-newest: $(READY) ## Run the engine's tests with the newest NautilusTrader, on NEWEST_PYTHON (3.12 or 3.13)
	UV_PROJECT_ENVIRONMENT=.venv-newest UV_PYTHON_DOWNLOADS=never $(BIN)/uv sync --quiet --frozen --no-group web --python "$(NEWEST_PYTHON)"
	.venv-newest/bin/pytest -m "not long" $(IN_PARALLEL) tests/clients/nautilus $(OPTIONS)

bench: $(READY) ## Run the side-by-side benchmarks
	$(BIN)/python -m bench $(OPTIONS)

$(READY): pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'Purser needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ...' >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv || { \
		echo 'Cannot make .venv: this Python comes without venv or ensurepip.' >&2; \
		echo 'Install them (Debian, Ubuntu: apt-get install python3-venv), then try again.' >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'
	UV_PROJECT_ENVIRONMENT=.venv UV_PYTHON_DOWNLOADS=never $(BIN)/uv sync --quiet --frozen
	@touch $@

# An installation without the pages is complete but for them, so it goes on where npm's registry is out of reach.
pages: $(READY)
	@$(MAKE) --silent $(REST_PAGES) $(PAGE) || \
		echo 'GraphiQL, /docs or /redoc was not built, see above; everything else works. `make setup` tries again.' >&2

# Neither depends on .venv being newer: another Python package does not change the pages.
$(PAGE): $(NODE_MODULES) $(PAGE_SOURCES) | $(READY)
	echo 'Building GraphiQL'
	$(NPM) web --silent run build -- --logLevel warn

$(REST_PAGES): $(NODE_MODULES) web/rest-pages $(wildcard web/rest-pages/*) | $(READY)
	$(NPM) web --silent run build:rest

typescript: $(READY)
	@$(MAKE) --silent $(CLIENT_MODULES) || \
		echo 'The packages of clients/typescript were not installed, see above; everything else works.' >&2

%/node_modules/.package-lock.json: %/package.json %/package-lock.json | $(READY)
	$(NPM) $* --loglevel error --no-fund --no-audit --no-progress ci --ignore-scripts
	@touch $@
