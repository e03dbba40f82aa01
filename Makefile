# The two commands: `make demo` and `make test`. Both set up what they need.

PYTHON ?= python3
VENV ?= $(or $(VIRTUAL_ENV),.venv)
BIN := $(VENV)/bin
STAMP := $(VENV)/.teachbox-setup
PYTEST := $(BIN)/python -m pytest -q
# Tests side by side, where they do not watch the clock. Those of one file stay together where they share what is dear
# to make: a trained detector is made once, not in each process.
WORKERS ?= 2
PARALLEL := -n $(WORKERS) --dist worksteal
BY_FILE := -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: help setup setup-backends demo test test-fast test-page test-tf test-backends test-jax test-torch test-browser test-e2e lint types modules docs protos bench bench-parity clean

help:
	@echo "make setup   a virtual environment with everything, exact versions ($(VENV))"
	@echo "make demo    draw a small set of images, start the loop on it, open the page (PLAY=1: a scripted annotator answers)"
	@echo "make test    lint, types, and every test, the fast ones first"
	@echo "make test-backends   the detectors and the loop on JAX and on PyTorch (part of make test)"
	@echo "make lint    ruff, mypy, import-linter, and tsc over the page"
	@echo "make bench   the loop benchmark on the raccoon images (SHARED=folder with datasets/ and checkpoints/)"
	@echo "make bench-parity   every detector against the original's numbers (SHARED=folder with oracles/)"
	@echo "make docs    docs/supported.md from the table of what is built"
	@echo "make protos  the Python messages from the .proto files"

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip -c constraints.txt
	$(BIN)/python -m pip install --quiet -e ".[dev,postgresql]" -c constraints.txt
	touch $@

BACKENDS_STAMP := $(VENV)/.teachbox-backends
setup-backends: $(BACKENDS_STAMP)

$(BACKENDS_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet -e ".[jax,torch]" -c constraints.txt
	touch $@

demo: setup
	$(BIN)/teachbox demo $(if $(PLAY),--play) $(ARGS)

test: lint test-fast test-page test-tf test-backends test-browser test-e2e

test-fast: setup
	$(PYTEST) $(PARALLEL) -m "not tf and not browser and not e2e and not slow"

test-page: setup
	@if command -v node >/dev/null; then node --test tests/page/*.test.js; else echo "node is missing: the page's module tests are skipped"; fi

# The detector's numbers are compared with kernels like those that the oracles were computed with.
test-tf: setup
	TF_ENABLE_ONEDNN_OPTS=0 $(PYTEST) $(BY_FILE) -m "tf and not browser and not e2e and not slow"

ANY_BACKEND := tests/detector/test_oracles.py tests/training/test_any_backend.py tests/training/test_training_loop.py tests/training/test_pieces.py \
    tests/training/test_thin_two_stages.py tests/training/test_grown_learner.py tests/detector/test_class_scores.py \
    tests/training/test_batch_norm.py tests/training/test_optimizers.py tests/training/test_checkpoints.py \
    tests/training/test_evaluate.py tests/training/test_chosen.py
test-backends: setup-backends
	$(MAKE) --output-sync=target -j $(WORKERS) test-jax test-torch

test-jax test-torch: setup-backends
	KERAS_BACKEND=$(@:test-%=%) $(PYTEST) $(ANY_BACKEND) -m "tf and not slow"

test-browser: setup modules
	$(PYTEST) $(PARALLEL) tests/web -m "browser and not slow"

E2E := tests/e2e tests/serving/test_server_process.py tests/training/test_worker_process.py
test-e2e: setup
	$(PYTEST) $(PARALLEL) $(E2E) -m "e2e and not browser and not slow"

lint: setup types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

types: modules
	@if command -v npm >/dev/null; then npx --no-install tsc -p tsconfig.json; fi

# What only the checks of the page need: TypeScript for its types, axe-core for its accessibility.
modules:
	@if command -v npm >/dev/null; then \
	    test -d node_modules/typescript -a -d node_modules/axe-core || \
	        npm install --no-package-lock --no-audit --no-fund --silent; \
	else echo "npm is missing: the page's types and its accessibility are not checked"; fi

protos: setup
	cd src && PATH="$(abspath $(BIN)):$$PATH" $(abspath $(BIN))/python -m grpc_tools.protoc -I. --python_out=. --mypy_out=. \
	    teachbox/config/protos/*.proto teachbox/wire/*.proto

docs: setup
	$(BIN)/python -m teachbox.config.supported_page > docs/supported.md

SHARED ?= ../shared
bench: setup
	$(BIN)/python benchmarks/loop.py $(SHARED)/datasets/raccoon/images \
	    --annotations $(SHARED)/datasets/raccoon/data/train_labels.csv --test $(SHARED)/datasets/raccoon/data/test_labels.csv \
	    --checkpoint $(SHARED)/checkpoints/ssd_mobilenet_v1_0.75_pets/model.ckpt --images 40 --every 10 --json loop.json

bench-parity: setup
	$(BIN)/python benchmarks/parity.py $(SHARED)/oracles

clean:
	rm -rf demo build test-results node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
