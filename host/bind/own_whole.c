// Whole functions in C that a script declares (lua/scute/kernel/whole.lua): giving an op what was compiled.
#include "host/ops/own_whole.h"

#include "host/bind/bind.h"

// scute.own_whole_open(op, path, check): from now on the op computes by the functions of a library that was
// compiled for it; check: each call is tried on copies between fences
static int own_whole_open(lua_State *L) {
   luaL_checktype(L, 1, LUA_TLIGHTUSERDATA);
   ScOwnOp *own = lua_touserdata(L, 1);
   const ScOwnFunctions *functions;
   sc_check(
       L, sc_own_functions_open(luaL_checkstring(L, 2), own->gradients != 0, lua_toboolean(L, 3), &functions));
   sc_own_op_set_code(own, SC_OWN_HOST, functions);
   return 0;
}

static void open_own_whole(lua_State *L) {
   lua_pushcfunction(L, own_whole_open);
   lua_setfield(L, -2, "own_whole_open");
}
SC_OPENER(open_own_whole)
