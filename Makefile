# make book       set up if need be, build the book, print the page to open
# make test       everything: lint, notebook gates, tests, nbval, book, browser
# make notebooks  execute again the notebooks whose .py changed (ALL=1: every notebook, after a change of crm_rl)
# make study      train every row of the study over 20 seeds, and record it
# make check      the quick gates, under half a minute
# make lab        JupyterLab, which shows the book's markup
# make clean      remove what was built (not the environment; that is make distclean)
#
# The README gives the plain commands, for machines without make.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
REPORT := _build/reports

# Small networks and small notebooks want one thread; more make them slower.
export OMP_NUM_THREADS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help book test lint gates unit nbval browser notebooks study check lab env clean distclean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# //p' Makefile | head -8

env: $(STAMP)

# The environment is made once, and filled again when one of these two files changes.
$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: Python 3.11 or newer is needed; choose one with: make PYTHON=python3.12 ..." >&2; exit 1; }
	@test -x $(BIN)/python || { echo "== environment: $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "== installing requirements.txt (a few minutes the first time)"
	@$(BIN)/python -m pip install -qq -r requirements.txt
	@touch $@

# The quick gates need four small packages, so that they are quick before the environment is there, too.
QUICK := $(VENV)/.quick
GATES := $(if $(wildcard $(STAMP)),$(STAMP),$(QUICK))

$(QUICK): requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@grep -E '^(jupytext|nbformat|PyYAML|ruff)==' requirements.txt > $(VENV)/quick.txt
	@$(BIN)/python -m pip install -qq -r $(VENV)/quick.txt
	@touch $@

book: env
	@echo "== book"
	@$(BIN)/python tools/book.py

# ---- Everything, from quick to slow, stopping at the first step that fails. ----

test: env
	@rm -rf $(REPORT) && mkdir -p $(REPORT)
	@$(MAKE) --no-print-directory lint gates
	@$(MAKE) --no-print-directory unit
	@$(MAKE) --no-print-directory nbval
	@$(MAKE) --no-print-directory book
	@$(MAKE) --no-print-directory browser
	@$(BIN)/python tools/summary.py $(REPORT)/*.xml
	@echo "make test: passed"

lint: $(GATES)
	@echo "== lint (ruff)"
	@$(BIN)/ruff check --quiet --output-format=concise .

gates: $(GATES)
	@echo "== notebook gates"
	@$(BIN)/python tools/notebooks.py check notebooks

unit: env
	@echo "== tests (pytest)"
	@$(BIN)/python -m pytest -q --ignore=tests/test_book.py --junitxml=$(REPORT)/pytest.xml

# The book shows the twin, so nbval must see the twin, whatever the reader's CRM_RL_DATA says.
nbval: env
	@echo "== notebooks executed and compared (nbval, strict)"
	@env -u CRM_RL_DATA $(BIN)/python -m pytest -q --nbval --nbval-current-env --nbval-cell-timeout=600 \
	  --durations=5 --durations-min=1 --junitxml=$(REPORT)/nbval.xml notebooks

browser: env
	@echo "== the built book in a browser"
	@$(BIN)/python -m pytest -q --junitxml=$(REPORT)/browser.xml tests/test_book.py

# ---- While writing ----

notebooks: env
	@echo "== notebooks"
	@$(BIN)/python tools/notebooks.py execute $(if $(ALL),--all,--changed)

# The study's table over 20 seeds, and the rematch. They go on where they were stopped. ORIGINAL=path adds the original
# export; STUDY="--dask tcp://..." passes options on to the study.
study: env
	@echo "== study (about 25 minutes on two quiet cores for each data set)"
	@$(BIN)/python -m crm_rl study --data data/raw/crm_twin.csv $(ORIGINAL) $(STUDY)
	@echo "== rematch (about an hour for each data set)"
	@$(BIN)/python -m crm_rl rematch --data data/raw/crm_twin.csv $(ORIGINAL)

check: lint gates

lab: env
	@$(BIN)/jupyter lab --notebook-dir=notebooks

clean:
	rm -rf _build .pytest_cache .ruff_cache .hypothesis
	find crm_rl tests tools notebooks -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV) *.egg-info
