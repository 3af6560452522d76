#include "host/ops/own_prepare.h"

static ScOwnPrepare *prepare;

void sc_own_op_prepare_by(ScOwnPrepare *by) {
   prepare = by;
}

ScStatus sc_own_op_prepare(ScOwnOp *own, ScDevice *device, ScDtype dtype) {
   if (prepare) return prepare(own, device, dtype);
   return sc_fail(SC_EUNSUPPORTED, "%s: nothing was compiled for %s", own->op.name, device->name);
}
