# scute: `make demo` shows it, `make test` proves it. What they need, they install (see `make deps`).
#
#   make            build ./scute (V=1: show commands) make test      every suite, and lint (SUITES="ops lint": only those;
#                                                                  TEST_JOBS=1: one at a time)
#   make deps       install what is missing            make demo      real networks learn real photos (FOLDS=5: all folds)
#   make bench      speed (PYTHON=... adds ratios)     make soak      the long tests
#   make asan       C tests and the border of Lua      make valgrind  C tests under valgrind
#                   and C under the sanitizers
#   make mutate     faults that the tests have to find, put into a copy one at a time (ONLY=checkpoint: those about it)
#   make compare-demo  six architectures on the demo's photos, in about six minutes
#   make fine-tuning-demo  Exercise 2 on them against Exercise 1 and a network from scratch, five folds (ARGS="--folds 1 ...")
#   make reid-demo  who is it? Drawn (synthetic) animals, told apart by what training has learned (ARGS="--seeds 3")
#   make install    into PREFIX, below DESTDIR         make lint      luacheck, shellcheck, clang-format
#   make doc        the reference, as HTML pages in build/doc; `make install` puts it into PREFIX/share/doc/scute
#   make test DEVICE=cuda, make bench DEVICE=cuda      the same on a real NVIDIA GPU
#
# Where the CUDA toolkit and cuDNN are found, `make` builds the GPU plugin too, for the cards that are there; where that fails,
# one line says why. CUDA=no leaves it out, CUDA=yes insists; CUDA_ARCHS=all or "80 90": for which cards (kernels/cuda/cuda.mk).
# The same holds for Open MPI, which joins processes: MPI=no, MPI=yes (kernels/mpi/mpi.mk).

BUILD   ?= build
PREFIX  ?= /usr/local
CC      ?= cc
ONEDNN  ?= deps/onednn
OPT     ?= -O3
SAN     ?=
WERROR  ?= -Werror
PYTHON  ?=
DEVICE  ?=
FOLDS   ?= 1
ONLY    ?=

PKGS     = cairo chafa glib-2.0 lua5.4 jansson libcurl libzip libmd libedit libjpeg zlib
# Kinds of photo beside the usual ones, each of them read where its library is there (READERS= leaves them out).
LIBRARY_webp = libwebp
LIBRARY_tiff = libtiff-4 >= 4.5
LIBRARY_heif = libheif >= 1.15
READERS := $(foreach kind,webp tiff heif,$(shell pkg-config --exists '$(LIBRARY_$(kind))' 2>/dev/null && echo $(kind)))
UNREAD  := $(patsubst %,host/photo/image_%.c,$(filter-out $(READERS),webp tiff heif))
ALLPKGS  = $(PKGS) $(foreach kind,$(READERS),'$(LIBRARY_$(kind))')
PKGFLAGS := $(shell pkg-config --cflags $(ALLPKGS) 2>/dev/null)
# Libraries that are opened when they are needed (host/core/shared_library.h) are not linked.
PKGLIBS  := $(filter-out -llua5.4 -lcurl -lheif -lzip -ltiff -lcairo -lchafa,$(shell pkg-config --libs $(ALLPKGS) 2>/dev/null))
LUADIR   := $(shell pkg-config --variable=libdir lua5.4 2>/dev/null)
FLAGS    = $(OPT) -g -Wall -Wextra $(WERROR) -fopenmp -fvisibility=hidden -MMD -MP $(SAN) \
           -ffp-contract=on -fno-math-errno -fno-trapping-math \
           -I. -I$(BUILD) -isystem $(ONEDNN)/include $(PKGFLAGS)
CFLAGS   = -std=gnu11 $(FLAGS)
CXXFLAGS = -std=gnu++17 $(FLAGS)
LDFLAGS  = $(SAN) -fopenmp -Wl,-E -Wl,-rpath,'$(subst @,$$ORIGIN,@/$(ONEDNN)/lib:@/../lib/scute:@/../$(ONEDNN)/lib:@/../../$(ONEDNN)/lib)' \
           -L$(ONEDNN)/lib -Wl,--wrap=GOMP_parallel
# All of Lua, so that Lua's own C modules (lfs, cjson) find it in the program.
LUA_LIB  = -Wl,--whole-archive $(LUADIR)/liblua5.4.a -Wl,--no-whole-archive
LDLIBS   = $(LUA_LIB) $(PKGLIBS) -ldnnl -lstdc++ -ldl -lm -lpthread

