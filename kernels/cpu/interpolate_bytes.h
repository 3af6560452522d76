// Antialiased pictures of bytes, as Pillow makes them.
#ifndef SCUTE_CPU_INTERPOLATE_BYTES_H
#define SCUTE_CPU_INTERPOLATE_BYTES_H

#include "host/ops/interpolate.h"

// y (n, rows.n, columns.n, channels) of x (n, height, width, channels).
ScStatus sc_interpolate_bytes(const ScTensor *x, ScTensor *y, const ScBands *rows, const ScBands *columns);

#endif
