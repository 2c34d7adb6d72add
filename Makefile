# Everything a person types. `make` alone lists it.

PYTHON ?= python3
BIN    := .venv/bin
READY  := .venv/.ready
PYTEST := $(BIN)/pytest
# The tests wait for the field more than they compute: several at once even on one core. WORKERS=0 runs them one after another.
WORKERS ?= 4

.DEFAULT_GOAL := help
.PHONY: help setup machine demo test check lint fix deb installer image image-test test-box test-update test-slow test-browser test-kill test-commands test-callbacks faults test-outage test-headsets floors bench pop-load bench-wallboard bench-headsets directory-load fleet soak cluster docs contract opcua-clients release-schema sbom clean rig

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

setup: $(READY) machine ## all that demo and tests need: .venv/, and on Debian the packages mosquitto, chromium, fonts-liberation

# Made again only when the dependencies may have changed.
$(READY): pyproject.toml .ci/setup
	@PYTHON="$(PYTHON)" .ci/setup venv
	@touch $@

machine:
	@.ci/setup machine

demo: $(READY) ## a whole simulated floor on http://127.0.0.1:8080, until Ctrl-C
	@$(BIN)/callfloor demo $(ARGS)

test: setup ## the whole quick suite, with real broker and browser
	$(PYTEST) -n $(WORKERS) --dist loadgroup $(ARGS)

check: $(READY) lint ## the loop while working: lint, then the tests that need neither broker nor browser; under a minute
	$(PYTEST) -n $(WORKERS) --dist loadgroup -m "not slow and not browser and not broker" $(ARGS)

lint: $(READY) ## ruff, formatting, types, and whether the contract's forms break what was published
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m appliance.schema check docs

fix: $(READY) ## what ruff can mend by itself
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

test-slow: setup ## the slow suites: long replays, floods, outside validators
	$(PYTEST) -m "slow and not box" $(ARGS)

test-browser: setup ## the boards in a real Chromium, in full: also accessibility (axe-core by npm), memory over 100 000 updates, a real journal
	@mkdir -p build/axe
	@test -e build/axe/node_modules/axe-core/axe.min.js || npm install --silent --no-audit --no-fund --prefix build/axe axe-core@4
	$(PYTEST) -s -m "browser" tests/browser $(ARGS)

test-kill: setup ## a busy morning while every service is killed at random, and every other fault in full; ten minutes
	$(PYTEST) -m slow tests/faults $(ARGS)

test-commands: setup ## 1 000 kills of every service, the broker and the link to the PBX while a CRM gives commands: none twice, none without an end; eight minutes
	$(PYTEST) -m slow tests/faults/test_commands_killed.py $(ARGS)

test-callbacks: setup ## 100 kills of the keeper of callbacks while calls come and go: none doubled, none lost; three minutes
	$(PYTEST) -m slow tests/gateway/uplink/test_callbacks_killed.py $(ARGS)

faults: setup ## 200 kills, and every other fault of line, network, broker, clock and disk, each judged: build/faults.json; twenty minutes
	@.ci/setup faults
	$(BIN)/python tests/faults/run.py $(ARGS)

test-outage: setup ## the broker away for ten thousand events
	$(PYTEST) -m slow tests/faults/test_broker_away.py $(ARGS)

test-headsets: setup ## storms of forty headsets at a mocked bus, and all that headsets do wrong, in full; five minutes
	$(PYTEST) -m "slow or not slow" tests/faults/test_headset_storm.py tests/faults/test_headset_habits.py tests/headsets/test_headset_fuzz.py $(ARGS)

rig: setup ## hardware in the loop, simulated unless ARGS names a rig or a device (docs/rig.md): build/rig.json; five minutes
	@mkdir -p build
	$(PYTEST) -m rig tests/rig --rig own --junitxml build/rig-junit.xml $(ARGS)

bench: $(READY) ## the table of docs/performance.md, also as build/bench.json
	@.ci/setup bench
	@mkdir -p build
	$(BIN)/python -m tests.bench $(ARGS)

pop-load: setup ## fifty screen pops a second for a minute, PBX's byte to the broker's listener: every ring exactly one; two minutes
	@.ci/setup bench
	$(BIN)/python -m tests.bench.pop_ring $(ARGS)

bench-wallboard: setup ## the boards' part of that table: to the painted figure, to the LED, fifty TVs; three minutes
	@mkdir -p build
	$(BIN)/python -m tests.bench.wallboard $(ARGS)

soak: setup ## a simulated day at speed, then two real hours: memory, handles, threads, log, latency flat, nothing lost: build/soak.json, docs/soak.md; ARGS="--minutes 5" for a try
	@mkdir -p build
	$(BIN)/python tests/soak/run.py --docs $(ARGS)

