# Everything a person or a CI needs, as one word each. `make` alone lists them.
# Needs only make and a Python >= 3.11; each target sets up what it needs.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
STAMP := $(VENV)/.compiled
UNIT := not integration and not browser and not soak
# make test PYTEST_ARGS="-k compose -x"
PYTEST_ARGS ?=

# What pytest and mypy make of the sources is kept between runs; each worker made it anew else.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---------------------------------------------------------------- set-up

.PHONY: venv
venv: $(STAMP) ## Create .venv and install everything into it (done by the others when needed).

# Done again only when pyproject.toml has changed.
$(INSTALLED): pyproject.toml
	@if [ ! -x $(BIN)/python ]; then \
	  python=; \
	  for candidate in $(PYTHON) python3.13 python3.12 python3.11 python3.14 python3 python; do \
	    if "$$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; \
	    then python=$$candidate; break; fi; \
	  done; \
	  if [ -z "$$python" ]; then \
	    echo "No Python 3.11 to 3.14 found. Install one (Debian, Ubuntu: apt-get install python3 python3-venv;" >&2; \
	    echo "macOS: brew install python@3.13), or name it: make PYTHON=/path/to/python3.12" >&2; \
	    exit 1; \
	  fi; \
	  echo "Creating $(VENV) with $$("$$python" --version)"; \
	  "$$python" -m venv $(VENV) || { rm -rf $(VENV); \
	    echo "Python has no venv module (Debian, Ubuntu: apt-get install python3-venv)." >&2; exit 1; }; \
	fi
	@echo "Installing into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $@

# Without a C compiler the Python modules are used: it says so, and all works.
$(STAMP): $(INSTALLED) deploy/compiled.py $(wildcard scoring/*.py scoring/*.pxd scoring/*_c.pyx streams/intake/*.py streams/intake/*.pxd streams/*/*_c.pyx)
	@$(BIN)/python deploy/compiled.py || true
	@touch $@

# The jars of a real Kafka go to a cache outside the work tree. Without Maven or Java the tests
# that need a broker are skipped and say so (in CI they fail); this line says it beforehand.
.PHONY: kafka
kafka: $(STAMP) ## Fetch the real Kafka broker for the tests (needs mvn and java, once).
	@if [ -n "$$KAFKA_BOOTSTRAP" ]; then echo "Kafka: $$KAFKA_BOOTSTRAP"; \
	else $(BIN)/python tests/servers/kafka_server.py --fetch >/dev/null \
	  || echo "The tests that need a real Kafka will be skipped, or failed with CI=true." >&2; fi

# ---------------------------------------------------------------- see it

.PHONY: demo
demo: $(STAMP) ## A simulated company, scored in front of you. Ctrl-C ends it.
	@$(BIN)/vitals demo

# ---------------------------------------------------------------- prove it

# The static checks beside the tests: a quiet job, which shows what it says only if it fails.
.PHONY: check
check: $(STAMP) ## Format, lint, types, import contracts, unit tests: before every push.
	@$(MAKE) -j2 static units

.PHONY: static
static: $(STAMP) ## Format, lint, types and import contracts alone.
	@$(BIN)/ruff format --check --output-format=concise --quiet || { echo "run: make format" >&2; exit 1; }
	@$(BIN)/ruff check --quiet
	@$(BIN)/mypy --no-error-summary
	@said=$$($(BIN)/lint-imports --no-logo) || { echo "$$said"; exit 1; }

# Few examples of each property: all of them are for `make test`. The static checks run beside.
.PHONY: units
units: $(STAMP)
	@$(BIN)/python -m pytest -q --numprocesses=auto --few-examples -m "$(UNIT)" \
	  --deselect tests/architecture/test_static.py $(PYTEST_ARGS)

# What is quick first, on all cores. Those with servers in three lanes, each with a broker of its own:
# they wait more than they work, and nothing beside them, for their timeouts. At last the guard, alone on the
# machine. With PYTEST_ARGS it is one run of what they name.
.PHONY: test
test: $(STAMP) kafka ## All tests but the soak, on a real Kafka and a real Redis where they can be had.
	@if [ -n "$(PYTEST_ARGS)" ]; then $(BIN)/python -m pytest $(PYTEST_ARGS); else \
	  $(BIN)/python -m pytest -q --numprocesses=auto -m "$(UNIT)" && $(MAKE) core && $(MAKE) with-servers \
	    && $(MAKE) guard; fi

# Only the files that have such tests are read (tests/conftest.py holds that they say so themselves).
# A lane takes the next file when it has nothing left, so the longest come first.
LONGEST := $(addprefix tests/,chaos/test_gate.py integration/test_demo.py streams/outreach/test_process.py \
  $(addprefix integration/test_,state_copies.py commands.py changelog_damage.py activation.py redrive.py) \
  browser/test_pages.py $(addprefix integration/test_,pausing.py upgrade.py percentiles.py) \
  deploy/test_access.py streams/repartition/test_changing.py)
