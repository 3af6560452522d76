# The plugin that joins processes through MPI, where Open MPI's headers are found: pkg-config ompi-c, or mpicc on the PATH.
# MPI=no leaves it out, MPI=yes fails where it cannot be built.

MPI        ?= auto
MPI_CFLAGS := $(if $(filter no,$(MPI)),,$(shell pkg-config --cflags ompi-c 2>/dev/null || mpicc --showme:compile 2>/dev/null))
MPI_LIBS   := $(if $(filter no,$(MPI)),,$(shell pkg-config --libs ompi-c 2>/dev/null || mpicc --showme:link 2>/dev/null))
NO_MPI     := there is no Open MPI: neither pkg-config knows ompi-c, nor is mpicc on the PATH (Debian: libopenmpi-dev)

# Nothing is said where there is none: most machines have none.
ifneq ($(MPI_LIBS),)

MPI_OBJ := $(patsubst %,$(BUILD)/%.o,$(wildcard kernels/mpi/*.c))

all: $(if $(filter yes,$(MPI)),$(BUILD)/scute_mpi.so,mpi-plugin)

# The program does without it, so where it cannot be built that is told and no more.
mpi-plugin: | needed $(BUILD)/layout.h
	@$(MAKE) --no-print-directory $(BUILD)/scute_mpi.so 2>$(BUILD)/mpi.log || { rm -f $(BUILD)/scute_mpi.so; \
	   echo "note: no MPI plugin: $$(tools/reason.sh $(BUILD)/mpi.log) ($(BUILD)/mpi.log says more; MPI=no does not try)"; }

$(BUILD)/scute_mpi.so: $(MPI_OBJ)
	@echo "link $@"
	$(Q)$(CC) -shared -o $@ $^ $(MPI_LIBS)

$(BUILD)/kernels/mpi/%.c.o: kernels/mpi/%.c | needed $(BUILD)/layout.h
	@mkdir -p $(@D)
	@echo "cc $<"
	$(Q)$(CC) $(CFLAGS) -fPIC $(patsubst -I%,-isystem %,$(MPI_CFLAGS)) -c -o $@ $<

-include $(MPI_OBJ:.o=.d)

.PHONY: mpi-plugin

else ifeq ($(MPI),yes)

all: mpi-plugin
mpi-plugin:
	@echo "error: $(NO_MPI)" >&2; exit 1

endif

ifeq ($(MPI),no)
MPI_LACKS := MPI=no
else ifeq ($(MPI_LIBS),)
MPI_LACKS := $(NO_MPI)
endif

install: install-mpi-plugin
install-mpi-plugin: all
	@tools/install_plugin.sh mpi $(BUILD) $(DESTDIR)$(PREFIX)/lib/scute "$(MPI_LACKS)"

.PHONY: install-mpi-plugin
