// Counts and times of what ran where, and how often the cpu backend had to fall back to ref: kept always. On a
// GPU the times are those in which work was handed over. What a profile has beyond that see host/core/costs.h.
#ifndef SCUTE_PROFILE_H
#define SCUTE_PROFILE_H

#include "host/core/op.h"

typedef struct {
   const char *op, *device; // names that live for ever
   long forward_calls, backward_calls, fallbacks;
   double forward_seconds, backward_seconds;
} ScProfileRow;

void sc_profile_add(const ScCall *, bool backward, bool fallback, double seconds);
int sc_profile_rows(const ScProfileRow **out);
void sc_profile_reset(void);

#endif
