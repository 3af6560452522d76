// scute.weight_files.map: safetensors files whose data is read where it lies, for lua/scute/reid/gallery.
#include "host/files/mapped.h"

#include "host/bind/source.h"

#define MAPPED_TYPE "scute.mapped"

// scute.weight_files.map(path or open file) -> a handle, with the methods below; what it maps lives as long as
// a tensor of it. Of an entry that memory cannot have as the file has it (or not aligned to 64 bytes) there are
// copies.
static int map(lua_State *L) {
   lua_settop(L, 1);
   bool named = lua_type(L, 1) == LUA_TSTRING;
   ScMapped **handle = lua_newuserdatauv(L, sizeof *handle, 0);
   *handle = NULL;
   luaL_setmetatable(L, MAPPED_TYPE);
   ScSource *source = sc_to_source(L, 1);
   sc_check(L, sc_mapped_open(handle, source));
   if (named) sc_source_close(source);
   return 1;
}

static ScMapped *check_mapped(lua_State *L) {
   ScMapped **handle = luaL_checkudata(L, 1, MAPPED_TYPE);
   if (!*handle) luaL_error(L, "this file is closed");
   return *handle;
}

// mapped:shape(name) -> the dtype in words, and the sizes as a list; nil where the file has no such entry
static int shape(lua_State *L) {
   const ScHeaderItem *item = sc_mapped_find(check_mapped(L), luaL_checkstring(L, 2));
   if (!item) return lua_pushnil(L), 1;
   lua_pushstring(L, sc_dtype_name(item->type->dtype));
   lua_createtable(L, item->rank, 0);
   for (int i = 0; i < item->rank; i++) {
      lua_pushinteger(L, item->shape[i]);
      lua_rawseti(L, -2, i + 1);
   }
   return 2;
}

// mapped:metadata(key) -> its text, or nil
static int metadata(lua_State *L) {
   lua_pushstring(L, sc_header_metadata(sc_mapped_header(check_mapped(L)), luaL_checkstring(L, 2)));
   return 1;
}

typedef struct {
   ScMapped *mapped;
   const ScHeaderItem *item;
   int64_t from, count;
} Range;

// (name, from = 1, to = all)
static Range check_range(lua_State *L) {
   const char *name = luaL_checkstring(L, 2);
   Range r = {.mapped = check_mapped(L)};
   r.item = sc_mapped_find(r.mapped, name);
   if (!r.item) luaL_error(L, "there is no entry '%s' in this file", name);
   int64_t n = r.item->rank > 0 ? r.item->shape[0] : 1;
   int64_t from = luaL_optinteger(L, 3, 1), to = luaL_optinteger(L, 4, n);
   if (from < 1 || to > n || from > to)
      luaL_error(L, "entry '%s': expected 1 <= from <= to <= %I, found from %I to %I", name, (LUAI_UACINT)n,
                 (LUAI_UACINT)from, (LUAI_UACINT)to);
   r.from = from - 1;
   r.count = to - from + 1;
   return r;
}

typedef struct {
   Range range;
   ScTensor **out;
} Making;

static ScStatus make_tensor(void *context) {
   Making *m = context;
   return sc_mapped_tensor(m->out, m->range.mapped, m->range.item, m->range.from, m->range.count);
}

// mapped:tensor(name, from = 1, to = all) -> these entries of its first dimension, on the CPU; where it can be,
// without a copy
static int tensor(lua_State *L) {
   lua_settop(L, 4);
   sc_account(L);
   Making m = {.out = sc_push_handle(L)};
   m.range = check_range(L);
   sc_check(L, sc_with_retry(make_tensor, &m));
   return 1;
}

// mapped:bytes(name, from = 1, to = all) -> what the file has of these entries of its first dimension, as a
// string
static int bytes(lua_State *L) {
   lua_settop(L, 4);
   Range r = check_range(L);
   size_t size;
   const void *data = sc_mapped_bytes(r.mapped, r.item, r.from, r.count, &size);
   lua_pushlstring(L, data, size);
   return 1;
}

// mapped:check(): raises where the file was written to, or cut off, since it was opened: what was read of it
// meanwhile may be anything
static int check(lua_State *L) {
   sc_check(L, sc_mapped_unchanged(check_mapped(L)));
   return 0;
}

// mapped:close(): once is enough; also on collection and <close>. Tensors of it live on
static int release(lua_State *L) {
   ScMapped **handle = luaL_checkudata(L, 1, MAPPED_TYPE), *mapped = *handle;
   *handle = NULL;
   sc_mapped_close(mapped);
   return 0;
}

static const luaL_Reg methods[] = {{"shape", shape}, {"metadata", metadata}, {"tensor", tensor},
                                   {"bytes", bytes}, {"check", check},       {"close", release},
                                   {NULL, NULL}};

static void open_mapped(lua_State *L) {
   sc_new_type(L, MAPPED_TYPE, methods, release);
   luaL_getsubtable(L, -1, "weight_files");
   lua_pushcfunction(L, map);
   lua_setfield(L, -2, "map");
   lua_pop(L, 1);
}
SC_OPENER(open_mapped)
