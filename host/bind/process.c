// scute.process: who this process is, and whom it belongs to.
#include <unistd.h>

#include "host/bind/bind.h"
#include "host/machine/parent.h"

// scute.process.id() -> the number of this process
static int id(lua_State *L) {
   lua_pushinteger(L, getpid());
   return 1;
}

// scute.process.end_with_parent(id): kills this process as soon as its parent, of that number, has ended
static int end_with_parent(lua_State *L) {
   sc_check(L, sc_end_with_parent((long)luaL_checkinteger(L, 1)));
   return 0;
}

static const luaL_Reg functions[] = {{"id", id}, {"end_with_parent", end_with_parent}, {NULL, NULL}};

static void open_process(lua_State *L) {
   luaL_newlib(L, functions);
   lua_setfield(L, -2, "process");
}
SC_OPENER(open_process)
