# Build, check and generate. Nothing here needs root except what the sections "demo" and "test" install.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
STAMP    = -X github.com/sluice-gw/sluice/internal/version.stamp=$(VERSION)

# Static, and the same from every directory: so for all but the race detector, which needs cgo, as each kind of build compiles everything once more.
export CGO_ENABLED := 0
export GOFLAGS     := $(GOFLAGS) -trimpath

.DEFAULT_GOAL := build

## build: bin/sluice, static, stamped with the version
.PHONY: build
build:
	$(GO) build -ldflags "-s -w $(STAMP)" -o bin/sluice ./cmd/sluice

## gen: rewrite the generated files (internal/arch fails when they are stale)
.PHONY: gen
gen:
	$(GO) generate ./...

## check: everything that needs neither root nor the network: format, vet, staticcheck, tests with -race
.PHONY: check
check: fmt-check vet staticcheck test-race

.PHONY: fmt-check
fmt-check:
	@out=$$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l); \
	if [ -n "$$out" ]; then echo "not gofmt'ed (run gofmt -w on them):"; echo "$$out"; exit 1; fi

.PHONY: vet
vet:
	$(GO) vet ./...

# The linter lives in its own module, so that its dependencies stay out of the product's go.sum.
bin/staticcheck: tools/go.mod tools/go.sum
	$(GO) -C tools build -o ../$@ honnef.co/go/tools/cmd/staticcheck
	@touch $@

.PHONY: staticcheck
staticcheck: bin/staticcheck
	bin/staticcheck ./...

# The go command does not see that internal/arch looks at every file, and would answer from its cache. Tests named TestKernel need
# a guest: test-vm runs them. Those that only compute, for long, in one goroutine run without the race detector.
.PHONY: test-race
test-race:
	$(GO) test -count=1 ./internal/arch
	CGO_ENABLED=1 $(GO) test -race -skip '^TestKernel' $$($(GO) list ./... | grep -v '/test/e2e$$')
	$(GO) test -run '^Test(Paths|Placement|SwitchTakesHandovers)' ./controlplane/controller

## deps: install what demo, test and bench need, Debian packages and Go (as root; does nothing when all is there)
.PHONY: deps
deps:
	@test/install.sh

## deps-vm: install what guests need besides (QEMU), and put Debian's kernel for them into the user's cache
.PHONY: deps-vm
deps-vm:
	@test/install.sh vm

## demo: a whole OVN in network namespaces, driven by bin/sluice, with real packets (KEEP=1 leaves it up; CONTROLLER=, ENCAP=, OUTPUT=json)
.PHONY: demo
demo: deps build
	$(GO) run ./test/demo $(if $(KEEP),-keep) $(if $(CONTROLLER),-controller $(CONTROLLER)) $(if $(ENCAP),-encap $(ENCAP)) $(if $(OUTPUT),-output $(OUTPUT))

## demo-stop: remove what "make demo KEEP=1" left up
.PHONY: demo-stop
demo-stop:
	$(GO) run ./test/demo -stop

## test: all tests: check, then the kernel tests in a guest, then the end-to-end tests in network namespaces (as root)
.PHONY: test
test: deps deps-vm check test-vm e2e

## test-vm: the kernel tests of all packages in one guest (QEMU) with Debian's kernel (PKG=./offload/tc/flower, RUN= selects some)
.PHONY: test-vm
test-vm:
	$(GO) run ./test/hil/kerneltests -short -artefacts bin/artefacts/vm $(if $(RUN),-run '$(RUN)') $(PKG)

## hil: kernel tests and scenarios at length, in a guest with a kernel of our own that is built first (25 CPU minutes, once; JOBS=1)
.PHONY: hil
hil: deps deps-vm
	@test/install.sh hil
	JOBS=$(JOBS) test/hil/kernel/own.sh
	$(GO) run ./test/hil/kerneltests -kernel own -artefacts bin/artefacts/hil $(if $(RUN),-run '$(RUN)') $(PKG)

## scenarios: play scenarios in network namespaces (NAMES='l2 nat', ENCAP=vxlan; DATAPATH=system OFFLOAD=software where the kernel has it), or on equipment: TESTBED=FILE
.PHONY: scenarios
scenarios: $(if $(TESTBED),,deps build)
	@mkdir -p bin
	$(GO) run ./test/hil/play -junit bin/scenarios.xml $(if $(TESTBED),-testbed $(TESTBED)) $(if $(ENCAP),-encap $(ENCAP)) $(if $(DATAPATH),-datapath $(DATAPATH)) $(if $(OFFLOAD),-offload $(OFFLOAD)) $(NAMES)

# The end-to-end tests are not part of check, because they need root and minutes. RUN= selects some of them. Some deployments run at the same time,
# as they mostly wait: what may lose nothing may not do so on a busy machine either.
.PHONY: e2e
e2e: build
	$(GO) test -count=1 -timeout 20m -parallel 3 -v $(if $(RUN),-run '$(RUN)') ./test/e2e

## agent: bin/agent, which plays the hosts of a testbed's machines (GOARCH= for another architecture)
.PHONY: agent
agent:
	$(GO) build -o bin/agent ./test/probe/agent

## bench: bin/sluice against Debian's ovn-controller on generated loads (SIZE=50x20 REPS=3 OUTPUT=json), or PROFILE=DIR for CPU profiles of it
.PHONY: bench
bench: deps build
	$(GO) run ./test/bench $(if $(SIZE),-size $(SIZE)) $(if $(REPS),-reps $(REPS)) $(if $(CLOCK),-clock $(CLOCK)) $(if $(OUTPUT),-output $(OUTPUT)) $(if $(PROFILE),-profile $(PROFILE))

## bench-vtep: "sluice vtep" against Debian's ovn-controller-vtep, 50 switches with 100,000 MACs (ARGS='-switches 10 -logical 400 -macs 10000')
.PHONY: bench-vtep
bench-vtep: deps build
	$(GO) run ./test/vtepbench $(ARGS)

## bench-hil: the offload in a guest against tc -batch and Open vSwitch, with and without its own offload (KERNEL=own PARTS=packets CLOCK=instructions OUTPUT=json)
.PHONY: bench-hil
bench-hil: deps deps-vm
	$(GO) run ./test/hil/guestbench $(if $(KERNEL),-kernel $(KERNEL)) $(if $(PARTS),-parts $(PARTS)) $(if $(SIZES),-sizes $(SIZES)) $(if $(REPS),-reps $(REPS)) $(if $(SCENARIOS),-scenarios $(SCENARIOS)) $(if $(OUTPUT),-output $(OUTPUT))

## clean: remove what the targets above built
.PHONY: clean
clean:
	rm -rf bin

## help: this list
.PHONY: help
help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)
