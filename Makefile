# make demo    a Slurm cluster in containers with HPC BinderHub on it, in one command
# make test    every test; `make test-fast` those that take seconds

SHELL := /bin/bash
PYTHON ?= python3
PORT ?= 8000
TEST_PORT ?= 8001
VENV := .venv
PYTEST := $(VENV)/bin/pytest

# docker-cli is part of docker.io in older distributions; where no registry is reached, mmdebstrap makes Debian.
ENGINE_PACKAGES := docker.io docker-cli? docker-compose mmdebstrap debian-archive-keyring python3-venv git
# Node.js builds what we add to JupyterLab; one that is there may be of another origin.
NODE_PACKAGES := $(if $(shell command -v npm),,nodejs npm)
# Chromium for the browser tests; the rest lets tests of single parts run on this host as well.
TEST_PACKAGES := $(ENGINE_PACKAGES) chromium? buildah uidmap fuse-overlayfs squashfs-tools squashfuse git-lfs \
	charliecloud-runtime? charliecloud-builders? fuse3 busybox-static skopeo umoci postgresql openssh-server tcsh sudo \
	munge slurmctld slurmd slurm-client docker-registry?

.PHONY: demo demo-down setup lab test test-fast test-down lint bench docs

demo:
	@tests/cluster/prepare.sh $(ENGINE_PACKAGES) $(NODE_PACKAGES)
	@$(PYTHON) hpcbinder/lab/build.py
	@$(PYTHON) -m tests.cluster.compose --port $(PORT) up
	@$(PYTHON) -m tests.cluster.demo --port $(PORT) $(if $(DETACH),--detach)

demo-down:
	@$(PYTHON) -m tests.cluster.compose down --images

$(VENV)/ready: setup.cfg pyproject.toml hpcbinder/pyproject.toml \
		$(wildcard $(shell git ls-files -co --exclude-standard -- hpcbinderhub spawners services share/templates share/static))
	@echo "setup: $(VENV)"
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check uv 'setuptools>=77' wheel
	@rm -rf build
	@$(VENV)/bin/uv pip install --quiet --python $(VENV)/bin/python \
		--config-settings editable_mode=strict --editable '.[test]'
	@$(VENV)/bin/uv pip install --quiet --python $(VENV)/bin/python --editable ./hpcbinder
	@# An editable install leaves data files out. Templates are used from where they are; Tornado
	@# serves no file that a link leads to outside its own folder, so static files are copied.
	@rm -rf "$(VENV)"/share/jupyterhub/{templates,static}/hpcbinderhub
	@ln -s "$(CURDIR)/share/templates" "$(VENV)/share/jupyterhub/templates/hpcbinderhub"
	@cp -r share/static "$(VENV)/share/jupyterhub/static/hpcbinderhub"
	@touch $@

setup: $(VENV)/ready lab

# Without Node.js only images and their tests lack something, and say so then.
lab:
	@$(PYTHON) hpcbinder/lab/build.py --if-possible

# On a site without a past: volumes of an earlier run may be of another revision.
test: setup
	@tests/cluster/prepare.sh $(TEST_PACKAGES) $(NODE_PACKAGES)
	@$(PYTHON) hpcbinder/lab/build.py
	@$(MAKE) --no-print-directory test-down
	@tests/run.sh $(VENV) $(TEST_PORT) --durations=40 $(ARGS)

test-fast: setup
	@$(PYTEST) -m "not slow and not cluster and not browser" $(ARGS)

test-down:
	@$(PYTHON) -m tests.cluster.compose -p hpcbinderhub-test down
	@$(PYTHON) -m tests.cluster.compose -p hpcbinderhub-test-second down

lint: setup
	@$(VENV)/bin/ruff format --check . && $(VENV)/bin/ruff check .

bench: setup
	@$(VENV)/bin/python -m benchmarks all

docs: setup
	@$(VENV)/bin/python docs/build.py
