#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>

#include "host/core/version.h"

const char *sc_cpu_library(void) {
   static char text[48];
   const dnnl_version_t *version = dnnl_version();
   snprintf(text, sizeof text, "oneDNN %d.%d.%d", version->major, version->minor, version->patch);
   return text;
}
