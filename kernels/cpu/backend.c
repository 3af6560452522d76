// The embedded default: oneDNN for what it does well, OpenMP loops for the rest, both channels-last.
#include "host/core/host_memory.h"
#include "host/core/register.h"
#include "kernels/cpu/packed.h"

static void flush(ScDevice *device) {
   (void)device;
   sc_packed_flush();
   sc_onednn_flush();
}

static ScBackend cpu = {
    .name = "cpu", .library = sc_onednn_version, SC_HOST_MEMORY, .forget = sc_packed_forget, .flush = flush};
SC_BACKEND(cpu)
