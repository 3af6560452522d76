// Versions, for --version and for the records that a run leaves.
#ifndef SCUTE_VERSION_H
#define SCUTE_VERSION_H

#define SC_VERSION "0.1.0"

// The library under the cpu backend, as in "oneDNN 3.2.0".
const char *sc_cpu_library(void);

#endif
