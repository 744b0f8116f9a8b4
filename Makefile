# `make` alone explains. Nothing here needs root; `make test` may use it to get a browser or a broker.
.DEFAULT_GOAL := help
PY := .venv/bin/python
.PHONY: help setup run test kills bench bench-page lint lock clean

help:
	@printf '%s\n' \
	'Tambour: say it once, and have it said everywhere.' '' \
	'  make run     set up what is missing, then run everything with a demo town' \
	'               (HOST, PORT and TAMBOUR_DATA move it: PORT=8001 TAMBOUR_DATA=var2 make run)' \
	'  make test    the checks and the whole test suite, real browsers and brokers included' \
	'  make bench   the measures, with medians (make bench ONLY=push for one,' \
	'               make bench ONLY=fanout SIZE=1000000 for a million phones);' \
	'               make bench-page writes docs/performance.md from them' \
	'  make samples DIR=folder   what each recorded feed of a folder gives (AUTHORITY=code, AT=moment)' \
	'  make conform-proof   every check of the panel kit against the twin that is wrong in just that' \
	'  make kills   a fan-out of 100,000 with a kill -9 at every 2 % (SIZE and SEED change it)' \
	'  make lint    ruff, mypy --strict, the arrows between folders' \
	'  make lock    write requirements.txt anew from pyproject.toml (needs uv)' \
	'  make setup   only set up: .venv, the browser packages' \
	'  make clean   take away what setup and the tests left (never var/, where the data is)' '' \
	'Afterwards .venv/bin/tambour --help lists the commands; docs/running.md tells more.'

setup:
	@scripts/setup

# One simple command, so that make starts it itself and a signal to make's group reaches it.
run: setup
	@.venv/bin/tambour up --demo

test:
	@scripts/setup --tests
	@$(MAKE) --no-print-directory check
	@scripts/tests

bench:
	@scripts/setup --tests --bench
	@SIZE=$(SIZE) $(PY) -m tests.benchmarks.run $(ONLY)

kills:
	@scripts/setup --tests
	@SIZE=$(or $(SIZE),100000) $(PY) -m tests.faults.long_fanout

bench-page: setup
	@$(PY) -m tests.benchmarks.run --page

.PHONY: samples
samples: setup
	@test -n "$(DIR)" || { echo 'Say which folder: make samples DIR=folder' >&2; exit 2; }
	@.venv/bin/tambour sources samples "$(DIR)" $(if $(AUTHORITY),--authority "$(AUTHORITY)") \
	$(if $(AT),--at "$(AT)")

.PHONY: conform-proof
conform-proof:
	@scripts/setup --tests
	@$(PY) -m tests.benchmarks.proof_conform $(ONLY)

lint: setup
	@$(MAKE) --no-print-directory check

.PHONY: check
check:
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@.venv/bin/lint-imports

lock:
	@python3 scripts/lock

clean:
	@rm -rf .venv node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis \
	.import_linter_cache .schemathesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
