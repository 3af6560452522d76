#include "host/ops/own_prepare.h"

static ScOwnPrepare prepare;
static ScOwnGrid grid_of;

void sc_own_op_prepare_by(ScOwnPrepare prepares, ScOwnGrid grids) {
   prepare = prepares;
   grid_of = grids;
}

ScStatus sc_own_op_prepare(ScOwnOp *own, ScDevice *device, ScDtype dtype) {
   if (prepare) return prepare(own, device, dtype);
   return sc_fail(SC_EUNSUPPORTED, "%s: nothing was compiled for %s", own->op.name, device->name);
}

ScStatus sc_own_op_grid(const ScCall *c, bool backward, bool *is_told, unsigned grid[6]) {
   *is_told = false;
   return grid_of ? grid_of(c, backward, is_told, grid) : SC_OK;
}
