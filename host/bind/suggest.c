// "Did you mean ...", for Lua.
#include "host/bind/suggest.h"

#include "host/bind/bind.h"
#include "host/core/op.h"
#include "host/core/suggest.h"
#include "host/core/synonyms.h"

static int find(lua_State *L, int (*nearest)(const char *name, int n, const char *const *candidates)) {
   const char *name = luaL_checkstring(L, 1);
   luaL_checktype(L, 2, LUA_TTABLE);
   int n = sc_list_length(L, 2, "nearest");
   const char **names = sc_push_array(L, n, sizeof *names);
   luaL_checkstack(L, n + LUA_MINSTACK, "too many names");
   for (int i = 0; i < n; i++) {
      lua_rawgeti(L, 2, i + 1); // stays on the stack: a number becomes text there
      names[i] = luaL_checkstring(L, -1);
   }
   int best = nearest(name, n, names);
   if (best < 0)
      lua_pushnil(L);
   else
      lua_pushstring(L, names[best]);
   return 1;
}

// scute.nearest(name, list) -> the entry of the list, read raw, that was probably meant, or nil
static int nearest(lua_State *L) {
   return find(L, sc_nearest);
}

// scute.near_spelling(name, list) -> the same by letters alone, without other words for it
static int near_spelling(lua_State *L) {
   return find(L, sc_near_spelling);
}

// scute.same_name(name, list) -> the entry that is another word for the name, or the name but for capitals,
// underscores and what stands before its last dot; or nil
static int same_name(lua_State *L) {
   return find(L, sc_same_name);
}

// scute.synonyms() -> {{word, what is called so here}, ...}: words of PyTorch, NumPy and Torch7
static int synonyms(lua_State *L) {
   lua_newtable(L);
   for (int i = 0; sc_synonyms[i].word; i++) {
      lua_createtable(L, 2, 0);
      lua_pushstring(L, sc_synonyms[i].word);
      lua_rawseti(L, -2, 1);
      lua_pushstring(L, sc_synonyms[i].target);
      lua_rawseti(L, -2, 2);
      lua_rawseti(L, -2, i + 1);
   }
   return 1;
}

// ---- names that are not known ----

const char *sc_push_meant(lua_State *L, const char *name, int n, const char *const *names) {
   const char *meant = sc_meant(name, n, names);
   if (meant[0]) return lua_pushstring(L, meant);
   luaL_Buffer all;
   luaL_buffinit(L, &all);
   luaL_addstring(&all, "; expected one of ");
   for (int i = 0; i < n; i++) {
      luaL_addstring(&all, i ? ", " : "");
      luaL_addstring(&all, names[i]);
   }
   luaL_pushresult(&all);
   return lua_tostring(L, -1);
}

enum { MOST_NAMES = 256 };

// The op that a name stands for and that is no method since it takes a list of tensors, as concat for "cat";
// NULL where there is none.
static const ScOp *find_function(const char *name) {
   for (int i = 0; sc_op_at(i); i++) {
      const ScOp *op = sc_op_at(i);
      bool takes_list = op->params[0].kind == SC_TENSORS && op->differentiable;
      if (takes_list && sc_same_name(name, 1, &op->name) == 0) return op;
   }
   return NULL;
}

int sc_reject_name(lua_State *L, const char *what, const char *name, const char *const *properties,
                   int methods) {
   const char *names[MOST_NAMES];
   int n = 0;
   while (properties[n]) names[n] = properties[n], n++;
   lua_pushnil(L);
   while (lua_next(L, methods) && n < MOST_NAMES) {
      names[n++] = lua_tostring(L, -2);
      lua_pop(L, 1);
   }
   const ScOp *function = sc_same_name(name, n, names) < 0 ? find_function(name) : NULL;
   if (function)
      return luaL_error(L, "%s has no method or property '%s'; did you mean the function 'scute.%s'?", what,
                        name, function->name);
   const char *meant = sc_meant(name, n, names);
   return luaL_error(L, "%s has no method or property '%s'%s", what, name,
                     meant[0] ? meant : "; Tab in a session lists them");
}

static const luaL_Reg functions[] = {{"nearest", nearest},
                                     {"near_spelling", near_spelling},
                                     {"same_name", same_name},
                                     {"synonyms", synonyms},
                                     {NULL, NULL}};

static void open_suggest(lua_State *L) {
   luaL_setfuncs(L, functions, 0);
}
SC_OPENER(open_suggest)