floors: setup ## every scenario of a simulated floor, its whole day: each figure of the box against the truth; half an hour
	$(PYTEST) -m slow tests/appliance/sim/test_floor_play.py tests/appliance/sim/test_floor_link.py tests/appliance/sim/test_simulation_page.py $(ARGS)

directory-load: setup ## a million customers over MQTT and from a file, looked up meanwhile: time, memory, size, bytes written: build/directory.json; five minutes
	$(BIN)/python -m tests.bench.directory_load $(ARGS)

fleet: setup ## a thousand boxes at one broker that is killed and stopped while they record: build/fleet.json; five minutes
	@mkdir -p build
	$(BIN)/python -m tests.fleet $(ARGS)

cluster: setup ## by hand: a NATS cluster of three as the broker, one node killed while a backlog drains: build/cluster.json
	@.ci/setup cluster
	@mkdir -p build
	$(BIN)/python -m tests.fleet.cluster $(ARGS)

bench-headsets: setup ## the headsets' part: forty at a mocked bus, report to event, idle, plugged and pulled; seven minutes
	@mkdir -p build
	$(BIN)/python -m tests.bench.headsets $(ARGS)

test-box: setup ## the box without a machine: units, the package in a bare Debian, a real systemd booted with it; as root, four minutes
	@.ci/setup package && .ci/setup box
	$(PYTEST) -m "box and not slow" tests/box $(ARGS)

test-update: setup ## a package put over another on a Debian that runs: kept, undone, plug pulled, purged; as root, three minutes
	@.ci/setup package && .ci/setup box
	$(PYTEST) -m box tests/box/test_update_box.py $(ARGS)

deb: $(READY) ## the Debian package, in build/deb; ARGS="--arch arm64" for a Pi. A minute
	@.ci/setup package
	@mkdir -p build/deb && rm -f build/deb/*.deb
	/usr/bin/python3 images/package/build.py $(ARGS)
	lintian --allow-root --fail-on error build/deb/callfloor_*.deb

installer: $(READY) ## one file that installs on Debian 12 without a network, in build/deb; ARGS="--arch arm64" for a Pi, "--include cage --include cog" with a screen
	@.ci/setup package
	@mkdir -p build/deb
	/usr/bin/python3 images/package/installer.py $(ARGS)

image: $(READY) ## a box's disk, in build/image: ARGS="--arch arm64" for a Pi, --kiosk for a television; as root, two minutes, the first time six
	@.ci/setup package
	@.ci/setup image
	/usr/bin/python3 images/build.py $(ARGS)

image-test: setup ## the image in QEMU: updates, broken and forged ones, power cuts, panic, TPM, devices, clock: build/image-test.json; as root, three quarters of an hour
	@.ci/setup package
	@.ci/setup image
	$(BIN)/python tests/image/run.py $(ARGS)

bench-peers: setup ## beside ThingsBoard gateway's stores and a mosquitto bridge: kill -9, power cut, full disk; as root, half an hour
	@mkdir -p build
	$(BIN)/python -m tests.bench.peers $(ARGS)

docs: $(READY) ## write again what is generated from the types: docs/events.md, configuration.md, supported-headsets.md, schema/ …
	$(BIN)/python -m appliance.schema write docs
	$(BIN)/python -m appliance.log_page
	$(BIN)/python -m appliance.sim.headset_page docs/supported-headsets.md
	$(BIN)/python -m gateway.smdr.page docs/smdr.md
	$(BIN)/python -m gateway.opcua.page docs/opcua-nodes.md

contract: setup ## validators of other people's, from npm and PyPI, take AsyncAPI, JSON Schemas, examples and the SBOM
	$(PYTEST) -m "slow or not slow" tests/appliance/schema tests/test_sbom.py $(ARGS)

opcua-clients: setup ## an OPC UA client of other people's (node-opcua, from npm) browses, reads, follows and calls at a real box; memory; a minute
	@mkdir -p build/node-opcua
	@test -e build/node-opcua/node_modules/node-opcua-client || npm install --silent --no-audit --no-fund --prefix build/node-opcua node-opcua-client@2
	$(PYTEST) -m "slow or not slow" tests/gateway/opcua $(ARGS)

sbom: $(READY) ## build/sbom.json: what a box has beside Debian's own, with versions and licences (CycloneDX)
	images/sbom

release-schema: $(READY) ## publish today's forms under the contract's version: docs/schema/released/
	$(BIN)/python -m appliance.schema release docs

clean: ## forget .venv/, caches and build/
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
