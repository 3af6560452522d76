// scute.weight_files: tensors out of files and into them, for lua/scute/weights.lua.
#include <string.h>

#include "host/bind/source.h"
#include "host/bind/weights.h"
#include "host/files/safetensors_write.h"

#define STATE_TYPE "scute.state"

// A state that the collector frees, so that an error of Lua's on the way leaks nothing.
static ScState *push_state(lua_State *L) {
   ScState *state = lua_newuserdatauv(L, sizeof *state, 0);
   *state = (ScState){0};
   luaL_setmetatable(L, STATE_TYPE);
   return state;
}

static int free_state(lua_State *L) {
   sc_state_free(luaL_checkudata(L, 1, STATE_TYPE));
   return 0;
}

typedef struct {
   const ScSource *source;
   ScDevice *device;
   ScState *state;
   ScFormat format;
} Loading;

static ScStatus run_load(void *context) {
   Loading *l = context;
   return sc_weights_read(l->source, l->device, l->state, &l->format);
}

// The tensors change their owner: from the state to the table. A name is made a text of Lua's once.
static void set_entries(lua_State *L, ScState *state) {
   lua_createtable(L, state->n, 0);
   lua_createtable(L, 0, state->n);
   for (int i = 0; i < state->n; i++) {
      ScEntry *entry = &state->entries[i];
      lua_pushstring(L, entry->name);
      lua_pushvalue(L, -1);
      lua_rawseti(L, -4, i + 1);
      ScTensor **handle = sc_push_handle(L);
      *handle = entry->tensor;
      entry->tensor = NULL;
      lua_rawset(L, -3);
   }
   lua_setfield(L, -3, "tensors");
   lua_setfield(L, -2, "names");
}

static void set_metadata(lua_State *L, const ScState *state) {
   lua_createtable(L, 0, state->nmetadata);
   for (int i = 0; i < state->nmetadata; i++) {
      lua_pushstring(L, state->metadata[i].value);
      lua_setfield(L, -2, state->metadata[i].key);
   }
   lua_setfield(L, -2, "metadata");
}

static void set_notes(lua_State *L, const ScState *state) {
   lua_createtable(L, state->nnotes, 0);
   for (int i = 0; i < state->nnotes; i++) {
      lua_pushstring(L, state->notes[i]);
      lua_rawseti(L, -2, i + 1);
   }
   lua_setfield(L, -2, "notes");
}

// scute.weight_files.load(path or open file, device = "cpu") -> {names = list in file order, tensors = {name =
// tensor}, metadata =
// {}, notes = list of lines, format = text}
static int load(lua_State *L) {
   Loading l = {0};
   sc_check(L, sc_device_find(luaL_optstring(L, 2, "cpu"), &l.device));
   lua_settop(L, 1);
   bool named = lua_type(L, 1) == LUA_TSTRING;
   ScSource *source = sc_to_source(L, 1);
   l.source = source;
   sc_account(L);
   l.state = push_state(L);
   sc_check(L, sc_with_retry(run_load, &l));
   if (named) sc_source_close(source);
   lua_createtable(L, 0, 5);
   set_entries(L, l.state);
   set_metadata(L, l.state);
   set_notes(L, l.state);
   lua_pushstring(L, sc_format_name(l.format));
   lua_setfield(L, -2, "format");
   return 1;
}

// Pushes element i of the list at `index`, and returns it: text without zero bytes.
static const char *check_text(lua_State *L, int index, int i, const char *argument) {
   size_t length;
   lua_rawgeti(L, index, i);
   const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &length) : NULL;
   if (!text || strlen(text) != length)
      luaL_error(L, "weights.save: argument '%s': expected text without zero bytes at %d, found %s", argument,
                 i, sc_describe_value(L, -1));
   return text;
}

ScState *sc_check_state(lua_State *L) {
   for (int i = 2; i <= 5; i++) luaL_checktype(L, i, LUA_TTABLE);
   ScState *state = push_state(L);
   for (int i = 1, n = sc_list_length(L, 2, "weights.save"); i <= n; i++) {
      const char *name = check_text(L, 2, i, "names");
      lua_rawgeti(L, 3, i);
      ScTensor *t = sc_check_tensor(L, -1, "weights.save", name);
      sc_check(L, sc_state_add(state, name, sc_tensor_retain(t)));
      lua_pop(L, 2);
   }
   for (int i = 1, n = sc_list_length(L, 4, "weights.save"); i <= n; i++) {
      const char *key = check_text(L, 4, i, "metadata"), *value = check_text(L, 5, i, "metadata");
      sc_check(L, sc_state_annotate(state, key, value));
      lua_pop(L, 2);
   }
   return state;
}

// scute.weight_files.save(path, names, tensors, keys, values): lists of equal length, the latter two are the
// metadata
static int save(lua_State *L) {
   const char *path = luaL_checkstring(L, 1);
   ScState *state = sc_check_state(L);
   sc_check(L, sc_safetensors_write(path, state));
   sc_state_free(state);
   return 0;
}

static const luaL_Reg functions[] = {{"load", load}, {"save", save}, {NULL, NULL}};

static void open_weight_files(lua_State *L) {
   luaL_newmetatable(L, STATE_TYPE);
   lua_pushcfunction(L, free_state);
   lua_setfield(L, -2, "__gc");
   lua_pop(L, 1);
   luaL_getsubtable(L, -1, "weight_files");
   luaL_setfuncs(L, functions, 0);
   lua_pop(L, 1);
}
SC_OPENER(open_weight_files)
