#include "host/bind/table.h"

#include <string.h>

// Sums and small multiples of it are still whole numbers of C.
enum { MOST_ENTRIES = 1 << 30 };

int sc_raw_field(lua_State *L, int table, const char *name) {
   table = lua_absindex(L, table);
   lua_pushstring(L, name);
   return lua_rawget(L, table);
}

int sc_list_length(lua_State *L, int list, const char *function) {
   lua_Unsigned n = lua_rawlen(L, list);
   if (n > MOST_ENTRIES)
      luaL_error(L, "%s: expected a list of at most %d entries, found %I", function, MOST_ENTRIES, n);
   return (int)n;
}

// Of table.pack: the number of entries.
static int is_count(lua_State *L, int key) {
   return strcmp(lua_tostring(L, key), "n") == 0 && lua_type(L, key + 1) == LUA_TNUMBER;
}

void sc_refuse_names(lua_State *L, int list, const char *function, const char *argument) {
   for (lua_pushnil(L); lua_next(L, list); lua_pop(L, 1))
      if (lua_type(L, -2) == LUA_TSTRING && !is_count(L, -2))
         luaL_error(
             L,
             "%s: argument '%s': expected a list, found '%s' in it; what has a name is in a table of its "
             "own: %s({ ... }, { %s = ... })",
             function, argument, lua_tostring(L, -2), function, lua_tostring(L, -2));
}

void *sc_push_array(lua_State *L, int64_t n, size_t size) {
   size_t bytes = 0;
   if (n < 0 || __builtin_mul_overflow((size_t)n, size, &bytes) || bytes > PTRDIFF_MAX)
      luaL_error(L, "there is no memory for %I times %I bytes", (LUAI_UACINT)n, (LUAI_UACINT)size);
   return lua_newuserdatauv(L, bytes, 0);
}
