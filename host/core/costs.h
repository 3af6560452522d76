// What each kind of call cost: one row per op, device, layer and shapes, while a profile is taken (see
// host/core/span.h).
#ifndef SCUTE_COSTS_H
#define SCUTE_COSTS_H

#include "host/core/op.h"

// Of forward (0) and backward (1).
typedef struct {
   const char *op, *device; // names that live for ever
   ScDtype dtype;           // that is computed in
   int layer;               // see host/core/layer.h
   char *shapes;            // "(16, 64, 56, 56), (64, 64, 3, 3) -> (16, 64, 56, 56)"
   long calls[2], fallbacks;
   double seconds[2], multiply_adds[2], bytes[2];
} ScCost;

void sc_costs_add(const ScCall *, bool backward, bool fallback, double start, double seconds);
int sc_costs_rows(const ScCost **out);

#endif
