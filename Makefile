# argovx-lab. `make help` lists everything; `make demo` and `make test` set up what they need.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
# the demo, the lab and the tests keep their sandbox inside the clone
export ARGOVX_SANDBOX ?= $(CURDIR)/.sandbox
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD := 1
# containers run as root, and Jupyter wants to be told so
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)
UV := $(BIN)/uv
UV_VERSION := 0.13.9
LAB_SOURCES := $(shell find labextension/src labextension/style labextension/schema -type f 2>/dev/null)

.PHONY: help setup demo lab test check chromium test-cluster test-long bench lock types clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(VENV)/.ready  ## make .venv with everything in it

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "argovx-lab needs Python 3.11, 3.12 or 3.13; set PYTHON=python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/.packages: requirements.lock | $(UV)
	$(UV) pip install --quiet --python $(BIN)/python -r requirements.lock
	@touch $@

$(VENV)/.labextension: $(VENV)/.packages labextension/package.json labextension/yarn.lock $(LAB_SOURCES)
	cd labextension && jlpm install --immutable --silent && jlpm build:prod
	@touch $@

$(VENV)/.ready: $(VENV)/.labextension pyproject.toml
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

demo: setup  ## run the first notebook on the sandbox and watch its steps
	@$(BIN)/argovx demo notebooks/00-first-step.ipynb; code=$$?; $(BIN)/argovx sandbox stop --all; exit $$code

lab: setup  ## open JupyterLab with the panel on the sandbox
	@$(BIN)/jupyter lab $(AS_ROOT) --ServerApp.root_dir=$(CURDIR) $(ARGS) notebooks/00-first-step.ipynb; $(BIN)/argovx sandbox stop

chromium:  ## install Chromium from Debian's packages when it is not there
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get -o DPkg::Lock::Timeout=300 update -qq && \
	    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; \
	  else echo "the browser tests need Chromium: apt-get install chromium" >&2; exit 1; fi; }

check: setup  ## linters and types
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports
	$(BIN)/python labextension/generate_types.py --check
	cd labextension && jlpm lint:check

test: setup chromium check  ## every test: Python, TypeScript, browser, notebooks
	cd labextension && jlpm test
	$(BIN)/python -m pytest -q -rs -n 2 -m "not long and not ui and not cluster"
	$(BIN)/python -m pytest -q -n 2 -m ui

test-cluster: setup  ## against a real kube-apiserver: the Kubernetes suite on both servers, engine and pods; ARGOVX_TEST_KUBECONFIG names a cluster with Argo
	@$(BIN)/python tests/cluster/servers/control_plane.py
	$(BIN)/python -m pytest -q -m cluster --timeout 600
	$(BIN)/python -m pytest -q -n 2 -m "not cluster" tests/conformance/kubernetes

test-long: setup  ## what takes minutes
	$(BIN)/python -m pytest -q -m "long and not cluster"

bench: setup  ## benchmarks, printed as ratios
	$(UV) pip install --quiet --python $(BIN)/python "hera>=7"
	$(BIN)/python -m benchmarks

types: setup  ## generate the TypeScript types from the models
	$(BIN)/python labextension/generate_types.py

lock: $(UV)  ## resolve requirements.lock anew
	$(UV) pip compile pyproject.toml --extra dev --universal --python-version 3.11 --no-emit-index-url --no-annotate --no-header --quiet -o requirements.lock

clean:  ## remove what the other targets made
	rm -rf $(VENV) .sandbox labextension/node_modules labextension/lib argovx_lab/labextension dist tests/output
