# The few words of this project. `make` alone lists them. On Windows: make.bat, with the same words.

PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo demo-directory demo-mim test test-all coverage check fix bench docs lock clean run-env dev-env docs-env

help: ## list these words
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | while IFS='|' read -r word text; do printf '  make %-14s %s\n' "$$word" "$$text"; done

demo: run-env ## run AutoSync on sample data (ARGS="--port 8481")
	@$(BIN)/autosync demo $(ARGS)

demo-mim: dev-env ## run AutoSync on a stand-in for a MIM server
	@$(BIN)/autosync demo mim $(ARGS)

demo-directory: run-env ## the same, with a real OpenLDAP as directory
	@$(BIN)/python scripts/demo_directory.py $(ARGS)

test: dev-env ## the everyday tests, in parallel (ARGS="-k queue")
	@$(BIN)/pytest -q -n 2 --dist loadfile -m "not slow" $(ARGS)

test-all: dev-env ## every test, also the slow ones
	@$(BIN)/pytest -q -n 2 --dist loadfile $(ARGS)

coverage: dev-env ## the everyday tests, with branch coverage
	@$(BIN)/pytest -q -n 2 --dist loadfile -m "not slow" --cov --cov-report=term $(ARGS)

check: dev-env ## format, lint, types, layers (ARGS="--docs")
	@$(BIN)/python scripts/check $(ARGS)

fix: dev-env ## format, and repair what the linter can repair
	@$(BIN)/ruff check --fix-only --quiet . ; $(BIN)/ruff format .

bench: dev-env ## the benchmarks
	@$(BIN)/python -m benchmarks $(ARGS)

docs: docs-env ## the documentation, in build/docs/index.html
	@$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet -b html docs build/docs $(ARGS)
	@echo "build/docs/index.html"

lock: ## pin the requirements anew (ARGS="--upgrade")
	@$(PYTHON) scripts/lock.py $(ARGS)

clean: ## remove everything that can be made again
	@rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist .coverage .coverage.*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

run-env:
	@$(PYTHON) scripts/bootstrap.py run

dev-env:
	@$(PYTHON) scripts/bootstrap.py dev

docs-env:
	@$(PYTHON) scripts/bootstrap.py docs
