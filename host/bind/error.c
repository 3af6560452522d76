#include "host/bind/error.h"

#include <string.h>

#include "host/bind/table.h"

#define ERROR_TYPE "scute.error"

static const char memory[] = "out of memory";

// Makes an error value of the text on top of the stack.
static void push_value(lua_State *L, const char *kind) {
   lua_createtable(L, 0, 2);
   lua_insert(L, -2);
   lua_setfield(L, -2, "message");
   lua_pushstring(L, kind);
   lua_setfield(L, -2, "kind");
   luaL_setmetatable(L, ERROR_TYPE);
}

// The text comes first: what Lua does for the position may run a finalizer, in which something else fails.
int sc_raise(lua_State *L, ScStatus status) {
   lua_pushstring(L, sc_error());
   luaL_where(L, 1);
   lua_insert(L, -2);
   lua_concat(L, 2);
   if (status == SC_EMEM) push_value(L, memory);
   return lua_error(L);
}

void sc_check(lua_State *L, ScStatus status) {
   if (status != SC_OK) sc_raise(L, status);
}

static bool is_value(lua_State *L, int index) {
   if (!lua_istable(L, index) || !lua_getmetatable(L, index)) return false;
   luaL_getmetatable(L, ERROR_TYPE);
   bool same = lua_rawequal(L, -1, -2);
   lua_pop(L, 2);
   return same;
}

// Pushes the kind of the error at an index, or nil.
static void push_kind(lua_State *L, int index) {
   if (is_value(L, index))
      sc_raw_field(L, index, "kind");
   else if (lua_type(L, index) == LUA_TSTRING && strcmp(lua_tostring(L, index), "not enough memory") == 0)
      lua_pushstring(L, memory); // Lua's own error
   else
      lua_pushnil(L);
}

bool sc_is_memory_error(lua_State *L, int index) {
   push_kind(L, index);
   bool is = lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), memory) == 0;
   lua_pop(L, 1);
   return is;
}

// An error as text, and whether it says that memory ran out.
static int tell(lua_State *L) {
   luaL_tolstring(L, 1, NULL);
   lua_pushboolean(L, sc_is_memory_error(L, 1));
   return 2;
}

ScStatus sc_status_of_error(lua_State *L, int how) {
   if (how == LUA_ERRMEM) return sc_fail(SC_EMEM, "%s", lua_tostring(L, -1));
   lua_pushcfunction(L, tell);
   lua_insert(L, -2);
   if (lua_pcall(L, 1, 2, 0) != LUA_OK) return sc_fail(SC_ELUA, "an error that cannot be shown");
   return sc_fail(lua_toboolean(L, -1) ? SC_EMEM : SC_ELUA, "%s", lua_tostring(L, -2));
}

// scute.error_kind(err) -> "out of memory" where that is what the error says, of Lua's own memory or of a
// device's; nil for every other error. An error of a kind is a table {message = , kind = } that is text to
// tostring, to print and to `..`; raised again as it is, with error(err, 0), it keeps its kind.
static int error_kind(lua_State *L) {
   luaL_checkany(L, 1);
   push_kind(L, 1);
   return 1;
}

// scute.error_like(err, text) -> an error to raise instead of err: the text, of the same kind. What adds to an
// error where it passes raises error(scute.error_like(err, "there: " .. tostring(err)), 0).
static int error_like(lua_State *L) {
   luaL_checkstring(L, 2);
   lua_settop(L, 2);
   push_kind(L, 1);
   if (lua_isnil(L, 3)) return lua_settop(L, 2), 1;
   lua_insert(L, 2);
   push_value(L, lua_tostring(L, 2));
   return 1;
}

static int to_text(lua_State *L) {
   luaL_checktype(L, 1, LUA_TTABLE);
   sc_raw_field(L, 1, "message");
   luaL_tolstring(L, -1, NULL);
   return 1;
}

static int concat(lua_State *L) {
   luaL_tolstring(L, 1, NULL);
   luaL_tolstring(L, 2, NULL);
   lua_concat(L, 2);
   return 1;
}

static const luaL_Reg meta[] = {{"__tostring", to_text}, {"__concat", concat}, {NULL, NULL}};
static const luaL_Reg functions[] = {{"error_kind", error_kind}, {"error_like", error_like}, {NULL, NULL}};

static void open_error(lua_State *L) {
   luaL_newmetatable(L, ERROR_TYPE);
   luaL_setfuncs(L, meta, 0);
   lua_pop(L, 1);
   luaL_setfuncs(L, functions, 0);
}
SC_OPENER(open_error)
