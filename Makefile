# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
CLIENTS := .venv-clients
PEERS := .venv-peers
HARLEQUIN := .venv-harlequin
CLICKHOUSE := .venv-clickhouse

.PHONY: demo test check format bench proof docs screenshots clients peers harlequin clickhouse clean

demo: $(VENV)/.demo
	@$(BIN)/mlops-tui demo

test: $(VENV)/.test $(CLIENTS)/.stamp
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not serial"
	$(BIN)/python -m pytest -m serial

check: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.test
	$(BIN)/python -m benchmarks

proof: $(VENV)/.test
	$(BIN)/python -m benchmarks.proofs.judge
	$(BIN)/python -m benchmarks.proofs.drift

docs: $(VENV)/.test
	$(BIN)/python -m tools.reference

screenshots: $(VENV)/.test
	$(BIN)/python -m tools.screenshots

clients: $(CLIENTS)/.stamp

# The terminal program whose opening `make bench` measures ours against.
harlequin: $(HARLEQUIN)/.stamp

# ClickHouse's own engine, in which the tests run the statements that readers of traces send.
clickhouse: $(CLICKHOUSE)/.stamp

# The drift tools that `make bench` measures against and whose numbers the fixtures of the tests are.
peers: $(PEERS)/.stamp

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("mlops-tui needs Python 3.11 or later") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(VENV)/bin/python
	$(PIP) install -r requirements/runtime.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

# OpenTelemetry's SDK, with which the demo's inference service sends its spans.
$(VENV)/.demo: requirements/demo.txt $(VENV)/.runtime
	$(PIP) install -r requirements/demo.txt
	@touch $@

$(VENV)/.test: requirements/test.txt requirements/demo.txt $(VENV)/.runtime
	$(PIP) install -r requirements/test.txt
	@touch $@

$(CLIENTS)/.stamp: requirements/clients.txt
	$(PYTHON) -m venv $(CLIENTS)
	$(CLIENTS)/bin/python -m pip --disable-pip-version-check --quiet install -r requirements/clients.txt
	@touch $@

$(PEERS)/.stamp: requirements/peers.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip --disable-pip-version-check --quiet install -r requirements/peers.txt
	@touch $@

$(CLICKHOUSE)/.stamp: requirements/clickhouse.txt
	$(PYTHON) -m venv $(CLICKHOUSE)
	$(CLICKHOUSE)/bin/python -m pip --disable-pip-version-check --quiet install -r requirements/clickhouse.txt
	@touch $@

$(HARLEQUIN)/.stamp: requirements/harlequin.txt
	$(PYTHON) -m venv $(HARLEQUIN)
	$(HARLEQUIN)/bin/python -m pip --disable-pip-version-check --quiet install -r requirements/harlequin.txt
	@touch $@

clean:
	rm -rf $(VENV) $(CLIENTS) $(PEERS) $(HARLEQUIN) $(CLICKHOUSE) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
