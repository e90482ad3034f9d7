# Kiungo's commands; `make help` lists them. They need python3 (3.11 or newer), make and a network
# that reaches a Python package index, once. Everything is kept in .venv/ and var/.

PYTHON3 ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Installing a package writes no byte code twice and asks nothing.
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input

# Where it is set, each of some twenty processes compiles the same code anew.
unexport PYTHONDONTWRITEBYTECODE

# The packages of this workspace: a new service is found by its pyproject.toml.
PYPROJECTS := $(wildcard libs/*/pyproject.toml services/*/pyproject.toml clients/*/pyproject.toml)
PACKAGES := $(PYPROJECTS:/pyproject.toml=)
SERVICES := $(patsubst services/%/pyproject.toml,%,$(wildcard services/*/pyproject.toml))
# The import name of SERVICE: esb-relay is esb_relay.
PACKAGE = $(subst -,_,$(SERVICE))

.DEFAULT_GOAL := help
.PHONY: help up down logs demo test security bench faults openimis lint docs lock sbom texts migration backup restore reset rebuild secrets

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: $(VENV)/.run ## Start everything on this machine (TLS=1: HTTPS; DEMO=0: no demonstration data)
	@$(BIN)/python tools/up.py

down: $(VENV)/.run ## Stop a running `make up`
	@$(BIN)/python tools/control.py down

logs: $(VENV)/.run ## Follow the logs of a running `make up` (NAME=proxy-gateway: of one process)
	@$(BIN)/python tools/control.py logs

demo: $(VENV)/.run ## Show a running installation at work: a few calls with their answers
	@$(BIN)/python tools/demo.py

test: $(VENV)/.dev ## Run all tests (ARGS="-k name": some of them)
	@$(BIN)/python -m pytest --numprocesses 4 --dist loadscope --reruns 1 -raR $(ARGS)

# Who is let in, and what for: every route and page, forged and stolen credentials, floods, replays,
# smuggling shapes, tricks with paths, what is kept in clear, rules for addresses.
SECURITY := tools/tests/test_every_route.py tools/tests/test_edge.py tools/tests/test_nginx.py \
    libs/common/tests/test_outbound.py libs/common/tests/test_tokens.py \
    libs/common/tests/test_token_keys.py libs/common/tests/console \
    services/proxy/tests/access services/proxy/tests/routes/test_scopes.py \
    services/proxy/tests/gateway/test_admission.py services/proxy/tests/gateway/test_bearer.py \
    services/proxy/tests/gateway/test_breaker.py services/proxy/tests/gateway/test_headers.py \
    services/proxy/tests/gateway/test_limits.py services/proxy/tests/gateway/test_match.py \
    services/proxy/tests/console/test_sessions.py services/proxy/tests/console/test_sign_in.py \
    services/proxy/tests/record/test_masks.py services/esb-relay/tests/service/test_callbacks.py \
    services/proxy/tests/gateway/test_secret_checks.py services/proxy/tests/console/test_roles.py \
    services/proxy/tests/console/test_observer.py services/proxy/tests/console/test_attempts.py \
    services/proxy/tests/test_audit.py services/esb-relay/tests/service/test_audit.py \
    services/notification/tests/test_audit.py services/policy-notify/tests/test_audit.py \
    libs/common/tests/test_audit.py libs/common/tests/test_json_schemas.py \
    tools/tests/test_deployment.py tools/tests/test_database_roles.py tools/tests/test_broker_users.py \
    tests-e2e/test_gate.py tests-e2e/test_gate_shapes.py tests-e2e/test_what_is_saved.py \
    tests-e2e/test_client_certificates.py tests-e2e/test_framing.py tests-e2e/test_floods.py \
    tests-e2e/test_secrets_stay_secret.py tests-e2e/test_sign_in.py tests-e2e/test_audit.py

security: $(VENV)/.dev ## Run the tests of who is let in and what stays secret, the long ones too
	@$(BIN)/python -m pytest --numprocesses 3 --dist loadscope -m "not faults" $(SECURITY) $(ARGS)
	@$(BIN)/python -m pytest -s -m faults $(SECURITY) $(ARGS)

lint: $(VENV)/.dev ## Check style, types and import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

# All of them run; the status says whether every goal was reached.
BENCHES := bench.py bench_interference.py bench_transactions.py bench_growth.py bench_import.py bench_relay.py \
    bench_notification.py bench_outbox.py bench_policy.py bench_consents.py bench_sync.py

