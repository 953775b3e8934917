# Everything from a bare checkout. Needs Python >= 3.11, GNU make and a package index; see `make help`.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.up-to-date

.DEFAULT_GOAL := help
.PHONY: help setup run test test-long bench lint
.DELETE_ON_ERROR:

help: ## Say what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Install everything into .venv, as uv.lock has it
	@echo 'Installed: $(BIN)/purser'

run: $(READY) ## Serve http://127.0.0.1:8000 with demonstration data (OPTIONS="--port 9000" for more)
	$(BIN)/purser serve --demo $(OPTIONS)

test: $(READY) ## Run the test suite (OPTIONS="-k budget" for a part)
	$(BIN)/pytest -m "not long" -n auto --dist worksteal $(OPTIONS)

test-long: $(READY) ## Run the tests that take minutes each
	$(BIN)/pytest -m long $(OPTIONS)

bench: $(READY) ## Run the side-by-side benchmarks
	$(BIN)/python -m bench $(OPTIONS)

lint: $(READY) ## Check style, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

$(READY): pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'Purser needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ...' >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv || { \
		echo 'Cannot make .venv: this Python comes without venv or ensurepip.' >&2; \
		echo 'Install them (Debian, Ubuntu: apt-get install python3-venv), then try again.' >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'
	UV_PROJECT_ENVIRONMENT=.venv UV_PYTHON_DOWNLOADS=never $(BIN)/uv sync --quiet --frozen
	@touch $@
