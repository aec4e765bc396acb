# make book       set up what builds pages if need be, build the book, print the page to open
# make test       everything: lint, notebook gates, tests, nbval, book, browser; a failing step hides no other
# make notebooks  execute again the notebooks whose .py changed (ALL=1: every notebook, after a change of crm_rl)
# make study      train and record every study of the book
# make check      the quick gates, under half a minute
# make cards      the practice page, the Anki deck and the CSV, from the question bank
# make lab        JupyterLab, which shows the book's markup
# make pdf        the whole book as one PDF, _build/book.pdf (needs Chromium or Chrome)
# make clean      remove what was built (not the environment; that is make distclean)
# make test-portable, make test-lowest    the checks on other processors, and on the oldest versions allowed
#
# The README gives the plain commands, for machines without make.

PYTHON ?= python3
VENV   ?= .venv
LOWEST ?= .venv-lowest
BIN    := $(VENV)/bin

# Small networks and small notebooks want one thread; more make them slower.
export OMP_NUM_THREADS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# Where this is set, each of the many processes would compile what it imports anew.
unexport PYTHONDONTWRITEBYTECODE

# With -j, too, one target after the other: they share an environment and _build, and the tests use both cores anyway.
.NOTPARALLEL:
.PHONY: help env book pdf test lint gates unit nbval browser notebooks study cards check lab test-portable test-lowest clean distclean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# //p' Makefile | head -11

# ---- The environment, filled in two stages: what builds the book, then the rest. Each is filled again when its files change. ----

PAGES := $(VENV)/.pages-installed
STAMP := $(VENV)/.installed
# Python compiles what it imports; pip would compile everything, in a third of its time and of the place on disk.
PIP   := $(BIN)/python -m pip install -qq --no-compile

env: $(STAMP)

$(PAGES): requirements-book.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: Python 3.11 or newer is needed; choose one with: make PYTHON=python3.12 ..." >&2; exit 1; }
	@test -x $(BIN)/python || { echo "== environment: $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "== installing requirements-book.txt (half a minute and the download)"
	@$(PIP) -r requirements-book.txt
	@touch $@

$(STAMP): requirements.txt pyproject.toml $(PAGES)
	@echo "== installing requirements.txt (a few minutes the first time)"
	@$(PIP) -r requirements.txt
	@touch $@

# ---- The book, and the checks ----

book: $(PAGES)
	@echo "== book"
	@$(BIN)/python tools/book.py

pdf: $(STAMP) book
	@echo "== pdf"
	@$(BIN)/python tools/pdf.py

test: $(STAMP)
	@$(BIN)/python tools/checks.py

check: $(PAGES)
	@$(BIN)/python tools/checks.py lint gates

lint gates: $(PAGES)
	@$(BIN)/python tools/checks.py $@

unit nbval browser: $(STAMP)
	@$(BIN)/python tools/checks.py $@

# The same results on other processors: this one in several disguises.
test-portable: $(STAMP)
	@$(BIN)/python tools/portable.py

# The oldest versions that pyproject.toml allows, in an environment of their own.
$(LOWEST)/.installed: pyproject.toml tools/lowest.py
	@test -x $(LOWEST)/bin/python || $(PYTHON) -m venv $(LOWEST)
	@echo "== installing the oldest versions that pyproject.toml allows"
	@$(LOWEST)/bin/python tools/lowest.py > $(LOWEST)/lowest.txt
	@$(LOWEST)/bin/python -m pip install -qq --no-compile -r $(LOWEST)/lowest.txt
	@touch $@

test-lowest: $(LOWEST)/.installed
	@$(LOWEST)/bin/python tools/lowest.py --test

# ---- While writing ----

notebooks: $(STAMP)
	@echo "== notebooks"
	@$(BIN)/python tools/notebooks.py execute $(if $(ALL),--all,--changed)
	@$(BIN)/python -m tools.minutes --write

# Every study of the book, recorded.
# It goes on where it was stopped. ORIGINAL=path adds the original export; STUDY="funnel" runs that one alone, and
# STUDY="--dask tcp://..." passes options on.
study: $(STAMP)
	@echo "== studies (the program says how long the machine will take, about)"
	@$(BIN)/python -m crm_rl study $(STUDY) --data data/raw/crm_twin.csv $(original)

# The shell reads ORIGINAL from its environment, so that a blank in the name is part of the name.
export ORIGINAL
original = $(if $(ORIGINAL),"$$ORIGINAL")

# The interview questions as the book's page shows them, and as files to learn from.
cards: $(STAMP)
	@$(BIN)/python tools/cards.py

lab: $(STAMP)
	@$(BIN)/jupyter lab --notebook-dir=notebooks

clean:
	rm -rf _build .pytest_cache .ruff_cache .hypothesis
	find crm_rl tests tools notebooks -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV) $(LOWEST) *.egg-info
