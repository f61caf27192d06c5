# mask: `make demo` and `make check` do all set-up themselves, on a fresh Debian 12 too.
BUILD ?= build
JOBS ?= $(shell nproc)

.PHONY: all setup demo check bench quality install clean

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) -j $(JOBS) --quiet

# Installs what is missing of packages.txt's build section; says so and stops where it cannot.
setup:
	@scripts/install-packages.sh build

$(BUILD)/build.ninja:
	@$(MAKE) --no-print-directory setup
	@cmake -S . -B $(BUILD) -G Ninja > $(BUILD)-configure.log 2>&1 || { cat $(BUILD)-configure.log; exit 1; }
	@rm -f $(BUILD)-configure.log

demo: all
	@BUILD=$(BUILD) demo/run.sh

# The plain build, every test, then the unit tests again under AddressSanitizer and UndefinedBehaviorSanitizer.
check:
	@scripts/install-packages.sh build check
	@$(MAKE) --no-print-directory all
	@scripts/check-rooms.py
	@cd $(BUILD) && ctest --output-on-failure
	@cmake -S . -B $(BUILD)-asan -G Ninja -DMASK_SANITIZE=ON > /dev/null
	@ninja -C $(BUILD)-asan -j $(JOBS) --quiet
	@cd $(BUILD)-asan && ctest --output-on-failure -LE slow

# Speed against PyTorch, FAISS and NumPy in the same run; writes bench/results/.
bench: all
	@scripts/install-packages.sh bench
	@BUILD=$(BUILD) bench/run.sh

# Quality on real data (MASK_SHARED=folder that holds flickr8k/ and words/); writes docs/QUALITY.md.
quality: all
	@BUILD=$(BUILD) bench/quality.py

install: all
	@cmake --install $(BUILD)

clean:
	@rm -rf $(BUILD) $(BUILD)-asan
