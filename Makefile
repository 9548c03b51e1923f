# Every target that needs Python makes the virtual environment when it is missing or its lock has changed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Tests wait a third of their time for Terraform, registries and faults: one worker more than the two cores of a small machine.
WORKERS ?= 3

CDK_STAMP := $(VENV)/.cdk-installed

.PHONY: help release venv demo test test-long test-pythons engines test-cluster check provider-schema format lock clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

$(STAMP): requirements/dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or later is needed; set PYTHON=/path/to/python3")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(STAMP)

# CDK has 500 MB, which only the tests of the constructs need.
$(CDK_STAMP): $(STAMP) requirements/cdk.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/cdk.txt
	touch $(CDK_STAMP)

venv: $(STAMP) ## the virtual environment with the locked dependencies

demo: $(STAMP) ## the main job on the embedded AWS: plan, apply, output, drift
	$(BIN)/python -m scripts.demo

test: $(STAMP) ## every test that needs no cluster engines, but for the long ones
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not cluster and not long and not speed"
	$(BIN)/python -m pytest -m speed

test-long: $(STAMP) $(CDK_STAMP) ## the long ones: interrupts, kills, throttling, full disks, lost locks; functions deployed; requests against the deployer policy
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m long

test-pythons: $(STAMP) ## the unit tests on every other supported Python that this machine has
	$(BIN)/python -m scripts.test_pythons

engines: $(STAMP) ## kube-apiserver, etcd, kubectl, the Kyverno CLI and small decoders, into a user-level cache (needs Go)
	$(BIN)/python -m tests.cluster.engines.build

test-cluster: $(STAMP) ## the generated documents through those engines and skopeo
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal tests/cluster -m cluster

check: $(STAMP) ## format, lint, types, layers, dead code, words, long sentences, tests that check nothing, long files, Terraform style, README against the CLI, docs/reference against the code
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture
	$(BIN)/python -m scripts.check_terraform_format
	$(BIN)/python -m scripts.check_readme
	$(BIN)/python -m scripts.draw_layers
	$(BIN)/python -m scripts.check_words
	$(BIN)/python -m scripts.check_sentences
	$(BIN)/python -m scripts.check_tests
	$(BIN)/python -m scripts.check_lengths
	$(BIN)/python -m scripts.write_reference

provider-schema: $(STAMP) ## what the modules use against the newest AWS provider's schema (downloads 70 MB)
	$(BIN)/python -m scripts.check_provider_schema

format: $(STAMP) ## rewrite sources in the project's style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python -m scripts.check_terraform_format --write

lock: $(STAMP) ## compile the locks again (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras --quiet --extra all pyproject.toml -o requirements/runtime.txt --custom-compile-command "make lock"
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras --quiet --extra dev pyproject.toml -o requirements/dev.txt --custom-compile-command "make lock"
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras --quiet --constraint requirements/runtime.txt requirements/usage.in -o requirements/usage.txt --custom-compile-command "make lock"
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras --quiet --constraint requirements/runtime.txt requirements/swapper.in -o requirements/swapper.txt --custom-compile-command "make lock"
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras --quiet --constraint requirements/dev.txt requirements/cdk.in -o requirements/cdk.txt --custom-compile-command "make lock"

release: $(STAMP) ## wheel, sdist, bill of materials, provenance and checksums into dist/
	$(BIN)/python -m scripts.build_release

clean: ## remove what the targets above made
	rm -rf $(VENV) .orchestrator build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
