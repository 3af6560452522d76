# The CUDA plugin, where a toolkit is found: CUDA_HOME, nvcc on the PATH, or /usr/local/cuda. CUDA=no leaves it out.
# CUDA_ARCHS are the compute capabilities to compile for; the last one's PTX serves GPUs that come later.

CUDA       ?= auto
CUDA_ARCHS ?= 75 80 86 89 90 100 120
CUDA_FOUND := $(firstword $(wildcard $(CUDA_HOME)/bin/nvcc) $(shell command -v nvcc 2>/dev/null) \
              $(wildcard /usr/local/cuda/bin/nvcc))
CUDA_DIR   := $(patsubst %/bin/nvcc,%,$(realpath $(CUDA_FOUND)))
CUDNN_HOME ?= $(CUDA_DIR)
CUDNN_H    := $(firstword $(wildcard $(CUDNN_HOME)/include/cudnn.h $(CUDA_DIR)/include/cudnn.h /usr/include/cudnn.h \
              /usr/include/x86_64-linux-gnu/cudnn.h))
CUDA_PARTS := $(and $(CUDA_DIR),$(CUDNN_H),$(wildcard $(CUDA_DIR)/include/cublas_v2.h),$(shell command -v $(CXX) 2>/dev/null))

ifneq ($(if $(filter no,$(CUDA)),,$(CUDA_PARTS)),)

CUDA_SOURCES := $(wildcard kernels/cuda/*.c kernels/cuda/*.cu)
CUDA_OBJECTS := $(CUDA_SOURCES:%=$(BUILD)/%.o)
CUDA_INCLUDE := -isystem $(CUDA_DIR)/include -isystem $(dir $(CUDNN_H))
CUDA_LIBDIRS := $(wildcard $(CUDNN_HOME)/lib64 $(CUDNN_HOME)/lib $(CUDA_DIR)/lib64 $(CUDA_DIR)/lib)
CUDA_LAST    := $(lastword $(CUDA_ARCHS))
NVCCFLAGS    := -O3 -std=c++20 -Werror all-warnings -MMD -MP -I. $(CUDA_INCLUDE) -cudart shared \
                -Xcompiler -Wall,-Wextra,-Wno-missing-field-initializers,-fPIC,-fvisibility=hidden \
                $(foreach arch,$(CUDA_ARCHS),-gencode arch=compute_$(arch),code=sm_$(arch)) \
                -gencode arch=compute_$(CUDA_LAST),code=compute_$(CUDA_LAST)

all: $(BUILD)/scute_cuda.so
install: install-cuda

# The libraries are found where they were at build time, beside the plugin, or in the library path.
$(BUILD)/scute_cuda.so: $(CUDA_OBJECTS)
	@echo "link $@"
	$(Q)$(CXX) -shared -o $@ $^ $(CUDA_LIBDIRS:%=-L%) $(CUDA_LIBDIRS:%=-Wl,-rpath,%) -Wl,-rpath,'$$ORIGIN' \
	   -lcudnn -lcublas -lcudart

$(BUILD)/kernels/cuda/%.c.o: kernels/cuda/%.c | needed $(BUILD)/layout.h
	@mkdir -p $(@D)
	@echo "cc $<"
	$(Q)$(CC) $(CFLAGS) -fPIC $(CUDA_INCLUDE) -c -o $@ $<

$(BUILD)/kernels/cuda/%.cu.o: kernels/cuda/%.cu
	@mkdir -p $(@D)
	@echo "nvcc $<"
	$(Q)$(if $(findstring ccache,$(CC)),ccache )$(CUDA_FOUND) $(NVCCFLAGS) -c -o $@ $<

install-cuda: $(BUILD)/scute_cuda.so
	install -D -m 755 $< $(DESTDIR)$(PREFIX)/lib/scute/scute_cuda.so

-include $(CUDA_OBJECTS:.o=.d)

endif
