# make demo: the first useful answer.  make test: everything that must hold.
PYTHON ?= python3
PHOTO ?=
BIN := .venv/bin

.PHONY: demo test check docs notebook pictures clean

.venv/base: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

.venv/test: .venv/base
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	command -v chromium || command -v google-chrome || { apt-get -qq update && apt-get -qq install -y chromium; }
	touch $@

demo: .venv/base
	$(BIN)/repscope compare $(PHOTO) -o demo --format text,json,html,png --force

check: .venv/test
	$(BIN)/ruff check src tests docs
	$(BIN)/ruff format --check src tests docs
	$(BIN)/lint-imports
	$(BIN)/pyright

test: .venv/test check
	$(BIN)/pytest -n 2

docs: .venv/test
	$(BIN)/python docs/generate.py

notebook: .venv/test
	$(BIN)/python docs/notebook.py

pictures: .venv/test
	$(BIN)/python docs/pictures.py

clean:
	rm -rf .venv demo dist
