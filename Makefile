# The two commands of the README set up everything themselves: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# The part of it that kam itself runs with: enough for `make demo`.
RUNS := $(VENV)/.runs
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps
SITE ?= demo-site
# Beside the other one: the library of the extra `forecast` needs an older pandas and half a gigabyte.
FORECAST_VENV := .venv-forecast
FORECAST_READY := $(FORECAST_VENV)/.ready
FORECAST_INSTALL := $(INSTALL:$(VENV)/%=$(FORECAST_VENV)/%)
# Superset wants older packages than Prefect does, and three quarters of a gigabyte. Its lock file is for Python 3.11.
SUPERSET_VENV := .venv-superset
SUPERSET_READY := $(SUPERSET_VENV)/.ready
SUPERSET_INSTALL := $(INSTALL:$(VENV)/%=$(SUPERSET_VENV)/%)
SUPERSET_PYTHON ?= $(PYTHON)
SUPERSET_HOME ?= .superset
SUPERSET_PORT ?= 8088
# Where the shell forbids compiled modules, each process would compile Prefect, pandas and Great Expectations anew. Empty: allowed.
export PYTHONDONTWRITEBYTECODE :=
# What the benchmarks compare with; it wants other packages than Prefect does. Compiled at once: its first run is measured.
DBT_VENV := .venv-dbt
DBT_READY := $(DBT_VENV)/.ready
DBT_INSTALL := $(filter-out --no-compile,$(INSTALL:$(VENV)/%=$(DBT_VENV)/%))
LINES ?= 100000
# The real Tryton that its preset is tested against. Compiled at once: its server starts several times.
TRYTON_VENV := .venv-tryton
TRYTON_READY := $(TRYTON_VENV)/.ready
TRYTON_INSTALL := $(filter-out --no-compile,$(INSTALL:$(VENV)/%=$(TRYTON_VENV)/%))

# Ray is a fifth of a gigabyte, which no other test needs.
RAY_VENV := .venv-ray
RAY_READY := $(RAY_VENV)/.ready
RAY_INSTALL := $(INSTALL:$(VENV)/%=$(RAY_VENV)/%)

.DEFAULT_GOAL := help
.PHONY: help demo test test-long test-lake test-ray test-forecast dashboards run-dashboards test-dashboards test-tryton tryton-figures soak bench bench-peers bench-quick lint lint-style lint-types lint-docs format docs setup lock clean

help: ## List the commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Make the environment from the lock file

# Its own environment, every package pinned by hash; --no-deps because the lock file already holds the whole tree. A newer pip than
# Python brings takes half the time to choose files. Modules are compiled when they are first used; most never are.
$(RUNS): deploy/requirements.lock requirements.lock requirements-pip.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
		|| { echo "Python 3.11 to 3.13 is needed, $(PYTHON) is $$($(PYTHON) --version). Name another: make PYTHON=python3.12 …"; exit 1; }
	@echo "Setting up $(VENV) (once, about a minute) …"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(INSTALL) --require-hashes -r requirements-pip.lock
	@$(INSTALL) --require-hashes -r deploy/requirements.lock
	@$(INSTALL) --no-build-isolation --editable .
	@touch $@

# With the tools of the tests. The packages that are there already stay as they are: both lock files have the same versions of them.
$(READY): $(RUNS)
	@$(INSTALL) --require-hashes -r requirements.lock
	@touch $@

demo: $(RUNS) ## Write a made-up site and close its last three months
	@rm -rf $(SITE)
	@$(BIN)/kam demo $(SITE)
	@$(BIN)/kam --prefect --site $(SITE) backfill 2026-08 2026-10
	@echo
	@echo "Where to look:"
	@echo "  $(BIN)/kam --site $(SITE) status           closed months, loads, failed checks"
	@echo "  $(BIN)/kam --site $(SITE) rejects          rows that were not loaded, and why"
	@echo "  $(BIN)/kam --site $(SITE) ui               the run in Prefect: its tasks, log and tables"
	@echo "  $(SITE)/published/index.html          which account to call first, and why, for a browser"
	@echo "  $(SITE)/published/kam.duckdb          the tables for BI tools, in the schema reporting"
	@echo "  $(SITE)/published/quality/index.html  what was checked and what failed, for a browser"

