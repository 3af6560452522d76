#ifndef SCUTE_OPS_REDUCE_H
#define SCUTE_OPS_REDUCE_H

// Attributes. Kernels see the result with the reduced dimension kept: sc_axis(x, dim) gives x as outer x n x
// inner and the result as outer x inner. max and min save, if they are recorded, which k of the axis won (i64,
// from 0).
enum { SC_REDUCE_DIM, SC_REDUCE_KEEPDIM };

#endif
