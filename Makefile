# toylab in two commands, `make lab` and `make test`; `make check` before every commit. Everything is installed into .venv.
#
# A stamp file in .venv records each installation and is compared with pyproject.toml and
# constraints.txt, so that nothing is installed twice.

PYTHON ?= python3
PORT ?= 8888
ARGS ?=
PIP_ARGS ?=
VENV := .venv

PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check install -c constraints.txt $(PIP_ARGS)
LAB := $(VENV)/.installed-lab
TEST := $(VENV)/.installed-test
QUICK := not slow and not browser and not notebook
OLDEST := $(VENV)/oldest
DECLARED := pyproject.toml constraints.txt
CHECK := $(if $(filter command% environment%,$(origin PYTHON)),same-python)
ALL_CORES := -n logical --maxprocesses 4 --dist loadgroup --no-loadscope-reorder

# Tests are compiled once for all processes, also where the shell says to keep nothing compiled.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help lab test check check-oldest durations fuzz notebooks reproduce picture lint format clean same-python
.DELETE_ON_ERROR:

help:  ## list these targets
	@echo "Usage: make TARGET [NAME=value ...]"
	@echo
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS='|' read -r target text; do printf '%-16s %s\n' "$$target" "$$text"; done
	@echo
	@echo "  PYTHON=python3.12   the Python (3.11 to 3.14) that $(VENV) is made from   [$(PYTHON)]"
	@echo "  PORT=8888           the port of JupyterLab                              [$(PORT)]"
	@echo "  ARGS=\"...\"          passed on to JupyterLab, pytest, toylab reproduce or ruff"
	@echo "  PIP_ARGS=\"...\"      passed on to pip, for example the small CPU build of PyTorch:"
	@echo "                      PIP_ARGS=\"--extra-index-url https://download.pytorch.org/whl/cpu\""

lab: $(LAB)  ## install what is missing and open JupyterLab on notebooks/
	@echo "toylab: opening JupyterLab on notebooks/. Without a browser, open the address with its token that it"
	@echo "        prints. Ctrl-C stops it."
	@exec $(PY) -m jupyterlab --ServerApp.ip=127.0.0.1 --ServerApp.port=$(PORT) --ServerApp.root_dir=notebooks \
		$$([ "$$(id -u)" != 0 ] || echo --allow-root) $(ARGS)

test: $(TEST)  ## install what is missing and run every test
	@echo "toylab: running the tests"
	@exec $(PY) -m pytest $(ALL_CORES) $(ARGS)

check: $(TEST)  ## in a minute: format, style, types, import rules and the quick tests
	@$(PY) -m ruff format --check --quiet .
	@$(PY) -m ruff check --quiet .
	@$(PY) -m pyrefly check --python-interpreter-path $(PY) --summary=none
	@exec $(PY) -m pytest -q $(ALL_CORES) -m "$(QUICK)" $(ARGS)

check-oldest: $(TEST)  ## the quick tests with the lowest versions that pyproject.toml allows, beside this torch
	@echo "toylab: installing the lowest versions into $(OLDEST)"
	@$(PY) -m uv venv -q --clear --python $(PY) $(OLDEST)
	@echo 'torch ; sys_platform == "none"' > $(OLDEST)/without-torch
	@$(PY) -m uv pip compile -q --extra test --resolution lowest-direct --override $(OLDEST)/without-torch \
		--python $(PY) --output-file $(OLDEST)/lowest pyproject.toml
	@$(PY) -m uv pip install -q --no-deps --python $(OLDEST)/bin/python --requirement $(OLDEST)/lowest
	@$(PY) -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > \
		"$$($(OLDEST)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/beside.pth"
	@exec $(OLDEST)/bin/python -m pytest -q $(ALL_CORES) -m "$(QUICK)" $(ARGS)

durations: $(TEST)  ## run every test and note in tests/seconds.txt which are slow
	@exec $(PY) -m pytest -q $(ALL_CORES) --record-seconds $(ARGS)

fuzz: $(TEST)  ## try 10,000 wrong calls, commands, files and kills, into docs/reliability.md
	@echo "toylab: trying what can go wrong; this takes some minutes"
	@$(PY) scripts/fuzz.py $(ARGS)

notebooks: $(TEST)  ## run every notebook from top to bottom and keep its outputs
	@echo "toylab: running the notebooks"
	@$(PY) scripts/notebooks.py $(ARGS)

reproduce: $(LAB)  ## compute every quoted number again, into docs/results.md
	@echo "toylab: writing docs/results.md and docs/results/"
	@$(PY) -m toylab reproduce $(ARGS)

picture: $(TEST)  ## render the README's picture in Chromium
	@echo "toylab: rendering docs/player.png"
	@$(PY) scripts/picture.py

lint: $(TEST)  ## check the style of the code with ruff
	@echo "toylab: checking the style"
	@$(PY) -m ruff check $(ARGS)

format: $(TEST)  ## format everything and mend what ruff can
	@$(PY) -m ruff check --fix --quiet . || true
	@$(PY) -m ruff format .

clean:  ## remove .venv and all caches; your runs and downloads stay
	@echo "toylab: removing $(VENV) and the caches"
	@rm -rf $(VENV) build dist .pytest_cache .hypothesis .ruff_cache
	@find toylab tests benchmarks notebooks \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +

$(LAB): $(DECLARED) $(PY) | $(CHECK)
	@echo "toylab: installing the lab into $(VENV). The first time this takes a few minutes, most of it for PyTorch."
	@$(PIP) -e '.[images,lab]'
	@touch $@

$(TEST): $(DECLARED) $(PY) | $(CHECK)
	@echo "toylab: installing the lab and its tests into $(VENV). The first time this takes a few minutes, most of"
	@echo "        it for PyTorch."
	@$(PIP) -e '.[test]'
	@touch $@ $(LAB)

# Says in plain words what is missing before it makes an environment, and leaves no half-made one behind.
$(PY):
	@if ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		echo "toylab: needs Python 3.11 to 3.14; $(PYTHON) is: $$($(PYTHON) --version 2>&1 | head -n 1)" >&2; \
		for other in python3.14 python3.13 python3.12 python3.11; do \
			$$other -c '' 2>/dev/null && \
				echo "        This machine has $$other; try: make $(MAKECMDGOALS) PYTHON=$$other" >&2; \
		done; \
		exit 1; \
	fi
	@if ! $(PYTHON) -c 'import venv, ensurepip' 2>/dev/null; then \
		echo "toylab: $(PYTHON) cannot make a virtual environment, its venv module is missing. On Debian and Ubuntu" >&2; \
		echo "        this brings it: sudo apt install python3-venv" >&2; \
		exit 1; \
	fi
	@echo "toylab: making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }

# Only when PYTHON is given by name: an environment that is there already keeps its Python.
same-python: $(PY)
	@wanted=$$($(PYTHON) --version); have=$$($(PY) --version); \
	[ "$$wanted" = "$$have" ] || { \
		echo "toylab: $(VENV) is $$have, but PYTHON=$(PYTHON) is $${wanted:-missing}; to change it: make clean" >&2; \
		exit 1; \
	}
