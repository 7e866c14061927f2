# `make demo` and `make test` do all the set-up themselves. Nothing here needs more than Python 3.11+, make and a C library.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help demo test test-slow test-spark lint types check bench lock clean
help: ## list the commands
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

.venv/.ready: requirements-dev.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "dianzhi needs Python 3.11 or later; set PYTHON=…")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q engine grouper pointvalue api fixtures
	@touch .venv/.ready

demo: .venv/.ready ## settle a year of the demo city, end to end
	$(BIN)/python -m engine.cli demo

test: .venv/.ready ## the tests
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-slow: .venv/.ready ## the tests that take minutes
	$(BIN)/python -m pytest -n 2 -m slow

SPARK := pyspark>=3.5,<5 py4j pandas>=2.2,<3 python-dateutil pytz tzdata six
.spark/.ready: .venv/.ready
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --upgrade --target .spark $(foreach lib,$(SPARK),"$(lib)")
	@touch .spark/.ready

test-spark: .spark/.ready ## the executor for Spark, on this machine (needs Java); its libraries stay outside .venv
	PYTHONPATH=.spark $(BIN)/python -m pytest -q tests/test_execute_spark.py

lint: .venv/.ready ## style, format, import direction
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: .venv/.ready ## mypy strict on the four packages
	$(BIN)/mypy

check: test lint types ## everything CI runs

bench: .venv/.ready ## speed and memory of grouping and settling, as ratios within one run
	$(BIN)/python -m bench

lock: ## resolve the lock files anew (needs uv)
	uv pip compile pyproject.toml --extra postgres --universal --python-version 3.11 --generate-hashes --no-header -q -o requirements.lock
	uv pip compile pyproject.toml --extra postgres --universal --python-version 3.11 --generate-hashes --no-header -q --group dev -o requirements-dev.lock
	! grep -nE 'https?://|index-url' requirements.lock requirements-dev.lock

clean: ## remove the environment and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build dist
