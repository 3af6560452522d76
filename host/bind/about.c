// What scute says of itself: its versions, and what its functions do.
#include "host/bind/bind.h"
#include "host/core/device.h"
#include "host/core/version.h"

// scute.version() -> {scute = "0.1.0", lua = "Lua 5.4.4", cpu = "oneDNN 3.2.0"}
static int version(lua_State *L) {
   lua_createtable(L, 0, 3);
   lua_pushliteral(L, SC_VERSION);
   lua_setfield(L, -2, "scute");
   lua_pushliteral(L, LUA_RELEASE);
   lua_setfield(L, -2, "lua");
   lua_pushstring(L, sc_device_cpu()->backend->library());
   lua_setfield(L, -2, "cpu");
   return 1;
}

extern const char sc_binding_help[]; // made by tools/help.awk

// scute.binding_help() -> what the comments above functions bound in C say, one blank line between two
static int binding_help(lua_State *L) {
   lua_pushstring(L, sc_binding_help);
   return 1;
}

static void open_about(lua_State *L) {
   lua_pushcfunction(L, version);
   lua_setfield(L, -2, "version");
   lua_pushcfunction(L, binding_help);
   lua_setfield(L, -2, "binding_help");
}
SC_OPENER(open_about)
