// The reference backend: plain loops that say what an op means. Oracle of the tests, fallback of cpu, and the
// home of float64.
#include "host/core/host_memory.h"
#include "host/core/register.h"

static ScBackend ref = {.name = "ref", SC_HOST_MEMORY};
SC_BACKEND(ref)
