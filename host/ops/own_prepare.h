// Ops that a script declared have code for a GPU from the first call on that needs it: a kernel that finds none
// asks for it here, and whoever knows the op's text (host/bind) has it compiled and loaded.
#ifndef SCUTE_OWN_PREPARE_H
#define SCUTE_OWN_PREPARE_H

#include "host/ops/own_op.h"

SC_API_BEGIN

typedef ScStatus (*ScOwnPrepare)(ScOwnOp *, ScDevice *, ScDtype);
// Sets *is_told and the blocks and threads (three numbers each) of a whole function that says them.
typedef ScStatus (*ScOwnGrid)(const ScCall *, bool backward, bool *is_told, unsigned grid[6]);

void sc_own_op_prepare_by(ScOwnPrepare, ScOwnGrid);
// SC_OK: there is code now.
ScStatus sc_own_op_prepare(ScOwnOp *, ScDevice *, ScDtype);
ScStatus sc_own_op_grid(const ScCall *, bool backward, bool *is_told, unsigned grid[6]);

SC_API_END

#endif
