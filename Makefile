# `make demo` and `make test` are the two commands to know; each sets up all that it needs.

BIN := .venv/bin
DEMO := demo-output/growing-holes
# A worker a core, logical ones too: `auto` counts the physical ones, half of them, where psutil is
# there. Each has a display of its own; a file is never split between two of them.
PYTEST := $(BIN)/pytest --numprocesses logical --maxprocesses 8 --dist loadfile \
	--no-loadscope-reorder --durations 20
WORDS := *.md conda docs src tests benchmarks examples tools paper/*.md
SCREEN := $(shell [ "$$(uname)" = Darwin ] && echo yes || echo "$$DISPLAY$$WAYLAND_DISPLAY")

export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: $(DEMO).tif ## Analyze the sample movie and open the result in napari
	@$(BIN)/lattice-symmetry analyze $(DEMO).tif --output $(DEMO).zarr --overwrite
ifneq ($(SCREEN),)
	@$(MAKE) --no-print-directory .venv/.qt
	$(BIN)/napari $(DEMO).tif $(DEMO).zarr --plugin napari-lattice-symmetry
else
	@echo "There is no screen to open napari on; the result lies in $(dir $(DEMO))."
endif

$(DEMO).tif: | .venv/.installed
	@mkdir -p $(@D)
	@$(BIN)/lattice-symmetry simulate growing-holes --output $@

.PHONY: test
test: lint .venv/.qt ## Check style, types and imports, and run all tests
	$(PYTEST)

.PHONY: test-fast
test-fast: .venv/.qt ## Run the tests that need no window, no cluster and little time
	$(PYTEST) -m "not slow and not gui and not cluster"

# It is apart since, by way of s3fs, it needs an older python-dateutil than matplotlib does.
.PHONY: test-ome-zarr
test-ome-zarr: .venv/.installed ## Read with ome-zarr what is written, in an environment of its own
	tools/uv run --quiet --no-sync --with 'ome-zarr>=0.18' python -m pytest \
		tests/io/writing/test_writing.py -k other_programs

.PHONY: lint
lint: .venv/.installed ## Check style, types, imports, the plugin manifest and spelling alone
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/npe2 validate src/napari_lattice_symmetry/napari.yaml
	$(BIN)/codespell $(WORDS)

TRAIN := $(BIN)/lattice-symmetry train

.PHONY: networks
networks: .venv/.installed ## Train all default networks anew into runs/, a day on two cores; an interrupted training goes on
	$(TRAIN) compact --output runs/compact --seed 0
	$(TRAIN) compact --output runs/compact-fine --seed 1 --windows 200000 --epochs 3 \
		--start runs/compact/compact.keras
	$(TRAIN) verdict --output runs/verdict --seed 0
	$(TRAIN) atoms --output runs/atoms --seed 0
	$(TRAIN) defects --output runs/defects --seed 0
	$(TRAIN) fingerprint --output runs/fingerprint --seed 0
	$(TRAIN) pairs --output runs/pairs --seed 0
	$(TRAIN) msd --output runs/msd --seed 0
	$(TRAIN) unet --output runs/unet --seed 0

.PHONY: bench
bench: .venv/.qt ## Measure speed, write docs/performance.md and add to its history
	$(BIN)/python benchmarks/speed.py --write

.PHONY: bench-former
bench-former: .venv/.installed ## Measure a frame beside a former version, FORMER=its folder src, and write docs/former-speed.md
	$(BIN)/python benchmarks/former.py $(FORMER) --write

.PHONY: bench-engines
bench-engines: .venv/.installed ## Measure engines beside each other and write docs/engines.md
	tools/uv run --quiet --no-sync --with openvino --with torch --with tf2onnx \
		python benchmarks/engines.py --write

.PHONY: bench-ai-stem
bench-ai-stem: .venv/.installed ## Measure AI-STEM's network beside this one and write docs/ai-stem.md
	$(BIN)/python benchmarks/ai_stem.py $(if $(IMAGE),--image $(IMAGE)) --write

.PHONY: bench-scaling
bench-scaling: .venv/.installed ## Measure long movies for 20 minutes and write docs/scaling.md
	$(BIN)/python benchmarks/scaling.py --write

.PHONY: bench-live
bench-live: .venv/.qt ## Measure how soon preview and inspector answer and write docs/live-speed.md
	$(if $(SCREEN),,xvfb-run -a -s "-screen 0 1280x800x24") $(BIN)/python benchmarks/live.py --write

.PHONY: bench-watch
bench-watch: .venv/.installed ## Measure how soon a frame that is written is analyzed and write docs/watch-speed.md
	$(BIN)/python benchmarks/watch.py --write

.PHONY: bench-accuracy
bench-accuracy: .venv/.installed ## Measure accuracy and calibration and write docs/accuracy.md
	$(BIN)/python benchmarks/accuracy.py --write

.PHONY: bench-outside
bench-outside: .venv/.installed ## Measure network, fit and verdict on what is no usual lattice and write docs/outside.md
	$(BIN)/python benchmarks/outside.py --write

.PHONY: bench-network
bench-network: .venv/.installed ## Study sure errors, sampling and calibration and write docs/network-study.md
	$(BIN)/python benchmarks/network_study.py --write

.PHONY: bench-real
bench-real: .venv/.installed ## Try the real images of LATTICE_SYMMETRY_DATA and write docs/real-images.md
	$(BIN)/python benchmarks/real_images.py --write

.PHONY: bench-formats
bench-formats: .venv/.installed ## Read the files of LATTICE_SYMMETRY_DATA and write docs/formats.md
	$(BIN)/python benchmarks/formats.py --write

.PHONY: bench-fit
bench-fit: .venv/.installed ## Measure the lattice fit and write docs/lattice-parameters.md
	$(BIN)/python benchmarks/lattice_fit.py --write

.PHONY: bench-groups
bench-groups: .venv/.installed ## Measure plane groups and write docs/plane-groups.md
	$(BIN)/python benchmarks/plane_groups.py --write

.PHONY: bench-strain
bench-strain: .venv/.installed ## Measure strain around a dislocation and write docs/strain.md
	$(BIN)/python benchmarks/strain.py --write

.PHONY: bench-crystals
bench-crystals: .venv/.installed ## Match crystals, name families, and write docs/crystal-match.md, -families.md, -classify.md and -clusters.md
	$(BIN)/python benchmarks/crystals.py --write
	$(BIN)/python benchmarks/families.py --write
	$(BIN)/python benchmarks/family_calls.py --write
	$(BIN)/python benchmarks/clusters.py --write

.PHONY: bench-atoms
bench-atoms: .venv/.installed ## Find atoms of known pictures and write docs/atoms-measured.md
	$(BIN)/python benchmarks/atoms.py --write

.PHONY: bench-atom-finders
bench-atom-finders: .venv/.installed ## Measure atomap and AtomAI on the pictures of bench-atoms, which then shows them
	tools/uv run --quiet --no-sync --with atomap python benchmarks/atom_finders.py atomap --write
	tools/uv run --quiet --no-sync --with atomai python benchmarks/atom_finders.py atomai --write

.PHONY: bench-focal
bench-focal: .venv/.installed ## Train and compare what names columns of focal series and write docs/focal-measured.md
	$(BIN)/python benchmarks/focal.py --train --write

.PHONY: bench-defects
bench-defects: .venv/.installed ## Find defects in three ways, train small networks and write docs/defects-measured.md
	$(BIN)/python benchmarks/defects.py --write --train

.PHONY: bench-faults
bench-faults: .venv/.installed ## Kill runs and workers for 20 minutes and write docs/faults.md
	$(BIN)/python benchmarks/faults.py --kills 50 --write

.PHONY: bench-damage
bench-damage: .venv/.installed ## Read 3,000 damaged files and write their part of docs/faults.md
	$(BIN)/python benchmarks/damage.py --files 3000 --write

.PHONY: bench-embedding
bench-embedding: .venv/.installed ## Measure t-SNE and UMAP and write docs/embedding-speed.md
	$(BIN)/python benchmarks/embedding.py --write

.PHONY: bench-kinetics
bench-kinetics: .venv/.installed ## Fit the growth law of the sample movie and write docs/kinetics.md
	$(BIN)/python benchmarks/kinetics.py --write

.PHONY: bench-error-bars
bench-error-bars: .venv/.installed ## Measure how often error bars hold the truth and write docs/error-bars.md
	$(BIN)/python benchmarks/error_bars.py --write

.PHONY: bench-areas
bench-areas: .venv/.installed ## Measure how often intervals of areas hold and write docs/area-fractions.md
	$(BIN)/python benchmarks/areas.py --write

.PHONY: figures
figures: .venv/.installed ## Draw the figures of the original paper into docs/images
	$(BIN)/python benchmarks/figures.py

.PHONY: docs-screenshots
docs-screenshots: .venv/.screenshots ## Drive napari and save what is seen to docs/images
	@for script in docs/screenshots/show_*.py; do \
		$(if $(SCREEN),,xvfb-run -a -s "-screen 0 1920x1080x24") $(BIN)/python $$script || exit 1; \
	done

.PHONY: examples
examples: .venv/.installed ## Run the examples but the viewer, and draw their pictures into docs/images
	@mkdir -p demo-output/examples
	@for script in $(filter-out %/viewer.py,$(wildcard examples/*.py)); do \
		$(BIN)/python $$script demo-output/examples || exit 1; \
	done
	@for picture in demo-output/examples/*.png; do \
		cp $$picture docs/images/example-$$(basename $$picture); \
	done

.PHONY: docs
docs: .venv-docs/.installed ## Build the documentation into site/, with warnings as errors
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --quiet --strict
	@! grep -rEl '<(script|link|img|iframe)[^>]*(src|href)="(https?:)?//' site --include='*.html' \
		|| { echo "These pages fetch something from elsewhere."; exit 1; }

.venv-docs/.installed: pyproject.toml constraints.txt
	@tools/uv venv --quiet --clear .venv-docs
	@tools/uv pip install --quiet --python .venv-docs/bin/python --constraints constraints.txt --group docs
	@touch $@

.PHONY: paper
paper: .venv/.installed ## Build the paper as a page, build/paper.html, with all that it cites
	@mkdir -p build
	tools/uv run --quiet --no-sync --with pypandoc-binary python -c "import pypandoc; \
		pypandoc.convert_file('paper/paper.md', 'html', outputfile='build/paper.html', extra_args=[ \
		'--standalone', '--mathml', '--citeproc', '--resource-path=paper', '--fail-if-warnings', '--bibliography=paper/paper.bib'])"

.PHONY: dist
dist: ## Build dist/, install the wheel in an empty environment, run the demo from it, test the rest
	@tools/dist

.PHONY: napari
napari: .venv/.qt ## Open napari with the plugin's widgets
	$(BIN)/napari --with napari-lattice-symmetry

.PHONY: env
env: .venv/.installed ## Build the virtual environment .venv alone

.venv/.installed: pyproject.toml constraints.txt tools/setup
	@tools/setup
	@touch $@

.venv/.qt: .venv/.installed tools/qt-libraries
	@tools/qt-libraries
	@touch $@

.venv/.screenshots: .venv/.qt
	@tools/uv pip install --quiet --python .venv/bin/python --constraints constraints.txt --group screenshots
	@touch $@

.PHONY: constraints
constraints: ## Bring constraints.txt up to date with pyproject.toml
	@tools/constraints

.PHONY: clean
clean: ## Remove whatever make has made
	rm -rf .venv .venv-docs .uv site demo-output build dist .*_cache .hypothesis
	find src tests -name __pycache__ -exec rm -rf {} +
