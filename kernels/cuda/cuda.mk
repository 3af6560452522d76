# The CUDA plugin, where a toolkit is found: CUDA_HOME, nvcc on the PATH, or /usr/local/cuda. CUDA=no leaves it out, CUDA=yes
# (and DEVICE=cuda) fails where it cannot be built. CUDA_ARCHS are the compute capabilities to compile for ("75 80"): those of
# this machine's cards, or one of each generation where there is none; `all` is for packages. `make test` asks for those of
# `tests` where there is no card, and nobody else gets a plugin that was built so. See tools/gencode.sh.

CUDA       ?= $(if $(filter cuda%,$(DEVICE)),yes,auto)
CUDA_ARCHS ?=
CUDA_FOUND := $(firstword $(wildcard $(CUDA_HOME)/bin/nvcc) $(shell command -v nvcc 2>/dev/null) \
              $(wildcard /usr/local/cuda/bin/nvcc))
CUDA_DIR   := $(patsubst %/bin/nvcc,%,$(realpath $(CUDA_FOUND)))
CUDNN_HOME ?= $(CUDA_DIR)
SYSTEM     := /usr/include /usr/include/x86_64-linux-gnu /usr/include/aarch64-linux-gnu
CUDNN_H    := $(firstword $(wildcard $(addsuffix /cudnn.h,$(CUDNN_HOME)/include $(CUDA_DIR)/include $(SYSTEM))))
CUBLAS_H   := $(firstword $(wildcard $(addsuffix /cublas_v2.h,$(CUDA_DIR)/include $(SYSTEM))))
NO_NVCC    := there is no nvcc: it is looked for in CUDA_HOME/bin, on the PATH, and in /usr/local/cuda/bin
CUDA_LACKS := $(if $(CUDNN_H),,cudnn.h (cuDNN 9; CUDNN_HOME says where)) $(if $(CUBLAS_H),,cublas_v2.h) \
              $(if $(shell command -v $(CXX) 2>/dev/null),,a C++ compiler)
NOT_ALL     = $(CUDA_FOUND) is there, and not $(strip $(CUDA_LACKS))

# Nothing is said where there is no toolkit: most machines have none.
ifneq ($(if $(filter no,$(CUDA)),,$(CUDA_DIR)),)
ifneq ($(strip $(CUDA_LACKS)),)

all: plugin
plugin:
	@echo "note: no GPU plugin: $(NOT_ALL)"
	@$(if $(filter yes,$(CUDA)),exit 1)

else

CUDA_SOURCES := $(wildcard kernels/cuda/*.c kernels/cuda/*.cu)
CUDA_OBJECTS := $(CUDA_SOURCES:%=$(BUILD)/%.o)
# The compiler's own folders must not be named: it would look into them too early, and headers that include the next one of
# their name would not find it.
once          = $(if $1,$(firstword $1) $(call once,$(filter-out $(firstword $1),$1)))
CUDA_FOLDERS := $(filter-out $(SYSTEM),$(call once,$(abspath $(dir $(CUDNN_H) $(CUBLAS_H)) $(CUDA_DIR)/include)))
CUDA_INCLUDE := $(CUDA_FOLDERS:%=-isystem %)
CUDA_LIBDIRS := $(wildcard $(CUDNN_HOME)/lib64 $(CUDNN_HOME)/lib $(CUDA_DIR)/lib64 $(CUDA_DIR)/lib)
NVCCFLAGS    := -O3 -std=c++20 -Werror all-warnings -MMD -MP -I. $(CUDA_INCLUDE) -cudart shared \
                -Xcompiler -Wall,-Wextra,-Wno-missing-field-initializers,-fPIC,-fvisibility=hidden

all: plugin

# The program does without it, so where it cannot be built that is told and no more, unless somebody insists.
plugin: | needed $(BUILD)/layout.h
	@$(MAKE) --no-print-directory $(BUILD)/scute_cuda.so 2>$(BUILD)/plugin.log || { rm -f $(BUILD)/scute_cuda.so; \
	   $(if $(filter yes,$(CUDA)),cat $(BUILD)/plugin.log >&2; exit 1;) \
	   echo "note: no GPU plugin: $$(tools/reason.sh $(BUILD)/plugin.log) ($(BUILD)/plugin.log says more; CUDA=no does not try)"; }

# What was built for stays until another is asked for: `make install` may run where there is no card.
BUILT_FOR := $(shell cat $(BUILD)/gencode 2>/dev/null)
FOR_TESTS := $(findstring SC_FOR_TESTS,$(BUILT_FOR))
TEST_ARCHS = $(if $(BUILT_FOR),$(if $(FOR_TESTS),tests),tests)
$(BUILD)/gencode: $(if $(strip $(CUDA_ARCHS))$(FOR_TESTS),always)
	@mkdir -p $(@D)
	@tools/gencode.sh $(CUDA_FOUND) "$(CUDA_ARCHS)" >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

# The libraries are found where they were at build time, beside the plugin, or in the library path.
$(BUILD)/scute_cuda.so: $(CUDA_OBJECTS)
	@echo "link $@"
	$(Q)$(CXX) -shared -o $@ $^ $(CUDA_LIBDIRS:%=-L%) $(CUDA_LIBDIRS:%=-Wl,-rpath,%) -Wl,-rpath,'$$ORIGIN' \
	   -lcudnn -lcublas -lcudart

$(BUILD)/kernels/cuda/%.c.o: kernels/cuda/%.c | needed $(BUILD)/layout.h
	@mkdir -p $(@D)
	@echo "cc $<"
	$(Q)$(CC) $(CFLAGS) -fPIC $(CUDA_INCLUDE) -c -o $@ $<

# ptxas says what each kernel takes of a multiprocessor, which the software GPU keeps to (tests/cuda/softgpu.mk).
$(BUILD)/kernels/cuda/%.cu.o $(BUILD)/kernels/cuda/%.cu.ptxas: kernels/cuda/%.cu $(BUILD)/gencode
	@mkdir -p $(@D)
	@echo "nvcc $<"
	$(Q)$(if $(findstring ccache,$(CC)),ccache )$(CUDA_FOUND) $(NVCCFLAGS) -Xptxas -v $$(cat $(BUILD)/gencode) \
	   -c -o $(@:.ptxas=.o) $< 2>$(@:.o=.ptxas) || { code=$$?; cat $(@:.o=.ptxas) >&2; exit $$code; }

always:

-include $(CUDA_OBJECTS:.o=.d)

.PHONY: always plugin

endif
else ifeq ($(CUDA),yes)

all: plugin
plugin:
	@echo "error: $(NO_NVCC)" >&2; exit 1

endif

ifeq ($(CUDA),no)
PLUGIN_LACKS := CUDA=no
else ifeq ($(CUDA_DIR),)
PLUGIN_LACKS := $(NO_NVCC)
else ifneq ($(strip $(CUDA_LACKS)),)
PLUGIN_LACKS := $(NOT_ALL)
endif

install: install-plugin
install-plugin: all
	@tools/install_plugin.sh cuda $(BUILD) $(DESTDIR)$(PREFIX)/lib/scute "$(PLUGIN_LACKS)"

.PHONY: install-plugin
