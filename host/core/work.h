// What a call costs whatever computes it: multiply-adds, and the bytes that go in and out.
#ifndef SCUTE_WORK_H
#define SCUTE_WORK_H

#include "host/core/op.h"

typedef struct {
   // Of products, as the op declares them (ScOp.multiply_adds); in backward for the gradients that are asked
   // for.
   double multiply_adds;
   // Tensors that are read and written, each counted once: a cache may save some of that, and workspaces add
   // to it.
   double bytes;
} ScWork;

// Of a call that has run: its tensors are there.
ScWork sc_work(const ScCall *, bool backward);

#endif
