# `make demo` and `make test` set up what is missing by themselves: Python 3.11 or newer with venv, git and make are enough.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
JOBS   ?= 4

.PHONY: demo test check emulate bench bench-replay deploy-test wheels bench-serving scale chaos docs lock clean

demo: $(READY)  ## the main job on the sandbox forge (ARGS=--exit ends when the story is told)
	$(BIN)/relbot demo $(ARGS)

test: $(READY)  ## the whole suite
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup $(ARGS)

check: $(READY)  ## ruff, mypy, the rings, the fast tests
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n $(JOBS) -q -m "not slow" tests/core tests/scenarios tests/forges/test_github_hooks.py $(ARGS)

emulate: $(READY)  ## GitHub's contract on npm emulate@0.12.2 (NODE=… EMULATE=node_modules/emulate); left out where it is not there
	$(BIN)/python -m tests.forges.emulate

bench: $(READY)  ## the ratios, as tables (ARGS=--short)
	$(BIN)/python -m tests.bench $(ARGS)

bench-serving: $(READY)  ## deliveries at the door, slow clients, at rest (ARGS=--short, or --choose with the extra `bench`)
	$(BIN)/python -m tests.bench.serving $(ARGS)

bench-replay: $(READY)  ## real backports, replayed: REPOS=DIR holds the clones
	$(BIN)/python -m tests.replay --repos "$(REPOS)"

scale: $(READY)  ## many repositories, few of them busy, on PostgreSQL (ARGS="--repositories 500 --output docs/scale.md")
	$(BIN)/python -m tests.scale $(ARGS)

deploy-test: export RELBOT_ENGINE ?= wanted
deploy-test: wheels  ## the image and the composed system on a Docker engine (.ci/engine make deploy-test brings one)
	$(BIN)/python -m pytest -n 0 -q tests/deploy $(ARGS)

wheels: $(READY)  ## into deploy/wheels: what the image is made of, where its build reaches no package index
	rm -f deploy/wheels/*.whl
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check -c requirements/lock.txt --wheel-dir deploy/wheels . 'hatchling>=1.26,<2'
	rm -f deploy/wheels/relbot-*.whl

chaos: $(READY)  ## killed, starved and lied to (ARGS=--short; ARGS="--only kills")
	$(BIN)/python -m tests.chaos $(ARGS)

docs: $(READY)  ## write the pages that are made out of the code
	$(BIN)/python -m tests.documents

lock:  ## renew requirements/lock.txt from pyproject.toml
	uv pip compile pyproject.toml --extra test --extra check --extra otel --universal --python-version 3.11 \
	  --upgrade --no-emit-index-url --no-header --no-annotate --quiet -o requirements/lock.new
	{ echo "# The exact versions the tests run with. Made by: make lock"; cat requirements/lock.new; } > requirements/lock.txt
	rm requirements/lock.new

clean:  ## everything that make has made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist

$(READY): pyproject.toml requirements/lock.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "relbot needs Python 3.11 or newer; try make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements/lock.txt -e '.[test,check,otel]'
	@touch $(READY)
