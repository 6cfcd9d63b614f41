# Everything a person or CI runs. `make demo` and `make test` set up what they need.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv

.DEFAULT_GOAL := help
.PHONY: help demo setup setup-demo services test test-slow lint types imports check fix docs picture lock bench clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "seatrial needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 3; }
	@echo "setting up $(VENV)" >&2
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv || echo "uv will not install: pip does the work" >&2

# One hashed file per purpose; uv where it installs, pip otherwise.
define install
	@echo "installing $(1)" >&2
	@if [ -x $(UV) ]; then $(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r $(1); \
	else $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1); fi
	@if [ -x $(UV) ]; then $(UV) pip install --quiet --python $(BIN)/python --no-deps -e .; \
	else $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .; fi
	@touch $(2)
endef

$(VENV)/.demo: requirements/demo.txt pyproject.toml | $(BIN)/python
	$(call install,requirements/demo.txt,$@)

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(BIN)/python
	$(call install,requirements/dev.txt,$@)

setup-demo: $(VENV)/.demo
setup: $(VENV)/.dev ## install everything development needs

demo: setup-demo ## put the example model through its trial
	@$(BIN)/seatrial demo

services: setup ## install what tests need beside Python, where this user may
	@$(BIN)/python tools/services.py

test: setup services ## set up what tests need, and pass them
	$(BIN)/python -m pytest

test-slow: setup services ## the long tests
	$(BIN)/python -m pytest -m slow --timeout 1800

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

imports: setup
	$(BIN)/lint-imports

check: test lint types imports ## what CI runs

fix: setup ## format, and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup ## write the generated pages
	$(BIN)/python tools/pages.py

picture: setup ## measure the demo's gap, and draw the README's picture
	$(BIN)/python tools/picture.py

lock: | $(BIN)/python ## write the hashed requirements anew
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --extra onnx pyproject.toml -o requirements/demo.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --extra dev pyproject.toml -o requirements/dev.txt

bench: setup ## the trial on real data (needs SEATRIAL_DATA)
	$(BIN)/python benchmarks/sentiment/run.py

clean: ## remove the virtual environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
