# From a fresh clone each target installs what it needs first; a second run finds it there.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEVELOPMENT := $(VENV)/.installed-dev
CONSOLE_INSTALLED := ui/node_modules/.installed
FOREIGN_INSTALLED := tests/foreign/node_modules/.installed
CONSOLE := src/fleetops/operator/static/index.html
CONSOLE_SOURCES := $(shell find ui/src ui/public ui/index.html ui/vite.config.ts ui/tsconfig.json -type f 2>/dev/null)
LOCK_TOOLS := build/lock-tools

# The first Python of 3.11 or later; an installed name may still be a stub that cannot run.
find_python = $(shell for python in python3.13 python3.12 python3.11 python3; do \
  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo "$$python" && break; done)
PYTHON = $(find_python)

.PHONY: help
help:  ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: install
install: $(DEVELOPMENT)  ## the Python environment in .venv, for development

.PHONY: demo
demo: $(INSTALLED) $(CONSOLE)  ## replay the golden scenes, or DATASET=PATH, and watch it: everything in one command
	$(BIN)/fleetops demo $(if $(DATASET),--dataset '$(DATASET)') $(ARGS)

.PHONY: console
console: $(CONSOLE)  ## build the console into the package

.PHONY: check
check: $(DEVELOPMENT) $(CONSOLE_INSTALLED)  ## lint, formats, types, import rules, unit tests, generated files: about a minute
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m fleetops.contracts.schemas check
	for service in replay anomaly operator; do $(BIN)/python -m fleetops.$$service.openapi check; done
	$(BIN)/python -m fleetops.operator.asyncapi check
	$(BIN)/pytest -q tests/unit tests/scenarios
	cd ui && npm run --silent check

.PHONY: test
test: check system-packages $(CONSOLE) $(FOREIGN_INSTALLED)  ## everything: check, then all tests on real servers and in a real browser
	$(BIN)/pytest tests --ignore=tests/unit --ignore=tests/scenarios
	cd ui && npm run --silent e2e

.PHONY: bench-stream
bench-stream: $(DEVELOPMENT)  ## detection from Kafka to Kafka, beside loops that do less (ARGS='--broker tansu --json PATH')
	$(BIN)/python -m bench.stream $(ARGS)

.PHONY: bench-detect
bench-detect: $(DEVELOPMENT)  ## the detector alone, compiled and plain, as the fleet grows
	$(BIN)/python -m bench.detect $(ARGS)

# The real scene may not lie in the repository; what the rules make of it may.
L5KIT_SAMPLE := $(or $(FLEETOPS_L5KIT_SAMPLE),../shared/data/l5kit_sample/single_scene.zarr)

.PHONY: scorecard
scorecard: $(DEVELOPMENT)  ## docs/scorecard.md anew: both rule sets on golden and real scenes, and 100 vehicle-hours of traffic
	$(BIN)/fleetops score golden $(L5KIT_SAMPLE) --rules calibrated --against baseline --seeds reporting \
	  --vehicle-hours 105 --judgements docs/judgements.toml --markdown docs/scorecard.md $(ARGS)

.PHONY: accept-scorecard
accept-scorecard: $(DEVELOPMENT)  ## let the figures that rules have now be those that may not fall
	$(BIN)/fleetops score golden --rules calibrated --seeds 0 --vehicle-hours 3 --json tests/scenarios/scorecard.json

.PHONY: bench-backtest
bench-backtest: $(DEVELOPMENT)  ## a backtest of 20 million rows, beside loops that do less (ARGS='--vehicles 800 --scenes 8')
	$(BIN)/python -m bench.backtest $(ARGS)

.PHONY: lock
lock: $(LOCK_TOOLS)/bin/uv  ## resolve dependencies anew into the two lock files
	$(LOCK_TOOLS)/bin/uv pip compile $(LOCK_OPTIONS) pyproject.toml -o requirements.lock
	$(LOCK_TOOLS)/bin/uv pip compile $(LOCK_OPTIONS) pyproject.toml --extra dev -c requirements.lock -o requirements-dev.lock

# Pinned and hashed for every platform; neither an index nor its address enters the files.
LOCK_OPTIONS := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate \
  --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

$(LOCK_TOOLS)/bin/uv:
	@$(require_python)
	$(PYTHON) -m venv $(LOCK_TOOLS)
	$(LOCK_TOOLS)/bin/pip install --quiet uv

.PHONY: system-packages
system-packages:
	@scripts/system_packages.sh java mvn chromium

define require_python
if [ -z "$(PYTHON)" ]; then \
  echo "FleetOps needs Python 3.11 or later, and none was found as python3.13 … python3.11 or python3." >&2; \
  echo "Install one (Debian: apt-get install python3 python3-venv), or name it: make PYTHON=/path/to/python" >&2; \
  exit 1; fi
endef

$(BIN)/python:
	@$(require_python)
	@scripts/system_packages.sh venv:$(PYTHON)
	$(PYTHON) -m venv $(VENV)

# Running needs a third of what development needs: SUMO alone is a quarter of a gigabyte.
$(INSTALLED): requirements.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps -e .
	@touch $@

$(DEVELOPMENT): $(INSTALLED) requirements-dev.lock
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	@touch $@

$(CONSOLE_INSTALLED): ui/package-lock.json
	@scripts/system_packages.sh node
	cd ui && npm ci --no-audit --no-fund
	@touch $@

$(FOREIGN_INSTALLED): tests/foreign/package-lock.json
	@scripts/system_packages.sh node
	cd tests/foreign && npm ci --no-audit --no-fund --ignore-scripts
	@touch $@

$(CONSOLE): $(CONSOLE_INSTALLED) $(CONSOLE_SOURCES)
	cd ui && npm run --silent build
	@touch $@