# Nothing in these tests needs the plugin of Hypothesis, which takes each process seconds to read.
test: $(READY) lint ## Check style, types and docs, and run the tests except the long ones
	@$(BIN)/python -m pytest -n 3 -p no:hypothesispytest

test-long: $(READY) ## Run the tests that `make test` leaves out: whole runs that take long, other cases of a kind
	@$(MAKE) --no-print-directory $(TRYTON_READY) || { rm -rf $(TRYTON_VENV); echo "Tryton cannot be installed here"; }
	@KAM_LONG=1 $(BIN)/python -m pytest -n 3 -m long

# With KAM_TEST_STORE=ducklake each site of a test stores in a lake of its own, in the PostgreSQL server of the tests.
ON_LAKE := $(addsuffix .py,$(addprefix tests/test_,backfill check cli closing controls corrections databases diff explain file_order first_dates \
	golden ingest levels load_modes losses needs no_records pack plan publication published_update questions readiness rebuild record_numbers \
	rejected_sheets rejects report reviews signoff sources stored_ahead targets timings unpivot verify warehouse withdrawal workbooks)) \
	tests/cases tests/crash/test_kills.py tests/crash/test_clock.py

test-lake: $(READY) ## Run all tests of a warehouse in DuckLake, and those of the files that use a site over again on one (hours; needs PostgreSQL)
	@KAM_LONG=1 KAM_LAKE=1 $(BIN)/python -m pytest -n 3 tests/test_lake.py tests/test_object_storage.py tests/test_archive_in_storage.py tests/test_migration.py \
		tests/test_stores.py tests/test_workers.py tests/test_worker_pools.py tests/crash/test_lake_kills.py
	@KAM_LONG=1 KAM_TEST_STORE=ducklake $(BIN)/python -m pytest -n 3 --timeout=3600 -rs $(ON_LAKE)

test-ray: $(RAY_READY) ## Run the tests of workers on a Ray cluster, in an environment of its own (minutes; needs PostgreSQL)
	@KAM_LONG=1 KAM_LAKE=1 $(RAY_VENV)/bin/python -m pytest tests/test_worker_pools.py -k ray

$(RAY_READY): requirements-ray.lock requirements-pip.lock pyproject.toml
	@echo "Setting up $(RAY_VENV) (once, about two minutes) …"
	@rm -rf $(RAY_VENV)
	@$(PYTHON) -m venv $(RAY_VENV)
	@$(RAY_INSTALL) --require-hashes -r requirements-pip.lock
	@$(RAY_INSTALL) --require-hashes -r requirements-ray.lock
	@$(RAY_INSTALL) --no-build-isolation --editable .
	@touch $@

test-forecast: $(FORECAST_READY) ## Run the tests of `kam forecast` with the real library, in an environment of its own
	@$(FORECAST_VENV)/bin/python -m pytest tests/test_forecast_models.py tests/test_forecast.py

$(FORECAST_READY): requirements-forecast.lock requirements-pip.lock pyproject.toml
	@echo "Setting up $(FORECAST_VENV) (once, about two minutes) …"
	@rm -rf $(FORECAST_VENV)
	@$(PYTHON) -m venv $(FORECAST_VENV)
	@$(FORECAST_INSTALL) --require-hashes -r requirements-pip.lock
	@$(FORECAST_INSTALL) --require-hashes -r requirements-forecast.lock
	@$(FORECAST_INSTALL) --no-build-isolation --editable .
	@touch $@

# For tables in PostgreSQL: make dashboards URL=postgresql://reader@host/database SCHEMA=kam
dashboards: $(READY) $(SUPERSET_READY) ## Set up Apache Superset with six dashboards of a site (SITE=demo-site)
	@[ -n "$(URL)" ] || [ -f $(SITE)/published/kam.duckdb ] || { echo "$(SITE) has no published tables. Run: make demo (or name your site: make dashboards SITE=…)"; exit 1; }
	@mkdir -p -m 700 $(SUPERSET_HOME)
	@$(BIN)/kam --site $(SITE) superset $(SUPERSET_HOME)/assets $(if $(URL),--url '$(URL)') $(if $(SCHEMA),--schema '$(SCHEMA)') >/dev/null
	@echo "Setting up Superset in $(SUPERSET_HOME) (one to four minutes) …"
	@$(SUPERSET_VENV)/bin/python dashboards/superset/set_up.py $(SUPERSET_HOME)
	@echo "Start it: make run-dashboards"

