# Segue: what a person or a machine runs here. `make help` lists it.
#
#   PYTHON      the interpreter to build .venv with (CPython 3.11 to 3.13)
#   TORCH_ARGS  further arguments for pip's torch step, for example
#               make test TORCH_ARGS="--index-url https://download.pytorch.org/whl/cpu"

FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c '$(FITS)' 2>/dev/null && echo $$p && break; done)
TORCH ?= torch==2.13.0
TORCH_ARGS ?=
DATA ?=

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
FUZZ_READY := $(VENV)/.ready-fuzz
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
PARTS := train,search,dev
OUT ?= out
MINUTES ?= 10
ARGS ?=
BUNDLE ?= src/segue/bundles/shipped/segue-piano

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-train test check bench every-recipe systems-table train-default evaluate-default fuzz serve help-docs tree lock clean distclean

help: ## List the commands
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 15

setup: $(READY) ## Make .venv with everything in it, pinned (the other commands do it when needed)

$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Error: no CPython 3.11 to 3.13 found: install one, or name it with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c '$(FITS)' || { echo "Error: $(PYTHON) is not CPython 3.11 to 3.13: name another with PYTHON=..." >&2; exit 1; }
	@echo "Setting up $(VENV), once; this takes a minute or two."
	$(PYTHON) -m venv $(VENV)
	$(PIP) $(TORCH) $(TORCH_ARGS)
	$(PIP) -e '.[$(PARTS)]'
	@touch $@

PIECE := music21/corpus/schumann_clara/polonaise_op1n3.mxl
demo: $(READY) ## New piano music, and a polonaise by Clara Schumann carried on (under a minute)
	$(BIN)/segue generate -n 4 --bars 16 --seed 1 -o $(OUT)
	$(BIN)/segue continue $(VENV)/lib/python3*/site-packages/$(PIECE) --prompt-bars 8 --bars 8 --seed 1 -o $(OUT)
	@echo
	@echo "Listen to the .wav files in $(OUT)/, open the .mid files in any music program, and look at"
	@echo "the .png rolls: $(OUT)/*-continued-1.png shades the eight bars that were given."

DEMO := $(OUT)/demo-run
demo-train: $(READY) ## Bach chorales in, new music out: prepare, train, generate, continue (under 8 minutes)
	rm -rf $(DEMO)
	$(BIN)/segue corpora get bach-chorales -o $(OUT)/bach-chorales
	$(BIN)/segue train $(OUT)/bach-chorales --recipe chorale-lstm --seed 1 -o $(DEMO)
	$(BIN)/segue generate $(DEMO) -n 4 --bars 16 --seed 1 -o $(OUT)
	held_out=$$(grep -m 1 '"split": "test"' $(DEMO)/corpus/manifest.jsonl | cut -d '"' -f 4) && \
	$(BIN)/segue continue $(DEMO) "$(OUT)/bach-chorales/$$held_out" --prompt-bars 4 --bars 8 --seed 1 -o $(OUT)
	@echo
	@echo "Listen to the .wav files in $(OUT)/, open the .mid files in any music program, and look at"
	@echo "the .png rolls: $(OUT)/*-continued-1.png shades the prompt, which the model had never seen."

test: $(READY) ## Run the tests (ARGS="-k midi" for some of them)
	$(BIN)/pytest -n 2 --dist loadgroup $(ARGS)

check: $(READY) ## Format, lint, types, import rules, generated docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m segue.cli.help_docs --check docs/help.md
	$(BIN)/python tools/tree.py --check README.md

bench: $(READY) ## Benchmarks beside named peers (DATA=FOLDER of MIDI files)
	@test -n "$(DATA)" || { echo "Error: say what to measure on: make bench DATA=FOLDER, a folder of MIDI files." >&2; exit 2; }
	$(BIN)/python bench/formats.py $(DATA)
	$(BIN)/python bench/prepare.py $(DATA)
	$(BIN)/python bench/train.py
	$(BIN)/python bench/scaling.py

every-recipe: $(READY) ## Train every recipe for 50 steps on real music and play it (DATA=FOLDER of sets)
	@test -n "$(DATA)" || { echo "Error: say where the sets are: make every-recipe DATA=FOLDER." >&2; exit 2; }
	$(BIN)/python -m bench.systems.every --data $(DATA) $(ARGS)

systems-table: $(READY) ## Train what has no record yet and write docs/systems.md (slow; DATA=FOLDER of sets)
	@test -n "$(DATA)" || { echo "Error: say where the sets are: make systems-table DATA=FOLDER." >&2; exit 2; }
	$(BIN)/python -m bench.systems --data $(DATA) $(ARGS)

train-default: $(READY) ## Train the bundle that comes with Segue anew, or go on (hours; DATA=FOLDER of sets)
	@test -n "$(DATA)" || { echo "Error: say where the sets are: make train-default DATA=FOLDER." >&2; exit 2; }
	$(BIN)/python -m tools.default.train $(DATA) $(ARGS)

evaluate-default: $(READY) ## Judge the bundle that comes with Segue on held-out works (DATA=FOLDER of sets)
	@test -n "$(DATA)" || { echo "Error: say where the sets are: make evaluate-default DATA=FOLDER." >&2; exit 2; }
	$(BIN)/python -m tools.default.gather $(DATA) runs/default/music
	OMP_NUM_THREADS=1 $(BIN)/python -m bench.evaluate_default --bundle $(BUNDLE) --gallery docs/gallery/piano --write bench/results/default.json $(ARGS)

fuzz: $(FUZZ_READY) ## Look for inputs that break a reader (MINUTES=10)
	$(BIN)/python tests/fuzz/run.py --minutes $(MINUTES)

$(FUZZ_READY): $(READY)
	$(PIP) -e '.[$(PARTS),fuzz]'
	@touch $@

serve: $(READY) ## The studio in the browser, with segue-piano and the bundles of runs/ and out/
	$(BIN)/segue studio $(ARGS)

help-docs: $(READY) ## Write docs/help.md from the command line itself
	$(BIN)/python -m segue.cli.help_docs docs/help.md

tree: $(READY) ## Write the README's tree of files from the disk
	$(BIN)/python tools/tree.py README.md

lock: ## Write constraints.txt anew: the latest versions that pyproject.toml allows
	PYTHON="$(PYTHON)" TORCH="$(TORCH)" TORCH_ARGS="$(TORCH_ARGS)" PARTS="$(PARTS),fuzz,cluster" tools/lock

clean: ## Remove caches and build products; your out/, runs/ and corpora/ stay
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests bench tools -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

distclean: clean ## Remove .venv as well
	rm -rf $(VENV)
