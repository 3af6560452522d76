// What the kernels of gem_pool2d share.
#ifndef SCUTE_GEM_POOL2D_H
#define SCUTE_GEM_POOL2D_H

#include "host/core/op.h"

enum { SC_GEM_X, SC_GEM_P }; // inputs
enum { SC_GEM_EPS };         // attribute

// Kept for backward, (3, N, C). With v = max(x, eps) of a channel's pixels and y their mean:
enum {
   SC_GEM_MOST,  // the v that counts most: the largest, or the smallest where p is below 0
   SC_GEM_SHARE, // dy / dv is share * (v / most)^p / v
   SC_GEM_SLOPE, // dy / dp
   SC_GEM_STATS
};

typedef struct {
   int64_t n, pixels, channels;
   bool each; // p has a number for each channel, else one for all
   double eps;
} ScGem;

SC_API_BEGIN

// Of a checked call.
ScGem sc_gem_sizes(const ScCall *);

SC_API_END

#endif
