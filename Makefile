# Everything that a developer or a demo needs; each target prepares what it uses.

PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: run test lint bench messages lock clean

run: $(VENV)/.base
	@$(BIN)/python -m portal.messages
	@exec $(BIN)/python manage.py serve --port $(PORT)

test: $(VENV)/.dev
	@$(BIN)/python -m portal.messages
	@sh tests/run.sh

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.dev
	$(BIN)/python -m bench $(PART)

messages: $(VENV)/.dev
	$(BIN)/python manage.py messages --update --compile

# Locks the dependencies with hashes; needs uv.
lock:
	cd requirements && for name in base dev; do \
	  uv pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" $$name.in -o $$name.txt; done

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name it with PYTHON=python3.11 make run"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "The venv module is missing; on Debian: apt-get install python3-venv"; rm -rf $(VENV); exit 1; }

$(VENV)/.base: requirements/base.txt | $(VENV)/bin/python
	@echo "Installing the dependencies …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/base.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt | $(VENV)/bin/python
	@echo "Installing the dependencies …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@ $(VENV)/.base

clean:
	rm -rf $(VENV) var
