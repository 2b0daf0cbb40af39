# Two commands matter: `make run` and `make test`. Both set up what they need; nothing asks for root or Docker.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The first Python of 3.11 to 3.13, looked up only where it is needed.
suitable = import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
PYTHON ?= $(shell for name in python3.11 python3 python3.12 python3.13; do \
	"$$name" -c '$(suitable)' 2>/dev/null && echo "$$name" && break; done)
BIN := .venv/bin
EVENTS ?= 1000000
LOCK = $(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-annotate --no-header -p 3.11 $(if $(UPGRADE),--upgrade)

.PHONY: help run test lint bench setup setup-dev lock env clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 16

run: setup ## the whole platform on this machine, until Ctrl-C [ONCE=1 ends after the summary] [WORLD=file] [SEED=number]
	@exec $(BIN)/lanecast up $(if $(filter-out 0 no false,$(ONCE)),--once) $(if $(WORLD),--world '$(WORLD)') $(if $(SEED),--seed '$(SEED)')

test: setup-dev ## every test [PYTEST_ARGS='-k word']
	@exec $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

lint: setup-dev ## style, types, SQL, the compose file, and contracts that keep their promises
	@$(BIN)/ruff check -q .
	@$(BIN)/ruff format -q --check .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/sqlfluff lint -q --disable-progress-bar include/sql
	@$(BIN)/check-jsonschema -q --builtin-schema vendor.compose-spec docker-compose.yaml
	@$(BIN)/lanecast contract check
	@echo 'lint: ruff, mypy, sqlfluff, the compose schema and the contracts have no complaint'

bench: setup ## how fast events load and answers are read, and what refreshing and polling cost [EVENTS=1000000]
	@$(BIN)/lanecast bench ingest --events $(EVENTS)
	@$(BIN)/lanecast bench validate --rows $(EVENTS)
	@$(BIN)/lanecast bench refresh --history $(EVENTS)
	@$(BIN)/lanecast bench parse
	@$(BIN)/lanecast bench polling
	@$(BIN)/lanecast bench promise
	@$(BIN)/lanecast bench recommend

setup setup-dev:
	@if [ -z '$(PYTHON)' ]; then echo 'setup: no Python 3.11, 3.12 or 3.13 found; install one, or name it: make PYTHON=/path/to/python3.11 run' >&2; exit 1; fi
	@'$(PYTHON)' tools/environment.py $(if $(filter setup-dev,$@),dev,run)

lock: setup ## pin every requirement anew, by hash [UPGRADE=1 takes newer versions]
	@for name in build '' dev server; do file=requirements$${name:+-$$name}; $(LOCK) $$file.in -o $$file.txt; done

env: ## .env for a server (docker-compose.yaml): fresh secrets, mode 600
	@'$(PYTHON)' tools/server_secrets.py

clean: ## remove the environment and caches; data (.lanecast) stays
	@rm -rf .venv .venv.lock .pytest_cache .mypy_cache .ruff_cache .hypothesis plugins/*.egg-info
	@find benchmarks dags plugins tests tools -name __pycache__ -prune -exec rm -rf {} +
