// Batch norm over the photos of several processes: what each of them knows of a channel becomes what is known
// of it in all of them, with the same bits in each.
//
// Each call is one of all processes. Where they are not at the same one, as in a network whose forward depends
// on what a process has, that is an error in all of them; where one has run out of memory, see
// sc_world_end_attempt (host/core/world.h).
#ifndef SCUTE_WORLD_NORM_H
#define SCUTE_WORLD_NORM_H

#include <stdint.h>

#include "host/core/api.h"
#include "host/core/status.h"

SC_API_BEGIN

typedef struct {
   int64_t channels;
   double count;          // of values in a channel, here; 0: none of them counts, whatever is below
   double *mean, *square; // (channels): their mean, and the sum of (value - mean)^2
} ScMoments;

// All three become those of the values of all processes (Chan, Golub and LeVeque 1979, for several parts at
// once): means first, then squares about the mean of all, so that nothing cancels. Fails in all of them where
// there are fewer than two values.
ScStatus sc_world_join_moments(ScMoments *);

// Which layer's the next one is: layers of as many channels are not to be joined in silence. In one process
// alone it says nothing.
void sc_world_name_norm(const char *path);

// The sums that the gradient of batch norm takes, (channels) each, become those over all processes.
ScStatus sc_world_join_gradients(int64_t channels, double *plain, double *normal);

SC_API_END

#endif
