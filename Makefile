# Two commands matter: `make demo` and `make test`. Both make .venv on first use.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
EXAMPLE := examples/people
# What tests get: `make test EXTRAS=dev,train` installs torch too (hundreds of megabytes) and tests the networks.
EXTRAS ?= dev
comma := ,
READY := $(VENV)/.$(subst $(comma),-,$(EXTRAS))

.PHONY: demo test lint format examples web test-web test-browser clean
.DELETE_ON_ERROR:

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Dovetail needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Say which: make PYTHON=python3.12 …")'
	@$(PYTHON) -m venv $(VENV) || { echo "Python could not make $(VENV); on Debian and Ubuntu: apt-get install python3-venv"; rm -rf $(VENV); exit 1; }

# The core: no torch. Bytecode is left to be written on first use, which saves a fifth of the disk.
$(VENV)/.core: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing Dovetail into $(VENV)"
	@$(PIP) install --no-compile --constraint constraints.txt --editable .
	@touch $@

$(READY): pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing Dovetail and what its tests need into $(VENV)"
	@$(PIP) install --no-compile --constraint constraints.txt --editable '.[$(EXTRAS)]'
	@touch $(VENV)/.core $@

demo: $(VENV)/.core
	@rm -rf demo
	$(BIN)/dovetail integrate $(EXAMPLE)/register_a.csv $(EXAMPLE)/register_b.csv --truth $(EXAMPLE)/gold.csv --out demo

test: $(READY)
	$(BIN)/python -m pytest

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

examples: $(VENV)/.core
	$(BIN)/python -m scripts.make_examples

# The page of the workbench. Node 20 or newer; `dovetail label` and a wheel built afterwards take it from web/dist.
web/node_modules/.made: web/package.json web/package-lock.json
	@command -v npm >/dev/null || { echo "The page of the workbench needs Node 20 or newer: https://nodejs.org, or on Debian apt-get install nodejs npm"; exit 1; }
	cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

web: web/node_modules/.made
	cd web && npm run --silent build

test-web: web/node_modules/.made
	cd web && npm test --silent

# A person at the page: Debian's chromium, no download. Skipped aloud where node or chromium is absent.
test-browser: $(READY)
	@PYTHON=$(BIN)/python tests/browser/run

clean:
	rm -rf demo dist build web/dist .pytest_cache .mypy_cache .ruff_cache