CORE    := $(filter-out host/bind/% $(UNREAD),$(wildcard host/*/*.c)) $(wildcard kernels/ref/*.c kernels/cpu/*.c kernels/cpu/*.cpp)
SOURCES := host/main.c $(CORE) $(wildcard host/bind/*.c)
OBJECTS := $(addprefix $(BUILD)/,$(addsuffix .o,$(basename $(SOURCES))) binding_help.o)
LIBOBJS := $(filter-out $(BUILD)/host/main.o $(BUILD)/host/bind/% $(BUILD)/binding_help.o,$(OBJECTS))
CTESTS  := $(patsubst tests/c/%.c,$(BUILD)/tests/%,$(wildcard tests/c/test_*.c))
Q       := $(if $(V),,@)
JOBS    := -j$(shell nproc 2>/dev/null || echo 2)

all: program
program: scute $(BUILD)/share/made

include kernels/cuda/cuda.mk
include kernels/mpi/mpi.mk

scute: $(BUILD)/scute
	@ln -sf $< $@

$(BUILD)/scute: $(OBJECTS)
	@echo "link $@"
	$(Q)$(CC) -o $@ $^ $(LDFLAGS) $(LDLIBS)

$(BUILD)/%.o: %.c | needed $(BUILD)/layout.h
	@mkdir -p $(@D)
	@echo "cc $<"
	$(Q)$(CC) $(CFLAGS) -c -o $@ $<

# What kernels of scripts are compiled with.
$(BUILD)/host/bind/own_op.o: CFLAGS += -DSC_CC='"$(CC)"'

# Program and plugin are of one build: see host/core/register.h.
$(BUILD)/layout.h: $(wildcard host/core/*.h)
	@mkdir -p $(@D)
	@echo "#define SC_LAYOUT $$(cat $^ | sha256sum | cut -c 1-16)" >$@

$(BUILD)/%.o: %.cpp | needed
	@mkdir -p $(@D)
	@echo "c++ $<"
	$(Q)$(CXX) $(CXXFLAGS) -c -o $@ $<

# What help() says about functions bound in C comes from the comments above them.
$(BUILD)/binding_help.c: tools/help.awk $(wildcard host/bind/*.c) | needed
	@mkdir -p $(@D)
	$(Q)awk -f $^ >$@

$(BUILD)/binding_help.o: $(BUILD)/binding_help.c
	$(Q)$(CC) $(CFLAGS) -c -o $@ $<

$(BUILD)/tests/%: tests/c/%.c $(LIBOBJS)
	@mkdir -p $(@D)
	@echo "link $@"
	$(Q)$(CC) $(CFLAGS) -o $@ $< $(LIBOBJS) $(LDFLAGS) $(LDLIBS) -lcmocka

# A library that lets calls of the system fail in the program that it is preloaded into.
$(BUILD)/tests/faults.so: tests/faults/shim.c
	@mkdir -p $(@D)
	@echo "link $@"
	$(Q)$(CC) -std=gnu11 -O1 -g -Wall -Wextra $(WERROR) -fPIC -shared -o $@ $< -ldl

# What editors and shells know of scute, made of its own declarations.
$(BUILD)/share/made: $(BUILD)/scute $(wildcard lua/scute/*.lua lua/scute/*/*.lua lua/scute/*/*/*.lua scripts/*.lua examples/*.lua)
	@echo "make $(@D)"
	@rm -rf $(@D)
	$(Q)$(BUILD)/scute -e 'require "scute.editor.write" "$(@D)"'
	@touch $@

ctests: $(CTESTS) $(BUILD)/tests/faults.so

# Says what to do where a plain `make` cannot work.
needed:
	@pkg-config --exists $(PKGS) 2>/dev/null && test -e $(ONEDNN)/include/oneapi/dnnl/dnnl.h || \
	   { echo "Libraries are missing: run 'make deps' first (it installs them)." >&2; exit 1; }

-include $(OBJECTS:.o=.d) $(CTESTS:=.d)

include tests/cuda/softgpu.mk

# ---- what a user types; each installs what it needs, then starts make afresh, which sees the new libraries ----

deps:
	@tools/deps.sh build test

weights stamps:
	@tools/deps.sh $@

demo:
	@tools/deps.sh build some-weights stamps
	@$(MAKE) --no-print-directory $(JOBS) program
	@FOLDS=$(FOLDS) ./scute scripts/demo.lua

compare-demo:
	@tools/deps.sh build weights stamps
	@$(MAKE) --no-print-directory $(JOBS) program
	@./scute scripts/compare_demo.lua

fine-tuning-demo:
	@tools/deps.sh build some-weights stamps
	@$(MAKE) --no-print-directory $(JOBS) program
	@./scute scripts/fine_tuning_demo.lua $(ARGS)

reid-demo:
	@tools/deps.sh build some-weights
	@$(MAKE) --no-print-directory $(JOBS) program
	@./scute scripts/reid_demo.lua $(ARGS)

test:
	@tools/deps.sh build test some-weights stamps
	@$(MAKE) --no-print-directory $(JOBS) all $(if $(DEVICE),,ctests $(if $(CUDA_ARCHS),,CUDA_ARCHS=$(TEST_ARCHS)))
	@$(if $(DEVICE),$(BUILD)/scute tests/cuda/device.lua $(DEVICE),tools/test.sh $(BUILD) $(SUITES))

bench: all
	./scute tests/bench/run.lua "$(PYTHON)" $(DEVICE)

soak: all ctests
	@for script in $(wildcard tests/soak/*.lua); do echo "$$script"; ./scute $$script || exit 1; done

mutate: all ctests
	@$(BUILD)/scute tests/mutate/mutate.lua "$(ONLY)"

lint:
	@tools/lint.sh

asan:
	@$(MAKE) --no-print-directory $(JOBS) BUILD=build-asan OPT="-O1 -fno-omit-frame-pointer" \
	   SAN="-fsanitize=address,undefined -fno-sanitize-recover=all" run-ctests run-border

SANITIZED = LSAN_OPTIONS=suppressions=tests/c/leaks.supp:print_suppressions=0 OMP_NUM_THREADS=2

run-ctests: ctests
	@for test in $(CTESTS); do echo $$test; $(SANITIZED) $$test || exit 1; done

run-border: $(BUILD)/scute
	@echo tests/lua/border_spec.lua; $(SANITIZED) $< tests/lua/run.lua tests/lua/border_spec.lua

valgrind: ctests
	@for test in $(CTESTS); do echo $$test; OMP_NUM_THREADS=1 valgrind -q --error-exitcode=9 --leak-check=full \
	   --suppressions=tests/c/valgrind.supp \
	   --errors-for-leak-kinds=definite --show-leak-kinds=definite $$test || exit 1; done

# ---- the reference and install ----

# The pages are made of what help() says, so they are as new as the sources.
$(BUILD)/doc/index.html: $(BUILD)/scute $(wildcard lua/scute/*.lua lua/scute/*/*.lua lua/scute/*/*/*.lua scripts/*.lua)
	@rm -rf $(@D)
	@echo "make $(@D)"
	$(Q)$< -e 'require("scute.help.pages").write "$(@D)"'

doc: $(BUILD)/doc/index.html

SHARE    = $(DESTDIR)$(PREFIX)/share
HOME_DIR = $(SHARE)/scute
DOC_DIR  = $(SHARE)/doc/scute
MADE     = man/man1/scute.1 bash-completion/completions/scute zsh/site-functions/_scute fish/vendor_completions.d/scute.fish

install: all doc
	install -D -m 755 $(BUILD)/scute $(DESTDIR)$(PREFIX)/bin/scute
	install -D -m 644 $(ONEDNN)/lib/libdnnl.so.3 $(DESTDIR)$(PREFIX)/lib/scute/libdnnl.so.3
	for file in $$(find lua scripts examples -name '*.lua' -o -path '*/editor/project/*') examples/photo.jpg kernels/cpu/vmath.h; do \
	   install -D -m 644 $$file $(HOME_DIR)/$$file || exit 1; done
	for file in $(MADE) $$(cd $(BUILD)/share && find scute -name '*.lua'); do \
	   install -D -m 644 $(BUILD)/share/$$file $(SHARE)/$$file || exit 1; done
	install -m 644 LICENSE README.md $(HOME_DIR)/
	install -d $(DOC_DIR)
	install -m 644 $(BUILD)/doc/*.html $(DOC_DIR)/

uninstall:
	rm -rf $(DESTDIR)$(PREFIX)/bin/scute $(DESTDIR)$(PREFIX)/lib/scute $(HOME_DIR) $(DOC_DIR) $(addprefix $(SHARE)/,$(MADE))

clean:
	rm -rf $(BUILD) build-asan scute

.PHONY: all asan bench clean compare-demo ctests demo deps doc fine-tuning-demo install lint mutate needed program \
   reid-demo run-border run-ctests soak stamps test uninstall valgrind weights
