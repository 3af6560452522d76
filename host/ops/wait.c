#include "host/ops/wait.h"

#include "host/core/recording.h"

ScStatus sc_want_values(const ScCall *c) {
   const char *op = c->op->name, *name = sc_input_name(c, 0);
   if (c->device->backend->shapes_only)
      return sc_fail(
          SC_EUNSUPPORTED,
          "%s: the result depends on the values of '%s', which has none on the device '%s'; compute on cpu", op,
          name, c->device->name);
   if (sc_records(c->device))
      return sc_fail(SC_EUNSUPPORTED, "%s: it waits for the values of '%s', which a graph of %s cannot do", op,
                     name, c->device->name);
   return SC_OK;
}
