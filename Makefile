# make run     start the portal (PORT=8000, HOST=127.0.0.1, DATABASE_URL for a PostgreSQL of your own)
# make test    everything that CI tests
# make lint    style, format and types
# make bench   measure everything (PART=search: one part; docs/operations.md has the list)

PYTHON ?= python3
PORT ?= 8000
VENV := .venv/bin
export PORT

.DEFAULT_GOAL := run
.PHONY: run test lint format bench messages lock clean check-python prepare prepare-dev

run: prepare
	@exec $(VENV)/python manage.py serve

prepare: check-python
	@$(PYTHON) deploy/prepare.py --port "$(PORT)"
	@$(VENV)/python -m portal.messages compile

prepare-dev: check-python
	@$(PYTHON) deploy/prepare.py --dev

check-python:
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "Python 3.11 or newer is needed; there is no $(PYTHON). Install it, or name it: PYTHON=/path/to/python3 make run" >&2; exit 1; }

test: prepare-dev
	@$(VENV)/python deploy/run_tests.py $(ARGS)

lint: prepare-dev
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy

format: prepare-dev
	$(VENV)/ruff check --fix .
	$(VENV)/ruff format .

bench: prepare-dev
	$(VENV)/python -m bench $(PART) $(ARGS)

# Translations: find the texts, write locale/, compile. MERGE=file.json fills in translations.
messages: prepare-dev
	$(VENV)/python -m portal.messages update $(if $(MERGE),--merge $(MERGE))
	$(VENV)/python -m portal.messages compile

# Pin every package with its hashes after a change in requirements/*.in.
lock: check-python
	rm -rf var/lock-venv && $(PYTHON) -m venv var/lock-venv && var/lock-venv/bin/pip install --quiet uv
	cd requirements && for name in base dev; do \
	  ../var/lock-venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes $(UPGRADE) \
	    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $$name.in -o $$name.txt || exit 1; \
	done
	rm -rf var/lock-venv

# Forget everything that was made, the data too.
clean:
	rm -rf var .venv .mypy_cache .ruff_cache .pytest_cache
