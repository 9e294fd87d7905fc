# Every command of the project. `make` alone lists them.

PYTHON ?= python3
KDM_HOME ?= ./kdm-home
PYTEST_ARGS ?=
TEST_PROCESSES ?= 3
PYTHONS ?= 3.12 3.13 3.14
VENV ?= .venv
EXTRAS ?= images,s3
WHEEL_PIP ?=
SETUP ?= dev,images,s3

BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed

# Every command that a test starts would compile the whole source anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  PYTHON=$(PYTHON)  KDM_HOME=$(KDM_HOME)  PYTEST_ARGS=$(PYTEST_ARGS)  TEST_PROCESSES=$(TEST_PROCESSES)"
	@echo "  PYTHONS=$(PYTHONS)  VENV=$(VENV)  EXTRAS=$(EXTRAS)  WHEEL_PIP=$(WHEEL_PIP)  SETUP=$(SETUP)"

# The extras that are in .venv stand in $(INSTALLED).
.PHONY: setup
setup: $(INSTALLED) ## .venv with every dependency at its pinned version, again when a pin changes

# Without compiling 200 packages, of which Python compiles what it imports: that saves a third of the time.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python %d.%d is too old: name 3.11 or later, as in PYTHON=python3.11" % sys.version_info[:2])'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing about 200 packages into $(VENV): one to three minutes, 2 GB on disk."
	@$(BIN)/pip install -q --no-compile --no-input --disable-pip-version-check -c constraints.txt -e '.[$(SETUP)]'
	@echo $(SETUP) > $@

.PHONY: demo
demo: setup ## teacher, pairs, students and report of the recipe `checkerboard`
	$(BIN)/kdm run checkerboard --home $(KDM_HOME)

# The networks of the tests are small: a second thread gains little, and loses much beside other work. Three processes
# share the files of two cores, since servers and killed commands are waited for. In their own order: the long files
# stand in the first folders, so that no process waits long for the last file of another.
.PHONY: test
test: export OMP_NUM_THREADS = 1
test: export MKL_NUM_THREADS = 1
test: setup ## the suite
	$(BIN)/pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

# Each has an environment of its own, .venv-3.12 and so on, with the pinned versions.
.PHONY: test-pythons
test-pythons: ## the suite with every other Python that is here, each in its own .venv-VERSION
	@bash .ci/test-pythons $(PYTHONS)

# pip chooses the versions, as for a user; WHEEL_PIP="-c constraints.txt" takes the pins.
.PHONY: wheel-test
wheel-test: ## the wheel, installed into an empty environment, runs `kdm run tiny` in an empty folder
	@bash .ci/test-wheel $(PYTHON) $(EXTRAS) $(WHEEL_PIP)

# What a processor without AVX would compute; AVX2 and AVX-512 add in other orders.
LOWEST := ONEDNN_MAX_CPU_ISA=SSE41 ATEN_CPU_CAPABILITY=default MKL_CBWR=COMPATIBLE

.PHONY: test-levels
test-levels: export OMP_NUM_THREADS = 1
test-levels: export MKL_NUM_THREADS = 1
test-levels: setup ## what the last digits decide, at the lowest level of this processor
	env $(LOWEST) $(BIN)/pytest -n $(TEST_PROCESSES) -m 'processor and not trials' $$(grep -rl --include='*.py' mark.processor tests) $(PYTEST_ARGS)

.PHONY: lint
lint: lint-style lint-types lint-imports lint-dead-code lint-spelling ## all gates

.PHONY: lint-style
lint-style: setup ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: lint-types
lint-types: setup ## mypy --strict
	$(BIN)/mypy

.PHONY: lint-imports
lint-imports: setup ## the layers hold
	$(BIN)/lint-imports --no-logo

.PHONY: lint-dead-code
lint-dead-code: setup ## vulture
	$(BIN)/vulture

.PHONY: lint-spelling
lint-spelling: setup ## codespell
	$(BIN)/codespell

.PHONY: format
format: setup ## put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Faults and trials measure: without the checks of shapes that the suite adds to calls. They take their time.
CAMPAIGN := --override-ini addopts= --override-ini faulthandler_timeout=3600