bench: $(VENV)/.dev ## Measure each service, in ratios where machines differ (takes a while)
	@status=0; for bench in $(BENCHES); do $(BIN)/python tools/$$bench || status=1; done; exit $$status

faults: $(VENV)/.dev ## Kill processes under load and count what was lost; fuzz the APIs for longer
	@FUZZ_EXAMPLES=50 $(BIN)/python -m pytest -m faults -s $(ARGS)

openimis: $(VENV)/.dev ## Test the module for openIMIS against a real one, and both's decisions (takes a while)
	@$(BIN)/python tools/openimis_env.py || echo "The tests are skipped."
	@$(BIN)/python -m pytest -s integrations/openimis-be-kiungo/tests $(ARGS)

docs: $(VENV)/.dev ## Write each service's openapi.json, the one of all, and the client's modules
	@for service in $(SERVICES); do \
	    echo "services/$$service/openapi.json"; \
	    $(BIN)/flask --app "$$(echo $$service | tr - _).app" openapi write --format=json \
	        "services/$$service/openapi.json" || exit 1; \
	done
	@$(BIN)/python tools/merged_document.py
	@$(BIN)/python tools/client_code.py

migration: $(VENV)/.run ## Write a migration: make migration SERVICE=proxy MSG="add …"
	@test -n "$(SERVICE)" -a -n "$(MSG)" || { echo 'usage: make migration SERVICE=proxy MSG="…"'; exit 2; }
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT && export VAR_DIR="$$scratch" && \
	    $(BIN)/flask --app $(PACKAGE) db upgrade && \
	    $(BIN)/flask --app $(PACKAGE) db migrate -m "$(MSG)"

texts: $(VENV)/.dev ## Collect the texts of pages and errors into the message catalogues, and compile them
	@$(BIN)/python tools/texts.py

# --universal: one lock for every system; hashes, and no word of where packages come from.
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-header --no-annotate $(if $(UPGRADE),--upgrade) \
    --no-emit-package kiungo-common --no-emit-package kombu-sqlite \
    --no-emit-package kiungo-client $(SERVICES:%=--no-emit-package kiungo-%)

lock: $(VENV)/.dev ## Write both lock files anew (UPGRADE=1: with the newest versions)
	$(COMPILE) --group pyproject.toml:run $(PYPROJECTS) -o requirements.lock
	$(COMPILE) --group pyproject.toml:run --group pyproject.toml:dev -c requirements.lock \
	    $(PYPROJECTS) -o requirements-dev.lock

sbom: $(VENV)/.run ## Write var/sbom.json (CycloneDX) and var/licences.tsv of what the lock holds
	@$(BIN)/python tools/sbom.py

rebuild: ## Recreate the environment and the processes, keep the data (SHAPE=compose: the containers)
ifeq ($(SHAPE),compose)
	docker compose --env-file .env.local up --detach --build --force-recreate --wait
else
	@rm -f $(VENV)/.run $(VENV)/.dev
	@$(MAKE) --no-print-directory $(VENV)/.run
	@$(BIN)/python tools/control.py restart
endif

backup: $(VENV)/.run ## Write all data and keys into one file, also while it runs (TO=file)
	@$(BIN)/python tools/backup.py backup

restore: $(VENV)/.run ## Bring a backup back where nothing is yet: make restore FROM=backups/….tar.gz
	@$(BIN)/python tools/backup.py restore

reset: $(VENV)/.run ## Delete databases, keys and passwords in var/, after asking
	@$(BIN)/python tools/control.py reset

secrets: ## Write .env.local for compose.yaml: .env.docker.example with fresh passwords
	@$(PYTHON3) tools/production_env.py

$(VENV)/bin/python:
	@$(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "Kiungo needs Python 3.11 or newer; $(PYTHON3) is not. Try: make PYTHON3=python3.12 …"; exit 1; }
	@$(PYTHON3) -c 'import ensurepip, venv' || { \
	    echo "$(PYTHON3) lacks the venv module (Debian: package python3-venv)."; exit 1; }
	@echo "Creating $(VENV) …"
	@$(PYTHON3) -m venv $(VENV)

# What the services need, at the locked versions; the packages of this workspace as they stand.
$(VENV)/.run: requirements.lock $(PYPROJECTS) | $(VENV)/bin/python
	@echo "Installing what the services need …"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation $(PACKAGES:%=-e %)
	@touch $@

# The developers' tools on top; their lock holds the same versions.
$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@echo "Installing the developers' tools …"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@