.PHONY: with-servers
with-servers: $(STAMP) kafka
	@$(BIN)/python -m pytest -q --numprocesses=3 --dist=loadfile --no-loadscope-reorder \
	  -m "not soak and not ($(UNIT))" \
	  $(LONGEST) $$(grep -rlE 'mark\.(integration|browser)\b' tests --include='test_*.py' | sort)

# What tests the core: the shell reads the cards that are refused, and replays hierarchies. What
# takes long and reaches no branch that the others do not is left to `make check` and `make test`.
CORE_TESTS := tests/scoring tests/streams/test_scorecards.py \
  tests/streams/commands/test_replay_command.py \
  $(addprefix --ignore=tests/scoring/test_,silence.py silence_of_many.py oracle.py series.py told.py) \
  -k "not a_hundred_thousand and not any_text_as and not any_value_in and not near_enough \
  and not narrow_logistic and not customers_go_on_as and not ticks_in_ranges \
  and not standard_error and not it_is_the_oracles and not speed_does_not"
# With a seed of its own: whether a branch is covered must not be left to chance. Without the compiled
# modules: of them coverage sees nothing, and this way both forms are tested.
.PHONY: core
core: $(STAMP) ## The core's tests; fails unless they cover every branch of scoring/.
	@VITALS_TESTS_PURE=1 $(BIN)/python -m pytest -q --few-examples --seed=1 $(CORE_TESTS) \
	  --cov=scoring --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=100

.PHONY: soak
soak: $(STAMP) kafka ## The tests that take longer than a gate may.
	@$(BIN)/python -m pytest -m soak $(PYTEST_ARGS)

KILLS ?= 8
.PHONY: chaos
chaos: $(STAMP) kafka ## Kill things while events come, and count what is wrong (EVENTS= KILLS= SEED= OUT=).
	@$(BIN)/python tests/chaos/run.py --events $(or $(EVENTS),100000) --kills $(KILLS) \
	  --out $(or $(OUT),chaos.json) $(if $(SEED),--seed $(SEED))

# Absolute figures say as much about the machine: what counts are the ratios within a round.
SCENARIO ?= narrow
PEERS := .venv-bench
.PHONY: bench
bench: $(STAMP) kafka $(if $(filter narrow,$(SCENARIO)),peers) ## A benchmark (SCENARIO= SECONDS= EVENTS= CUSTOMERS= RATE= ROUNDS= ONLY= OUT=).
	@$(BIN)/python tests/bench/run.py --scenario $(SCENARIO) --out $(or $(OUT),bench.json) \
	  $(if $(SECONDS),--seconds $(SECONDS)) $(if $(EVENTS),--events $(EVENTS)) \
	  $(if $(CUSTOMERS),--customers $(CUSTOMERS)) $(if $(RATE),--rate $(RATE)) \
	  $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(ONLY),--only $(ONLY))

# A ratio, not a time: what else the machine does, it does to both.
.PHONY: guard
guard: $(STAMP) kafka ## Fail if Vitals is less than 20 times as fast as stock Faust (a minute).
	@$(BIN)/python tests/bench/run.py --only vitals faust --events $(or $(EVENTS),800000) --seconds 8 \
	  --rounds 1 --floor vitals/faust=20 --out $(or $(OUT),build/guard.json) \
	  || { code=$$?; [ $$code = 3 ] && [ -z "$$CI" ] && echo "Not guarded here." >&2 || exit $$code; }

# Without the network the run goes on: what could not be installed is reported as absent.
.PHONY: peers
peers: $(PEERS)/.installed
$(PEERS)/.installed: pyproject.toml $(STAMP)
	@echo "Installing the peers in Python into $(PEERS)"
	@{ $(BIN)/python -m venv $(PEERS) \
	  && $(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1' \
	  && $(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --group bench \
	  && touch $@; } || echo "The peers that are not installed will be absent." >&2

.PHONY: throughput
throughput: $(STAMP) kafka ## One worker alone, in one process and in two, to see what a change does (EVENTS=...).
	@$(BIN)/python tests/bench/throughput.py --events $(or $(EVENTS),1000000)
	@$(BIN)/python tests/bench/throughput.py --events $(or $(EVENTS),1000000) --split

.PHONY: coverage
coverage: $(STAMP) kafka ## All tests with branch coverage; the report is in htmlcov/.
	@$(BIN)/python -m pytest --cov --cov-report=term --cov-report=html $(PYTEST_ARGS)

# ---------------------------------------------------------------- keep it tidy

.PHONY: format
format: $(STAMP) ## Format, and fix what ruff can fix.
	@$(BIN)/ruff check --fix --quiet --exit-zero
	@$(BIN)/ruff format

.PHONY: schemas
schemas: $(STAMP) ## Write the JSON Schemas of every event to docs/schemas.
	@$(BIN)/vitals schemas --out docs/schemas

.PHONY: scorecards
scorecards: $(STAMP) ## Check every shipped scorecard, play its scenarios.
	@$(BIN)/vitals scorecard check deploy/scorecards/*.yaml
	@$(BIN)/vitals scorecard test deploy/scorecards

.PHONY: clean
clean: ## Remove caches and build results (the virtual environment stays).
	@rm -rf build dist htmlcov .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find schemas scoring streams tests -name __pycache__ -type d -prune -exec rm -rf {} +
