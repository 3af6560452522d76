#ifndef SCUTE_OPS_NORM_H
#define SCUTE_OPS_NORM_H

#include <math.h>

#include "host/ops/reduction.h"

enum { SC_NORM_P, SC_NORM_DIM, SC_NORM_KEEPDIM }; // attributes
enum { SC_NORM_RESULT, SC_NORM_TIES };            // saved; ties (how many have that magnitude) of an infinite p

// What is made of the magnitudes.
typedef enum { SC_NORM_COUNT, SC_NORM_SUM, SC_NORM_SQUARES, SC_NORM_POWERS, SC_NORM_MAX, SC_NORM_MIN } ScNorm;

static inline ScNorm sc_norm_of(double p) {
   if (p == 0) return SC_NORM_COUNT;
   if (p == 1) return SC_NORM_SUM;
   if (p == 2) return SC_NORM_SQUARES;
   return p == INFINITY ? SC_NORM_MAX : p == -INFINITY ? SC_NORM_MIN : SC_NORM_POWERS;
}

#endif
