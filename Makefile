# `make demo` and `make test` work on a bare machine: each sets up what it needs, and a second call is quick.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.setup-stamp
DEMO   ?= demo

.PHONY: demo test torture check site setup system format environments benchmarks clean help

help:
	@echo "make demo        photographs in, a verified release out, in ./$(DEMO)"
	@echo "make test        every test (real photographs too, where IEA40K_REAL_DATA names their folder)"
	@echo "make torture     kills, flipped bits, attacks: ten minutes (TORTURE=short two, TORTURE=long hours)"
	@echo "make check       format, lint, types, import directions"
	@echo "make site        the pages as a site, in ./site, links checked"
	@echo "make benchmarks  speed and memory figures, written to docs/benchmarks"
	@echo "make environments  the wheel in fresh environments, one for each role (ROLES='bare curator': those)"
	@echo "make setup       the environment in $(VENV)"

# An empty folder of a `venv` that was interrupted would pass for a finished one: the stamp is written last.
$(STAMP): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setting up $(VENV) (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
		-e '.[curator,annotator,trainer,postgresql,cluster,dev]'
	@touch $@

setup: $(STAMP)

# Qt's system libraries: installed where this is root on Debian or Ubuntu, else the script prints the one line to run.
system:
	@sh tests/system_packages.sh

demo: $(STAMP)
	@$(BIN)/iea40k demo --out $(DEMO)

test: $(STAMP) system
	@sh tests/run_tests.sh $(BIN)

# What broke is printed with its seed; the table goes into docs/reliability.md.
torture: $(STAMP)
	@$(BIN)/python -m tests.torture --write

check: $(STAMP)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# The pages as a site, links checked; it works from a disk.
site: $(STAMP)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict -f docs/site/mkdocs.yml && echo "open site/index.html"

format: $(STAMP)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

environments: $(STAMP)
	@$(BIN)/python tests/fresh_environments.py $(ROLES)

benchmarks: $(STAMP)
	@$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) $(DEMO) .mypy_cache .ruff_cache .pytest_cache