.PHONY: faults
faults: setup ## kills, bit flips and races by the hundred
	$(BIN)/pytest $(CAMPAIGN) -m faults tests/faults $(PYTEST_ARGS)

.PHONY: trials
trials: setup ## full-size runs, an hour and more
	$(BIN)/pytest $(CAMPAIGN) -m trials tests/trials tests/kdm/test_network_goldens.py tests/kdm/test_student_steps.py $(PYTEST_ARGS)

# Extras that `make setup` leaves out, and the tests that need them.
.PHONY: peers-test
peers-test: export OMP_NUM_THREADS = 1
peers-test: setup trackers-test ## beside libraries of others: datasets, ONNX Runtime, diffusers, Sphinx, Jupyter, trackers
	@$(BIN)/pip install -q --no-compile --no-input --disable-pip-version-check -c constraints.txt -e '.[peers]'
	$(BIN)/pytest $(CAMPAIGN) -m peers $(PYTEST_ARGS)

# Stores of Google and Azure: their drivers, an emulator of each, and the tests that are skipped without them.
.PHONY: clouds-test
clouds-test: setup ## homes on gs:// and az://, on emulators that it installs; needs npm
	@$(BIN)/pip install -q --no-compile --no-input --disable-pip-version-check -c constraints.txt -e '.[emulators]'
	@npm install --silent --no-audit --no-fund --prefix build/npm azurite@3.37.0
	PATH="$(CURDIR)/build/npm/node_modules/.bin:$$PATH" $(BIN)/pytest tests/flows/test_clouds.py $(PYTEST_ARGS)

# Sphinx and its theme, which `make setup` leaves out unless SETUP names them too.
.PHONY: docs-setup
docs-setup: setup
	@grep -qw docs $(INSTALLED) || { \
	  $(BIN)/pip install -q --no-compile --no-input --disable-pip-version-check -c constraints.txt -e '.[docs]' && \
	  echo docs >> $(INSTALLED); }

.PHONY: docs
docs: docs-setup ## the documentation as a site, build/docs/html; a warning is an error
	$(BIN)/python -m website build/docs/pages
	$(BIN)/sphinx-build -q -W --keep-going -c website -b html build/docs/pages build/docs/html
	@echo "Open build/docs/html/index.html in a browser."

# Sphinx takes an address that nobody answers for a wrong one; website/addresses.py tells them apart.
.PHONY: docs-links
docs-links: docs-setup ## ask every address elsewhere that the documentation links to; needs the network
	$(BIN)/python -m website build/docs/pages
	@rm -f build/docs/links/output.json
	-@$(BIN)/sphinx-build -Q -c website -b linkcheck build/docs/pages build/docs/links
	$(BIN)/python -m website.addresses build/docs/links/output.json

# The libraries of trackers ask for older versions of others than the project's, so that they have an environment of
# their own over that of `make setup`.
TRACKERS := .venv/trackers

$(TRACKERS)/installed: $(INSTALLED) constraints-trackers.txt
	@$(BIN)/python -m venv $(TRACKERS)
	@$(BIN)/python -c 'import site, sysconfig; print("import site; site.addsitedir(%r)" % sysconfig.get_path("purelib"))' > $$(echo $(TRACKERS)/lib/python*/site-packages)/project.pth
	@$(TRACKERS)/bin/pip install -q --no-compile --no-input --disable-pip-version-check -c constraints-trackers.txt mlflow-skinny wandb trackio tensorboard
	@touch $@

.PHONY: trackers-test
trackers-test: $(TRACKERS)/installed ## trackers on MLflow, W&B, trackio and TensorBoard, which it installs
	$(TRACKERS)/bin/python -m pytest $(CAMPAIGN) tests/faults/test_tracker_campaign.py tests/contracts/test_trackers.py $(PYTEST_ARGS)

.PHONY: docker-test
docker-test: ## image, services and a killed worker in containers; needs a Docker daemon (docker/test/run)
	bash docker/test/run

.PHONY: bench
bench: setup ## times and rates
	$(BIN)/python -m benchmarks

.PHONY: clean
clean: ## remove caches and build products; .venv and the home stay
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage
	find . -path "./.venv*" -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
