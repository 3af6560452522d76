// Which GPUs the plugin has code for.
#ifndef SCUTE_CUDA_BUILT_FOR_H
#define SCUTE_CUDA_BUILT_FOR_H

#include "host/core/device.h"

SC_C_BEGIN

// Whether the plugin has code for such a GPU (see sc_cuda_capability): it is built for some.
bool sc_cuda_is_built_for(int capability);
// The same of the current one, as its driver finds.
ScStatus sc_cuda_find_code(const ScDevice *);

SC_C_END

#endif
