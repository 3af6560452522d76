#include "host/core/profile.h"

#include <string.h>

enum { MAXROWS = 256 };

static ScProfileRow rows[MAXROWS];
static int nrows;

static ScProfileRow *row_of(const ScCall *call) {
   for (int i = 0; i < nrows; i++)
      if (rows[i].op == call->op->name && rows[i].device == call->device->name) return &rows[i];
   if (nrows == MAXROWS) return &rows[MAXROWS - 1];
   rows[nrows] = (ScProfileRow){.op = call->op->name, .device = call->device->name};
   return &rows[nrows++];
}

void sc_profile_add(const ScCall *call, bool backward, bool fallback, double seconds) {
   ScProfileRow *row = row_of(call);
   row->fallbacks += fallback;
   if (backward) {
      row->backward_calls++;
      row->backward_seconds += seconds;
   } else {
      row->forward_calls++;
      row->forward_seconds += seconds;
   }
}

int sc_profile_rows(const ScProfileRow **out) {
   *out = rows;
   return nrows;
}

void sc_profile_reset(void) {
   memset(rows, 0, sizeof rows);
   nrows = 0;
}
