# SPDX-License-Identifier: GPL-2.0-or-later
# Thin on purpose: meson.build knows how things are built, scripts/ how they are checked.
#
#   make demo | build | kernels | check | install | lint | fuzz | asan | bench | clean
#
# BUILD is the build folder's name (the others are made from it: build-check, build-asan, ...).
# FUZZ_SECONDS is how long each fuzz target runs: 60 unless told, 10 in `make check`.
BUILD ?= build
PREFIX ?= /usr/local
export BUILD

KERNELS = $(basename $(notdir $(wildcard kernel/*.config)))

.PHONY: all build kernels demo check lint fuzz asan bench install clean

all: build

build:
	@scripts/install-packages build
	@scripts/build $(BUILD)

# Those that programs run on where the device's own lacks MPTCP; some minutes, once. Then `make build` takes them up.
kernels:
	@scripts/install-packages kernels
	@for kind in $(KERNELS); do kernel/build $$kind || exit 1; done

demo:
	@scripts/install-packages build demo
	@scripts/build $(BUILD)
	@demo/demo

check:
	@scripts/install-packages build kernels check demo
	@scripts/check all

lint:
	@scripts/install-packages build check
	@scripts/check lint

fuzz:
	@scripts/install-packages build check
	@scripts/check fuzz

asan:
	@scripts/install-packages build kernels check
	@scripts/check asan

bench:
	@scripts/install-packages build check
	@scripts/build $(BUILD)
	@bench/all

install:
	@scripts/build $(BUILD) -Dprefix=$(abspath $(PREFIX))
	meson install -C $(BUILD) --no-rebuild

clean:
	rm -rf $(BUILD) $(BUILD)-check $(BUILD)-asan $(BUILD)-fuzz demo-result
