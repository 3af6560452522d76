// The embedded default: oneDNN for what it does well, OpenMP loops for the rest, both channels-last.
#include "host/pool.h"

static ScBackend cpu = {.name = "cpu", SC_HOST_MEMORY};
SC_BACKEND(cpu)
