// Gradients of filters as products over the pixels of the output: each number of a filter gets the sum of what
// the gradient of y holds there times what x holds below. In bf16, where there are two threads, those of
// oneDNN's (3.2) way wait for each other, in loops that take twice the time of its products and more; in f32,
// where vectors have 8 floats, its way takes 1.2 to 2 times as long.
#ifndef SCUTE_CPU_FILTER_GRADIENT_H
#define SCUTE_CPU_FILTER_GRADIENT_H

#include "kernels/cpu/filter_gradient_way.h"

// Whether this is the faster way on this processor; half: all are bf16, else f32.
bool sc_filter_gradient_fits(const ScConv *, bool half);

// Summed up in f32, in an order that does not depend on the number of threads.
ScStatus sc_filter_gradient(ScDevice *, const ScFilterGradient *, bool half);

#endif
