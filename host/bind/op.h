// Ops as functions of Lua.
#ifndef SCUTE_BIND_OP_H
#define SCUTE_BIND_OP_H

#include "host/bind/open.h"
#include "host/core/op.h"

// Pushes the function that calls an op.
void sc_push_op(lua_State *L, const ScOp *);
// Pushes the metamethod __call of an object that is called as the op is.
void sc_push_op_call(lua_State *L, const ScOp *);

#endif
