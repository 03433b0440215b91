PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# make setup TORCH_INDEX=URL takes PyTorch from that index (its CPU wheels, say), all the rest from the usual one.
TORCH_INDEX ?=
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: setup app demo test slow lint bench evidence screenshots

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch
	$(PIP) -e '.[dev,dask]'
	touch $@

app: $(STAMP)
	$(BIN)/streamlit run app.py

demo: $(STAMP)
	mkdir -p demo
	$(BIN)/elk-sandbox matrix --again --png demo/matrix.png
	$(BIN)/elk-sandbox world atoms --png demo/atoms.png
	$(BIN)/rlhf-lab demo
	@echo "pictures: demo/matrix.png demo/atoms.png workspace/runs/demo-ppo/report"

test: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m 'not slow' -n auto --dist loadfile

slow: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m 'slow and not alone' -n auto --dist loadfile
	$(BIN)/python -m pytest -m 'slow and alone'

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(STAMP)
	$(BIN)/python -m tests.bench.nets_ratio
	$(BIN)/python -m tests.bench.judge_cost
	$(BIN)/python -m tests.bench.probes
	$(BIN)/python -m tests.bench.lab_pretrain
	$(BIN)/python -m tests.bench.lab_speed
	$(BIN)/python -m tests.bench.app_pages

evidence: $(STAMP)
	$(BIN)/python -m tests.bench.draws
	$(BIN)/python -m tests.bench.lab_kills
	$(BIN)/python -m tests.bench.overoptimization
	$(BIN)/python -m tests.bench.overoptimization --settings
	EVIDENCE=1 $(BIN)/python -m pytest tests/browser/test_journeys.py

screenshots: $(STAMP)
	$(BIN)/python -m tests.browser.screenshots screenshots
