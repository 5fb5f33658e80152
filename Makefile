# penstock: `make run` and `make test` need Python 3.11 or newer and make; all else comes from the locks.

VENV    := .venv
BIN     := $(VENV)/bin
SPEC    ?= flows/specs/clinic.yaml
WORKERS ?= 2
ARGS    ?=
EXTRA_TESTS := tests/unit/bundle/test_every_family.py tests/unit/models/test_coefficients.py \
	tests/unit/bundle/engines/test_every_family.py tests/unit/bundle/test_openssf.py tests/unit/bundle/test_skops.py
PYTHON  ?=

SAMPLE  := data/raw/clinic/visits.csv data/raw/clinic/lab.sqlite
CODE    := penstock tasks flows deploy data benchmarks docs tests

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run serve up bench bench-serve fuzz pictures test test-long test-extras check lint format types imports lock clean again

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

run: $(VENV)/.sample ## the whole flow on the sample: clean, train, judge, publish (SPEC=..., ARGS=...)
	@$(BIN)/penstock run $(SPEC) $(ARGS)

serve: $(VENV)/.project ## serve the models under artifacts/ over HTTP
	@$(BIN)/penstock serve $(ARGS)

up: $(VENV)/.sample ## Prefect server with UI, schedules and the service, in one
	@$(BIN)/penstock up $(SPEC) $(ARGS)

bench: $(VENV)/.sample ## measure speed against the figures to reach
	@$(BIN)/python -m benchmarks $(ARGS)

bench-serve: $(VENV)/.dev ## the service beside an echo and four other servers, which are installed once
	@$(BIN)/python -m benchmarks.serving

fuzz: $(VENV)/.dev ## twenty thousand requests that a machine thought up, and broken bytes: no 5xx, no hang (ARGS=100000)
	@$(BIN)/python -m benchmarks.fuzz $(ARGS)

pictures: $(VENV)/.dev $(VENV)/.sample ## the README's pictures anew: the sample's report, its service, its run in Prefect
	@$(BIN)/python -m docs.pictures

# In the order of their folders: a process that goes back and forth between two Prefect servers waits for the wrong one.
test: $(VENV)/.dev ## every test but the long ones (WORKERS=2, ARGS=...)
	@$(BIN)/python -m pytest -m "not long" -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

test-long: $(VENV)/.dev ## the tests that take minutes (WORKERS=2, ARGS=...)
	@$(BIN)/python -m pytest -m long -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

# PENSTOCK_EXTRAS: in CI a library that is absent then fails its tests instead of leaving them out.
test-extras: $(VENV)/.extras ## the models of CatBoost, statsmodels, PyTorch and Keras, OpenSSF, skops (downloads some 500 MB once)
	@PENSTOCK_EXTRAS=1 $(VENV)/extras/bin/python -m pytest $(EXTRA_TESTS) $(ARGS)

check: $(VENV)/.dev ## lint, formatting, types and who may import whom; tells all that fails
	@$(MAKE) --no-print-directory --keep-going lint format types imports

lint: $(VENV)/.dev
	@$(BIN)/ruff check $(wildcard $(CODE))

format: $(VENV)/.dev
	@$(BIN)/ruff format --check $(wildcard $(CODE))

types: $(VENV)/.dev
	@$(BIN)/mypy

imports: $(VENV)/.dev
	@$(BIN)/lint-imports --no-logo

# What is locked stays as it is unless pyproject.toml rules it out; `make lock ARGS=--upgrade` takes the newest.
# Only names, versions and hashes are written: no index, no host, no path.
UV_COMPILE = pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header $(ARGS)
# What a clone can do without asking for more; the clouds' own libraries are large, and stay extras.
EXTRAS := --extra flows --extra s3 --extra postgres --extra mysql
lock: $(VENV)/.python ## write both locks anew from pyproject.toml
	@set -e; tool=$$(mktemp -d); trap 'rm -rf "$$tool"' EXIT; \
	$(BIN)/python -m venv "$$tool"; "$$tool/bin/python" -m pip install --quiet --disable-pip-version-check uv; \
	"$$tool/bin/uv" $(UV_COMPILE) $(EXTRAS) --group dev --output-file requirements-dev.lock; \
	"$$tool/bin/uv" $(UV_COMPILE) $(EXTRAS) --group build --constraint requirements-dev.lock \
		--output-file requirements.lock
	@echo "locked: $$(grep -c '^[a-z]' requirements.lock) packages to run, $$(grep -c '^[a-z]' requirements-dev.lock) to develop"

clean: ## remove the environment, caches and the built sample; what was published stays
	@rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis data/raw/clinic
	@find $(wildcard $(CODE)) -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the environment: each stamp is older than what it was made from, or its step runs again --------------------------

# The named interpreter, or the first fit one. `ensurepip` is what Debian leaves out of python3 without python3-venv.
$(VENV)/.python:
	@fit='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'; found=; \
	for python in $(if $(PYTHON),$(PYTHON),$(BIN)/python python3.11 python3.12 python3.13 python3 python); do \
		if "$$python" -c "$$fit" >/dev/null 2>&1; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "penstock needs Python 3.11 or newer with its venv module$(if $(PYTHON),; $(PYTHON) is not that,, and found none)." >&2; \
		echo "Install one (Debian, Ubuntu: apt install python3 python3-venv), or name it: make run PYTHON=/path/to/python3.12" >&2; \
		exit 2; \
	fi; \
	if [ "$$found" != $(BIN)/python ]; then \
		echo "Making $(VENV) with $$("$$found" -V) ..."; "$$found" -m venv --clear $(VENV); \
	fi
	@touch $@

PIP_INSTALL = $(BIN)/python -m pip install --disable-pip-version-check --no-input
# Quiet while it goes well; all that pip said when it doesn't.
define install
	@echo "Installing $(1) into $(VENV)$(3) ..."
	@$(PIP_INSTALL) $(2) >$(VENV)/pip.log 2>&1 || { cat $(VENV)/pip.log >&2; exit 1; }
	@touch $@
endef

$(VENV)/.run: requirements.lock $(VENV)/.python
	$(call install,$$(grep -c '^[a-z]' requirements.lock) locked packages,--require-hashes --requirement requirements.lock,: a minute or two)

$(VENV)/.project: pyproject.toml $(VENV)/.run
	$(call install,penstock itself,--no-deps --no-build-isolation --editable .)

$(VENV)/.dev: requirements-dev.lock $(VENV)/.project
	$(call install,what tests and checks need,--require-hashes --requirement requirements-dev.lock)

# A second environment that looks into the first: what is locked stays as it is, and only what is missing is added. Of
# PyTorch this release is built for processors alone; later ones bring gigabytes for graphics cards.
$(VENV)/.extras: pyproject.toml $(VENV)/.dev
	@$(BIN)/python -m venv --clear $(VENV)/extras
	@$(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" \
		>"$$($(VENV)/extras/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/first.pth"
	@echo "Installing the extras of models into $(VENV)/extras: some minutes ..."
	@$(VENV)/extras/bin/python -m pip install --disable-pip-version-check --no-input --no-build-isolation \
		--editable '.[catboost,statsmodels,torch,keras,model-signing,skops]' 'torch==2.13.0' >$(VENV)/pip.log 2>&1 || { cat $(VENV)/pip.log >&2; exit 1; }
	@touch $@

# Made again when one of its files has gone; otherwise only when its recipe has changed.
$(VENV)/.sample: data/clinic.py $(VENV)/.project $(if $(filter-out $(wildcard $(SAMPLE)),$(SAMPLE)),again)
	@$(BIN)/python data/clinic.py
	@touch $@
