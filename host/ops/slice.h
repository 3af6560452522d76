#ifndef SCUTE_OPS_SLICE_H
#define SCUTE_OPS_SLICE_H

// Attributes. After infer: 1 <= from <= to <= size of the dimension, step >= 1.
enum { SC_SLICE_DIM, SC_SLICE_FROM, SC_SLICE_TO, SC_SLICE_STEP };

#endif