run-dashboards: ## Start the Superset that `make dashboards` set up, for this machine only
	@[ -f $(SUPERSET_HOME)/superset.db ] || { echo "Superset is not set up. Run: make dashboards"; exit 1; }
	@echo "Open http://127.0.0.1:$(SUPERSET_PORT)/dashboard/list/ (Ctrl+C ends it)"
	@SUPERSET_HOME=$(SUPERSET_HOME) SUPERSET_CONFIG_PATH=$(CURDIR)/dashboards/superset/superset_config.py SCARF_ANALYTICS=false DO_NOT_TRACK=1 \
		$(SUPERSET_VENV)/bin/superset run --host 127.0.0.1 --port $(SUPERSET_PORT) --with-threads

# Where Superset cannot be installed, the tests say so and are skipped.
test-dashboards: $(READY) ## Start Superset and compare figures on its pages with the tables (minutes; needs Chromium)
	@$(MAKE) --no-print-directory $(SUPERSET_READY) || echo "Superset cannot be installed here"
	@KAM_DASHBOARDS=1 $(BIN)/python -m pytest tests/dashboards

$(SUPERSET_READY): requirements-superset.lock requirements-pip.lock
	@$(SUPERSET_PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
		|| { echo "Superset needs Python 3.11. Name one: make SUPERSET_PYTHON=python3.11 …"; exit 1; }
	@echo "Setting up $(SUPERSET_VENV) (once, about two minutes) …"
	@rm -rf $(SUPERSET_VENV)
	@$(SUPERSET_PYTHON) -m venv $(SUPERSET_VENV)
	@$(SUPERSET_INSTALL) --require-hashes -r requirements-pip.lock
	@$(SUPERSET_INSTALL) --require-hashes -r requirements-superset.lock
	@touch $@

# A year in a real Tryton server, on PostgreSQL. Where one of them cannot be had, the tests say so and are skipped.
test-tryton: $(READY) ## Live through a year in a Tryton server and compare its reports with our figures (minutes; needs PostgreSQL)
	@$(MAKE) --no-print-directory $(TRYTON_READY) || { rm -rf $(TRYTON_VENV); echo "Tryton cannot be installed here"; }
	@KAM_LONG=1 $(BIN)/python -m pytest tests/presets/test_tryton.py

tryton-figures: $(READY) $(TRYTON_READY) ## The same, and write the figures into docs/erp/tryton.md
	@KAM_LONG=1 KAM_TRYTON_FIGURES=1 $(BIN)/python -m pytest tests/presets/test_tryton.py

$(TRYTON_READY): requirements-tryton.lock requirements-pip.lock
	@echo "Setting up $(TRYTON_VENV) (once, about a minute) …"
	@rm -rf $(TRYTON_VENV)
	@$(PYTHON) -m venv $(TRYTON_VENV)
	@$(TRYTON_INSTALL) --require-hashes -r requirements-pip.lock
	@$(TRYTON_INSTALL) --require-hashes -r requirements-tryton.lock
	@touch $@

soak: $(READY) ## Try mutated files, kill -9 at every point, 200 signals, and readers through 500 closes (hours)
	@KAM_SOAK_CLOSES=$${KAM_SOAK_CLOSES:-500} $(BIN)/python -m pytest tests/test_bi_readers.py --timeout=0 -s
	@KAM_FUZZ_EXAMPLES=$${KAM_FUZZ_EXAMPLES:-100000} $(BIN)/python -m pytest tests/fuzz --timeout=0 -s
	@KAM_SIGNALS=$${KAM_SIGNALS:-200} KAM_CRASH_RUNS=$${KAM_CRASH_RUNS:-100000} $(BIN)/python -m pytest tests/crash --timeout=0 -s

bench: $(READY) ## Measure all there is to measure, beside peers at three sizes, and with three memory limits (two hours)
	@$(BIN)/python -m benchmarks.ingest
	@$(BIN)/python -m benchmarks.close
	@$(BIN)/python -m benchmarks.validation
	@$(BIN)/python -m benchmarks.backfill
	@$(BIN)/python -m benchmarks.commit
	@$(BIN)/python -m benchmarks.pack
	@$(MAKE) --no-print-directory bench-peers LINES="100000 1000000 10000000"
	@for limit in 1GB 2GB 4GB; do \
		$(BIN)/python -m benchmarks.peers --lines 10000000 --only-ours --backfill --memory-limit $$limit || exit 1; done

# Where dbt cannot be installed, it is left out with a message.
bench-peers: $(READY) ## Measure a close beside bare DuckDB, Polars and dbt (LINES="100000 1000000", OPTIONS=--backfill)
	@$(MAKE) --no-print-directory $(DBT_READY) || { rm -rf $(DBT_VENV); echo "dbt cannot be installed here"; }
	@for lines in $(LINES); do $(BIN)/python -m benchmarks.peers --lines $$lines $(OPTIONS) || exit 1; done

bench-quick: $(READY) ## Compare a small close with bare DuckDB, and both with the last time (a minute; KEEP=1 keeps the figures)
	@$(BIN)/python -m benchmarks.peers --quick $(if $(KEEP),--keep)

$(DBT_READY): requirements-dbt.lock requirements-pip.lock
	@echo "Setting up $(DBT_VENV) (once, about a minute) …"
	@rm -rf $(DBT_VENV)
	@$(PYTHON) -m venv $(DBT_VENV)
	@$(DBT_INSTALL) --require-hashes -r requirements-pip.lock
	@$(DBT_INSTALL) --require-hashes -r requirements-dbt.lock
	@touch $@

lint: $(READY) ## Check format, style, types, generated docs and links
	@$(MAKE) --no-print-directory --jobs 2 lint-types lint-style lint-docs

lint-style: $(READY)
	@$(BIN)/ruff format --check --quiet . || { echo "Not formatted. Run: make format"; exit 1; }
	@$(BIN)/sqlfmt --check --quiet sql || { echo "SQL is not formatted. Run: make format"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/hadolint deploy/Dockerfile deploy/superset.Dockerfile

lint-types: $(READY)
	@$(BIN)/mypy --no-error-summary

lint-docs: $(READY)
	@$(BIN)/python -m kam.publish.docs --check
	@$(BIN)/python -m kam.cli.reference --check
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict --site-dir $(VENV)/docs-site

format: $(READY) ## Format Python and SQL
	@$(BIN)/ruff format --quiet .
	@$(BIN)/sqlfmt --quiet sql

docs: $(READY) ## Write the reference pages from the code, and the guide to site/index.html
	@$(BIN)/python -m kam.publish.docs
	@$(BIN)/python -m kam.cli.reference
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo "The guide: site/index.html"

lock: $(READY) ## Resolve the pinned packages anew (needs uv)
	@uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --quiet --output-file requirements.lock
	@cp requirements.lock requirements-forecast.lock # the same packages as far as the extra lets them
	@uv pip compile pyproject.toml --extra dev --extra forecast --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --quiet --output-file requirements-forecast.lock
	@cp requirements.lock requirements-ray.lock
	@uv pip compile pyproject.toml --extra dev --extra ray --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --quiet --output-file requirements-ray.lock
	@uv pip compile pyproject.toml --extra postgresql --extra mysql --extra otel --extra build --constraint requirements.lock --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet --output-file deploy/requirements.lock
	@uv pip compile dashboards/superset/requirements.in --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet --output-file requirements-superset.lock
	@uv pip compile benchmarks/dbt/requirements.in --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet --output-file requirements-dbt.lock
	@uv pip compile tests/tryton/requirements.in --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet --output-file requirements-tryton.lock
	@echo pip | uv pip compile - --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet \
		--output-file requirements-pip.lock

clean: ## Remove the environments, the demo site, the guide and Superset with all that it keeps
	@rm -rf $(VENV) $(FORECAST_VENV) $(SUPERSET_VENV) $(SUPERSET_HOME) $(DBT_VENV) $(TRYTON_VENV) $(RAY_VENV) $(SITE) site
