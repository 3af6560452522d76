// Values of a tensor, asked for now and read later.
#include "host/core/later.h"

#include "host/bind/bind.h"

#define LATER_TYPE "scute.later"

// t:later() -> a handle of the values that t has now; on a GPU they are copied without waiting for them, and
// later:get() waits
static int later(lua_State *L) {
   ScLater **handle = lua_newuserdatauv(L, sizeof(ScLater *), 0);
   *handle = NULL;
   luaL_setmetatable(L, LATER_TYPE);
   sc_check(L, sc_later_begin(handle, sc_check_tensor(L, 1, "later", "self")));
   return 1;
}

// later:get() -> a tensor on the CPU; waits until the values are there
static int get(lua_State *L) {
   ScLater **handle = luaL_checkudata(L, 1, LATER_TYPE);
   ScTensor **out = sc_push_handle(L), *values;
   if (!*handle) return luaL_error(L, "get: these values were given up by :free() or <close>");
   sc_check(L, sc_later_get(*handle, &values));
   *out = sc_tensor_retain(values);
   return 1;
}

// later:free(): lets go of what was asked for; also on collection and <close>
static int release(lua_State *L) {
   ScLater **handle = luaL_checkudata(L, 1, LATER_TYPE);
   ScLater *dead = *handle;
   *handle = NULL;
   sc_later_free(dead);
   return 0;
}

static const luaL_Reg methods[] = {{"get", get}, {"free", release}, {NULL, NULL}};

static void open_later(lua_State *L) {
   sc_new_type(L, LATER_TYPE, methods, release);
   sc_push_methods(L, SC_TENSOR_TYPE);
   lua_pushcfunction(L, later);
   lua_setfield(L, -2, "later");
   lua_pop(L, 1);
}
SC_OPENER(open_later)
