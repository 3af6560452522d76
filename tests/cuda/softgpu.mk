# The software GPU: libraries that stand in for the CUDA runtime, cuBLAS and cuDNN, and the programs that test them.
# Included after kernels/cuda/cuda.mk, whose toolkit gives the headers; see tests/cuda/README.md.
#
#   make softgpu          the libraries, below $(BUILD)/softgpu/lib
#   make softgpu-tests    programs, below $(BUILD)/softgpu/programs (make test builds them)
#   make softgpu-plugin   kernels/cuda compiled unchanged by g++: $(BUILD)/softgpu/scute_cuda.so

ifneq ($(CUDA_OBJECTS),)

SOFT       := $(BUILD)/softgpu
SOFT_CXX   ?= $(if $(findstring ccache,$(CC)),ccache )g++
# -Wmissing-declarations: each function that others see is declared in a header, CUDA's in the toolkit's (see symbols.lua).
SOFT_FLAGS := -std=c++20 -g -Wall -Wextra -Wmissing-declarations $(WERROR) -fPIC -MMD -MP $(CUDA_INCLUDE)
SOFT_LIBS  := $(SOFT)/lib/libcudart.so.13 $(SOFT)/lib/libcublas.so.13 $(SOFT)/lib/libcudnn.so.9
SOFT_NVRTC := $(SOFT)/lib/libnvrtc.so.13
SOFT_NCCL  := $(if $(wildcard $(addsuffix /nccl.h,$(CUDA_DIR)/include $(SYSTEM))),$(SOFT)/lib/libnccl.so.2)
SOFT_LINK  := -Wl,-rpath,'$$ORIGIN/lib:$$ORIGIN/../lib' -Wl,-T,tests/cuda/shared.ld

