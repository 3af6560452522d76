// CUDA graphs: ScBackend.record and what follows it.
#ifndef SCUTE_CUDA_GRAPH_H
#define SCUTE_CUDA_GRAPH_H

#include "host/core/device.h"

ScStatus sc_cuda_record(ScDevice *);
ScStatus sc_cuda_recorded(ScDevice *, void **work);
ScStatus sc_cuda_replay(ScDevice *, void *work);
void sc_cuda_forget_recorded(ScDevice *, void *work);

#endif
