# `make demo` and `make test` work on a bare machine: each sets up what it needs, and a second call is quick.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.setup-stamp
TOOLS  := $(VENV)-tools/.setup-stamp
EXTRAS := curator annotator trainer postgresql remote cluster dev
# torch and what its build for NVIDIA's cards brings along: which build is right, the machine decides.
TORCHS := torch triton cuda-bindings cuda-pathfinder cuda-toolkit nvidia-cublas nvidia-cuda-cupti nvidia-cuda-nvrtc \
	nvidia-cuda-runtime nvidia-cudnn-cu13 nvidia-cufft nvidia-cufile nvidia-curand nvidia-cusolver nvidia-cusparse \
	nvidia-cusparselt-cu13 nvidia-nccl-cu13 nvidia-nvjitlink nvidia-nvshmem-cu13 nvidia-nvtx
DEMO   ?= demo

.PHONY: demo test torture check catalogues site setup system format environments benchmarks lock sbom clean help

help:
	@echo "make demo        photographs in, a verified release out, in ./$(DEMO)"
	@echo "make test        every test (real photographs too, where IEA40K_REAL_DATA names their folder)"
	@echo "make torture     kills, flipped bits, attacks: ten minutes (TORTURE=short two, TORTURE=long hours)"
	@echo "make check       format, lint, types, import directions"
	@echo "make site        the pages as a site, in ./site, links checked"
	@echo "make catalogues  the window's texts collected, their translations compiled"
	@echo "make benchmarks  speed and memory figures, written to docs/benchmarks"
	@echo "make environments  the wheel in fresh environments, one for each role (ROLES='bare curator': those)"
	@echo "make lock        the lock of all packages with their hashes, made anew from pyproject.toml"
	@echo "make sbom        what is installed, for machines, and a table of licences, in ./sbom"
	@echo "make setup       the environment in $(VENV)"

# An empty folder of a `venv` that was interrupted would pass for a finished one: the stamp is written last.
$(STAMP): pyproject.toml constraints.txt requirements-locked.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setting up $(VENV) (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-locked.txt
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-build-isolation \
		-e '.[curator,annotator,trainer,postgresql,remote,cluster,dev]'
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

# The window's texts collected, and their translations compiled; names what is not translated.
catalogues: $(STAMP)
	@$(BIN)/python docs/make_catalogues.py

format: $(STAMP)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

environments: $(STAMP)
	@$(BIN)/python tests/fresh_environments.py $(ROLES)

benchmarks: $(STAMP)
	@$(BIN)/python -m benchmarks

# Versions that are locked stay as long as they fit; UPGRADE=--upgrade takes the newest.
lock: $(TOOLS)
	@echo setuptools | $(VENV)-tools/bin/uv pip compile pyproject.toml - -c constraints.txt $(EXTRAS:%=--extra %) --universal \
		--python-version 3.11 --generate-hashes --no-header --no-annotate --quiet $(UPGRADE) \
		$(TORCHS:%=--no-emit-package %) -o requirements-locked.txt > /dev/null
	@printf '%s\n' '# Every package that `make setup` installs, for Python 3.11, 3.12 and 3.13, with the sha256 of each of its files.' \
		'# `make lock` writes it; pip refuses any other file. torch is not here: see docs/decisions/0141-a-full-lock.md.' \
		| cat - requirements-locked.txt > requirements-locked.new && mv requirements-locked.new requirements-locked.txt

# What is installed, for machines (CycloneDX) and as a table of licences.
sbom: $(STAMP) $(TOOLS)
	@mkdir -p sbom
	@$(VENV)-tools/bin/cyclonedx-py environment $(BIN)/python --pyproject pyproject.toml --output-reproducible -o sbom/sbom.json
	@$(BIN)/python docs/make_licences.py sbom/sbom.json sbom/licences.md
	@echo "sbom/sbom.json, sbom/licences.md"

# Tools that look at the environment from outside, so that they are not in it.
$(TOOLS):
	@$(PYTHON) -m venv $(VENV)-tools
	@$(VENV)-tools/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9 cyclonedx-bom==7.5.0
	@touch $@

clean:
	rm -rf $(VENV) $(VENV)-tools sbom $(DEMO) .mypy_cache .ruff_cache .pytest_cache
