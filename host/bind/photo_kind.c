// What the first bytes of files tell: which are photos, and which may be equal.
#include "host/photo/photo_kind.h"

#include <string.h>

#include "host/bind/bind.h"
#include "host/photo/photo_kinds.h"

// What a name says is Lua's, in the list at 2.
static const char **read_paths(lua_State *L, const char *function, int n) {
   const char **paths = sc_push_array(L, n, sizeof *paths);
   for (int i = 0; i < n; i++) {
      if (lua_rawgeti(L, 1, i + 1) != LUA_TSTRING)
         luaL_error(L, "%s: expected names of files, found %s at position %d", function,
                    sc_describe_value(L, -1), i + 1);
      paths[i] = lua_tostring(L, -1);
      lua_rawseti(L, 2, i + 1);
   }
   return paths;
}

// Whether it pushes why a file cannot be read: the same words as sc_image_decode's.
static bool push_message(lua_State *L, const char *path, ScPhotoKind kind, int error) {
   if (error)
      lua_pushfstring(L, "%s: cannot open: %s", path, strerror(error));
   else if (kind != SC_PHOTO_NONE && sc_photo_kind_check(kind) != SC_OK)
      lua_pushfstring(L, "%s: %s", path, sc_error());
   else
      return false;
   return true;
}

// (paths, workers = 4) of `function`; the names are kept by a table, whatever becomes of the list meanwhile.
static const char **read_arguments(lua_State *L, const char *function, int *n, int *workers) {
   luaL_checktype(L, 1, LUA_TTABLE);
   lua_Integer given = luaL_optinteger(L, 2, 4);
   luaL_argcheck(L, given >= 1 && given <= 256, 2, "expected 1 to 256 workers");
   *workers = (int)given;
   *n = sc_list_length(L, 1, function);
   lua_settop(L, 1);
   lua_createtable(L, *n, 0);
   return read_paths(L, function, *n);
}

// scute.photo_kinds(paths, workers = 4) -> list with "JPEG", "PNG", ... for every file, by its first bytes, or
// false for what is no photo; {index = message} for those that cannot be read, because the file cannot be
// opened or is a kind of photo that this program does not decode. Reads with `workers` threads.
static int photo_kinds(lua_State *L) {
   int n, workers;
   const char **paths = read_arguments(L, "photo_kinds", &n, &workers);
   unsigned char *kinds = sc_push_array(L, n, sizeof *kinds);
   int *errors = sc_push_array(L, n, sizeof *errors);
   sc_photo_kinds(paths, n, workers, kinds, errors);
   lua_createtable(L, n, 0);
   lua_newtable(L);
   for (int i = 0; i < n; i++) {
      if (kinds[i] == SC_PHOTO_NONE)
         lua_pushboolean(L, 0);
      else
         lua_pushstring(L, sc_photo_kind_name(kinds[i]));
      lua_rawseti(L, -3, i + 1);
      if (push_message(L, paths[i], kinds[i], errors[i])) lua_rawseti(L, -2, i + 1);
   }
   return 2;
}

// scute.photo_marks(paths, workers = 4) -> list of numbers, of the sizes and first bytes of files: those of
// equal files are equal, those of others seldom; false where a file cannot be read. Reads with `workers`
// threads.
static int photo_marks(lua_State *L) {
   int n, workers;
   const char **paths = read_arguments(L, "photo_marks", &n, &workers);
   int64_t *marks = sc_push_array(L, n, sizeof *marks);
   sc_photo_marks(paths, n, workers, marks);
   lua_createtable(L, n, 0);
   for (int i = 0; i < n; i++) {
      if (marks[i] < 0)
         lua_pushboolean(L, 0);
      else
         lua_pushinteger(L, marks[i]);
      lua_rawseti(L, -2, i + 1);
   }
   return 1;
}

static void open_photo_kind(lua_State *L) {
   lua_pushcfunction(L, photo_kinds);
   lua_setfield(L, -2, "photo_kinds");
   lua_pushcfunction(L, photo_marks);
   lua_setfield(L, -2, "photo_marks");
}
SC_OPENER(open_photo_kind)
