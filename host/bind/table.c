#include "host/bind/table.h"

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

void *sc_push_array(lua_State *L, int64_t n, size_t size) {
   size_t bytes = 0;
   if (n < 0 || __builtin_mul_overflow((size_t)n, size, &bytes) || bytes > PTRDIFF_MAX)
      luaL_error(L, "there is no memory for %I times %I bytes", (LUAI_UACINT)n, (LUAI_UACINT)size);
   return lua_newuserdatauv(L, bytes, 0);
}
