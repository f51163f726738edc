# Every target makes the environment it needs; "make help" lists them.
.DEFAULT_GOAL := help
.PHONY: help environment demo test lint types native protos protos-check schemas schemas-check migration lock bench soak survey simulate conversions userland clean
SHELL := /bin/bash

# Whatever the shell says: without it each process would compile all that it reads.
unexport PYTHONDONTWRITEBYTECODE

# Extra arguments for the command that a target runs, as in: make test ARGS='-k ranking'
ARGS ?=

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

environment: ## make .venv as the lock says; instant when it is there
	@tools/environment

demo: environment ## run the main job on this machine: convert, measure, rank, report
	@.venv/bin/edgerank demo $(ARGS)

# Half as many again as cores: a third of the time of all tests is waiting. In the order of the
# files: by the number of their tests, the longest one of all would come last.
test: environment ## run every test, three files at once for every two cores
	@EDGERANK_CHROMIUM=$$(tools/browser) && EDGERANK_SSHD=$$(tools/openssh-server) && \
		EDGERANK_NATIVE=$$(tools/native x86_64 aarch64) && EDGERANK_AARCH64=$$(tools/aarch64-userland) && EDGERANK_PHONE=$$(tools/phones/stand-in) && \
		export EDGERANK_CHROMIUM EDGERANK_SSHD EDGERANK_NATIVE EDGERANK_AARCH64 EDGERANK_PHONE && \
		.venv/bin/python -m compileall -q -j 0 -x "/(test_|conftest)" agent controller models protos sandbox tests && \
		.venv/bin/python -m pytest --numprocesses $$((($$(nproc) * 3 + 1) / 2)) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: environment ## check style, format and import rules
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/lint-imports
	@.venv/bin/python tools/check_house.py

types: environment ## check types, strictly
	@.venv/bin/mypy
	@.venv/bin/mypy --package tools

protos: environment ## generate the code of protos/v1/*.proto
	@tools/generate-protos .

protos-check: environment ## fail if the generated code is stale
	@tools/check-protos

schemas: environment ## generate the JSON schemas and the tables of docs/json.md from the dataclasses
	@.venv/bin/python -m tools.schemas write

schemas-check: environment ## fail if a schema or a table is stale, or a schema is of no document
	@.venv/bin/python -m tools.schemas check

migration: export MESSAGE := $(MESSAGE)
migration: environment ## write the migration to the tables as they are now (MESSAGE="add a column")
	@.venv/bin/python tools/new_migration.py "$$MESSAGE"
	@.venv/bin/ruff format --quiet controller/state/migrations

bench: environment ## run the benchmarks (both sides in one run) and write docs/proof/benchmarks.md
	@.venv/bin/python -m tests.benchmarks $(ARGS)

survey: environment ## measure most of the catalog on this machine, coarsely; goes on where it was stopped (ARGS='--time 30m')
	@.venv/bin/python -m tests.benchmarks.predicting.survey $(ARGS)

soak: environment ## run 5,000 fault schedules (ARGS='--seed 137 --count 1' runs one again)
	@.venv/bin/python -m tests.faults $(ARGS)

simulate: environment ## run a fleet in simulated time (ARGS='--jobs 100000 --devices 1000 --faults 1000 --seed 7')
	@.venv/bin/python -m tests.simulation $(ARGS)

conversions: environment ## convert the whole catalog and write docs/conversion.md; goes on where it was stopped
	@tools/conversions $(ARGS)

native: environment ## build the native runner for every machine that it can be built for here
	@tools/native $(ARGS)

userland: ## unpack the userland of aarch64 that the tests of boards run in, as "make test" does
	@tools/aarch64-userland

compile_lock = .venv/bin/uv pip compile setup.cfg --python .venv/bin/python --python-version 3.10 \
	--generate-hashes --no-header --quiet $(ARGS)

lock: environment ## resolve both locks anew, keeping pins that still hold (ARGS=--upgrade: the newest)
	@$(compile_lock) --python-platform x86_64-manylinux_2_28 --all-extras \
		--override locks/overrides.txt --output-file locks/dev.txt >/dev/null
	@$(compile_lock) --universal --extra agent --extra onnxruntime --output-file locks/agent.txt >/dev/null
	@tools/environment

clean: ## remove .venv, caches and built files
	@rm -rf .venv build dist ./*.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	@find agent controller models protos tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
