# scute: `make demo` shows it, `make test` proves it. Everything they need is installed by `make deps`.
#
#   make            build ./scute                     make test    all suites and lint
#   make deps       install what is missing           make demo    a real network learns real photos
#   make bench      speed, in ratios (PYTHON=...)      make soak    the long tests
#   make asan       C tests under AddressSanitizer    make valgrind  C tests under valgrind
#   make install    into PREFIX (default /usr/local)  make lint    luacheck, warnings, format

BUILD   ?= build
PREFIX  ?= /usr/local
CC      ?= cc
ONEDNN  ?= deps/onednn
OPT     ?= -O3
SAN     ?=

PKGS     = lua5.4 jansson libcurl libzip libmd libexif libedit libjpeg zlib
CFLAGS   = $(OPT) -g -std=gnu11 -Wall -Wextra -Werror -fopenmp -fvisibility=hidden -MMD -MP $(SAN) \
           -ffp-contract=on -fno-math-errno -fno-trapping-math \
           -I. -isystem $(ONEDNN)/include $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
LDFLAGS  = $(SAN) -fopenmp -Wl,-E -Wl,-rpath,'$$ORIGIN/$(ONEDNN)/lib:$$ORIGIN/../lib/scute:$$ORIGIN/../$(ONEDNN)/lib' \
           -L$(ONEDNN)/lib
LUA_LIB  = -Wl,--whole-archive $(shell pkg-config --variable=libdir lua5.4 2>/dev/null)/liblua5.4.a -Wl,--no-whole-archive
LDLIBS   = $(LUA_LIB) $(filter-out -llua5.4,$(shell pkg-config --libs $(PKGS) 2>/dev/null)) -ldnnl -ldl -lm -lpthread

CORE    := $(wildcard host/*.c host/ops/*.c kernels/ref/*.c kernels/cpu/*.c)
SOURCES := $(CORE) $(wildcard host/bind/*.c)
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)
LIBOBJS := $(filter-out $(BUILD)/host/main.o $(BUILD)/host/bind/%,$(OBJECTS))
CTESTS  := $(patsubst tests/c/%.c,$(BUILD)/tests/%,$(wildcard tests/c/test_*.c))

all: scute

scute: $(BUILD)/scute
	@ln -sf $< $@

$(BUILD)/scute: $(OBJECTS)
	$(CC) -o $@ $^ $(LDFLAGS) $(LDLIBS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c -o $@ $<

$(BUILD)/tests/%: tests/c/%.c $(LIBOBJS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -o $@ $< $(LIBOBJS) $(LDFLAGS) $(LDLIBS) -lcmocka

ctests: $(CTESTS)

-include $(OBJECTS:.o=.d) $(CTESTS:=.d)

clean:
	rm -rf $(BUILD) scute

.PHONY: all clean ctests
