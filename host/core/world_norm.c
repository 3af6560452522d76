#include "host/core/world_norm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/core/span.h"
#include "host/core/world.h"

static char name[100]; // of the layer that joins next; "": it has not said

void sc_world_name_norm(const char *path) {
   size_t n = strlen(path), most = sizeof name - 1;
   snprintf(name, sizeof name, "%s", n > most ? path + (n - most) : path); // the end tells most
}

static ScStatus meet(const char *what, int64_t channels) {
   char text[SC_WORLD_TEXT];
   snprintf(text, sizeof text, "%s of %lld channels%s%s%s", what, (long long)channels, *name ? " (" : "", name,
            *name ? ")" : "");
   *name = 0;
   return sc_world_same_call(text);
}

// room: of channels + 1.
static ScStatus join(ScMoments *m, double *room) {
   SC_TRY(meet("a batch norm", m->channels));
   double *total = room, *sum = room + 1;
   *total = m->count;
   for (int64_t i = 0; i < m->channels; i++) sum[i] = m->count > 0 ? m->count * m->mean[i] : 0;
   SC_TRY(sc_world_sum(SC_F64, m->channels + 1, room));
   if (*total < 2)
      return sc_fail(SC_EARG,
                     "batch_norm: expected more than one value per channel when training, found %g in all %d "
                     "processes; use a larger batch or evaluation mode",
                     *total, sc_world()->size);
   for (int64_t i = 0; i < m->channels; i++) {
      double mean = sum[i] / *total, apart = m->mean[i] - mean;
      m->square[i] = m->count > 0 ? m->square[i] + m->count * apart * apart : 0;
      m->mean[i] = mean;
   }
   SC_TRY(sc_world_sum(SC_F64, m->channels, m->square));
   m->count = *total;
   return SC_OK;
}

// What may fail for want of memory comes before the others are met.
ScStatus sc_world_join_moments(ScMoments *m) {
   double *room = malloc((size_t)(m->channels + 1) * sizeof *room);
   if (!room) return sc_fail(SC_EMEM, "out of memory");
   int span = sc_span_begin("world.batch_norm");
   ScStatus status = join(m, room);
   sc_span_end(span);
   free(room);
   return status;
}

// By now kernels have written over what they read, and cannot try again.
ScStatus sc_world_join_gradients(int64_t channels, double *plain, double *normal) {
   size_t bytes = (size_t)channels * sizeof *plain;
   double *both = malloc(2 * bytes);
   if (!both) return sc_fail(SC_EDEVICE, "out of memory for the sums of a batch norm");
   memcpy(both, plain, bytes);
   memcpy(both + channels, normal, bytes);
   int span = sc_span_begin("world.batch_norm");
   ScStatus status = meet("the backward of a batch norm", channels);
   if (status == SC_OK) status = sc_world_sum(SC_F64, 2 * channels, both);
   sc_span_end(span);
   memcpy(plain, both, bytes);
   memcpy(normal, both + channels, bytes);
   free(both);
   return status;
}