soft_objects = $(patsubst tests/cuda/%.cpp,$(SOFT)/%.o,$(wildcard tests/cuda/$(1)/*.cpp))

softgpu: $(SOFT_LIBS) $(SOFT_NVRTC) $(SOFT_NCCL)

$(SOFT)/%.o: tests/cuda/%.cpp
	@mkdir -p $(@D)
	@echo "c++ $<"
	$(Q)$(SOFT_CXX) $(SOFT_FLAGS) -O3 -march=native -fopenmp -ffp-contract=off -fno-math-errno -c -o $@ $<

$(SOFT)/lib/libcudart.so.13: $(call soft_objects,cudart)
$(SOFT)/lib/libcublas.so.13: $(call soft_objects,cublas) $(SOFT)/lib/libcudart.so.13
$(SOFT)/lib/libcudnn.so.9: $(call soft_objects,cudnn) $(SOFT)/lib/libcudart.so.13
$(SOFT_NVRTC): $(call soft_objects,nvrtc) $(SOFT)/lib/libcudart.so.13
$(SOFT)/lib/libnccl.so.2: $(call soft_objects,nccl) $(SOFT)/lib/libcudart.so.13
$(SOFT_LIBS) $(SOFT_NVRTC) $(SOFT)/lib/libnccl.so.2:
	@mkdir -p $(@D)
	@echo "link $@"
	$(Q)$(SOFT_CXX) -shared -fopenmp -Wl,-soname,$(@F) -Wl,-rpath,'$$ORIGIN' -o $@ $^ -ldl

# Products are fused with sums, as nvcc does it: what host and device compute alike may not hang on that.
SOFT_FUSED := -ffp-contract=fast $(if $(shell grep -sqw fma /proc/cpuinfo && echo yes),-mfma)

# Device code: C++ with the software GPU's own cuda_runtime.h before the toolkit's.
SOFT_DEVICE_FLAGS = -x c++ -std=c++20 -O1 -g1 -Wall -Wextra -Wno-unknown-pragmas -Wno-missing-field-initializers $(WERROR) -fPIC -MMD -MP -fdata-sections -fvisibility=hidden \
   $(SOFT_FUSED) -fno-math-errno -fno-strict-aliasing -fsanitize=alignment -Itests/cuda/include -I. $(CUDA_INCLUDE)

# Its NVRTC compiles alike what it is given at run time.
SOFT_RTC_FLAGS = -x c++ -std=c++17 -O1 -fPIC -w -fdata-sections $(SOFT_FUSED) -fno-math-errno -fno-strict-aliasing -fsanitize=alignment \
   -I$(abspath tests/cuda/include) $(CUDA_INCLUDE) -include $(abspath tests/cuda/include)/softgpu_rtc.h \
   -Wl,-T,$(abspath tests/cuda/shared.ld)
$(SOFT)/nvrtc/compile.o: SOFT_FLAGS += -DSOFTGPU_COMPILER='"$(lastword $(SOFT_CXX)) $(SOFT_RTC_FLAGS)"'

$(SOFT)/programs/%.cu.o: tests/cuda/programs/%.cu
	@mkdir -p $(@D)
	@echo "c++ $<"
	$(Q)$(SOFT_CXX) $(SOFT_DEVICE_FLAGS) -c -o $@ $<

$(SOFT)/programs/nvrtc: $(SOFT_NVRTC)
$(SOFT)/programs/nccl: $(SOFT_NCCL)

$(SOFT)/programs/%: $(SOFT)/programs/%.cu.o $(SOFT_LIBS)
	@echo "link $@"
	$(Q)$(SOFT_CXX) -o $@ $^ $(SOFT_LINK) -ldl

# What ptxas says of registers and shared memory, for launches to be refused as on a card (cudart/usage.cpp). Without a
# record, where nvcc does not compile a file, they are not.
define soft_ptxas
	@mkdir -p $(@D)
	@echo "ptxas $<"
	$(Q)$(CUDA_FOUND) -O3 -std=c++20 -I. $(CUDA_INCLUDE) -gencode arch=compute_90,code=sm_90 -Xptxas -v -cubin -o $@.cubin \
	   -MMD -MF $@.d -MT $@ $< >$@ 2>&1 || : >$@
	@rm -f $@.cubin
endef

$(SOFT)/programs/%.ptxas: tests/cuda/programs/%.cu
	$(soft_ptxas)

SOFT_PROGRAMS := $(filter-out $(if $(SOFT_NCCL),,%/nccl),\
                 $(patsubst tests/cuda/programs/%.cu,$(SOFT)/programs/%,$(wildcard tests/cuda/programs/*.cu)))

softgpu-tests: $(SOFT_PROGRAMS) $(SOFT)/programs/broken_kernels.ptxas

# The controls, for Lua.
$(SOFT)/softgpu.so: tests/cuda/lua/softgpu.c tests/cuda/softgpu.h $(SOFT)/lib/libcudart.so.13
	@echo "cc $<"
	$(Q)$(CC) $(CFLAGS) -MF $@.d -fPIC -shared -o $@ $< $(SOFT)/lib/libcudart.so.13 -Wl,-rpath,'$$ORIGIN/lib'

# A profiler's part in the program.
$(SOFT)/nvtx.so: tests/cuda/lua/nvtx.c
	@echo "cc $<"
	$(Q)$(CC) $(CFLAGS) -MF $@.d $(CUDA_INCLUDE) -fPIC -shared -o $@ $<

# The real compiler, where it is installed.
$(SOFT)/nvrtc.so: tests/cuda/lua/nvrtc.c
	@echo "cc $<"
	$(Q)$(CC) $(CFLAGS) -MF $@.d $(CUDA_INCLUDE) -fPIC -shared -o $@ $< -ldl

softgpu-backend: $(SOFT)/softgpu.so $(SOFT)/nvtx.so $(SOFT)/nvrtc.so

# What ptxas has said of the plugin's kernels where nvcc compiled them.
soft_records = if [ -e $(BUILD)/scute_cuda.so ]; then cat $(patsubst %.cu,$(BUILD)/%.cu.ptxas,$(filter %.cu,$(CUDA_SOURCES))); \
   fi >$(SOFT)/scute_cuda.ptxas

softgpu-plugin: plugin softgpu-backend
	@$(soft_records)

# Where it cannot be built (for want of a toolkit's headers that it knows) the other tests go on, and its suite fails with the reason.
ctests: softgpu-all
softgpu-all: | $(BUILD)/layout.h plugin
	@mkdir -p $(SOFT) && rm -f $(SOFT)/reason
	@{ $(MAKE) --no-print-directory softgpu-tests softgpu-backend && $(soft_records); } 2>$(BUILD)/softgpu.log || { \
	   tools/reason.sh $(BUILD)/softgpu.log >$(SOFT)/reason; \
	   echo "note: no software GPU: $$(cat $(SOFT)/reason) ($(BUILD)/softgpu.log says more)"; }

# The backend: every file of kernels/cuda, C ones too, as nvcc compiles them for the real one.
SOFT_PLUGIN_OBJECTS := $(CUDA_SOURCES:kernels/cuda/%=$(SOFT)/plugin/%.o)

softgpu-backend: $(SOFT)/scute_cuda.so $(SOFT_NVRTC) $(SOFT_NCCL)

$(SOFT)/plugin/%.c.o: kernels/cuda/%.c | $(BUILD)/layout.h
	@mkdir -p $(@D)
	@echo "cc $< (software GPU)"
	$(Q)$(CC) $(CFLAGS) -fPIC $(CUDA_INCLUDE) -c -o $@ $<

$(SOFT)/plugin/%.o: kernels/cuda/%
	@mkdir -p $(@D)
	@echo "c++ $< (software GPU)"
	$(Q)$(SOFT_CXX) $(SOFT_DEVICE_FLAGS) -c -o $@ $<

$(SOFT)/scute_cuda.so: $(SOFT_PLUGIN_OBJECTS) $(SOFT_LIBS)
	@echo "link $@"
	$(Q)$(SOFT_CXX) -shared -o $@ $^ $(SOFT_LINK) -ldl

SOFT_DEPS := $(wildcard $(SOFT)/*/*.d)
-include $(SOFT_DEPS)

.PHONY: softgpu softgpu-all softgpu-backend softgpu-plugin softgpu-tests
.SECONDARY: $(SOFT_PROGRAMS:=.cu.o)

endif
