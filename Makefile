# make demo: the first useful answer.  make test: everything that must hold.
PYTHON ?= python3
PHOTO ?=
BIN := .venv/bin

.PHONY: demo test check clean

.venv/base: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

.venv/test: .venv/base
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@

demo: .venv/base
	$(BIN)/repscope compare $(PHOTO) -o demo --format text,json,html,png --force

check: .venv/test
	$(BIN)/ruff check src tests
	$(BIN)/ruff format --check src tests
	$(BIN)/lint-imports
	$(BIN)/pyright

test: .venv/test check
	$(BIN)/pytest

clean:
	rm -rf .venv demo dist
