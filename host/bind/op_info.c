// What an op says of itself, from its declaration: for help(), completion, annotations and the tests.
#include <stdio.h>
#include <string.h>

#include "host/bind/bind.h"

static const char *const kinds[] = {"tensor",
                                    "tensor or number",
                                    "list of tensors",
                                    "int",
                                    "number",
                                    "bool",
                                    "int or {int, int}",
                                    "ints",
                                    "dimension",
                                    "dimension or list of dimensions",
                                    "dtype",
                                    "device",
                                    "choice"};

static bool has_number(const ScParam *p) {
   return p->optional && (p->kind == SC_INT || p->kind == SC_NUMBER || p->kind == SC_PAIR);
}

static void describe_param(luaL_Buffer *b, const ScParam *p) {
   char text[400];
   const char *before = !p->choices ? "" : p->kind == SC_PAIR ? " or " : " ";
   snprintf(text, sizeof text, "  %-14s %s%s%s%s", p->name, kinds[p->kind], before,
            p->choices ? p->choices : "", p->optional ? ", optional" : "");
   luaL_addstring(b, text);
   if (has_number(p)) {
      snprintf(text, sizeof text, " (default %g)", p->preset);
      luaL_addstring(b, text);
   }
   luaL_addstring(b, "\n                 ");
   luaL_addstring(b, p->doc ? p->doc : "");
   luaL_addchar(b, '\n');
}

// Pushes the text of an op: what it does, then a paragraph for each parameter.
static void push_text(lua_State *L, const ScOp *op) {
   luaL_Buffer b;
   luaL_buffinit(L, &b);
   luaL_addstring(&b, op->name);
   luaL_addstring(&b, ": ");
   luaL_addstring(&b, op->doc);
   luaL_addchar(&b, '\n');
   for (int i = 0; i < op->nparams; i++) describe_param(&b, &op->params[i]);
   luaL_pushresult(&b);
}

static void push_text_field(lua_State *L, const char *name, const char *text) {
   lua_pushstring(L, text);
   lua_setfield(L, -2, name);
}

// The names in "none|relu|relu6", as a list.
static void push_choices(lua_State *L, const char *choices) {
   lua_newtable(L);
   for (int i = 1; *choices; i++) {
      size_t length = strcspn(choices, "|");
      lua_pushlstring(L, choices, length);
      lua_rawseti(L, -2, i);
      choices += length + (choices[length] != '\0');
   }
}

// What an absent argument counts as; nil for a tensor and the like, which are then not there.
static void push_default(lua_State *L, const ScParam *p) {
   if (p->kind == SC_NUMBER)
      lua_pushnumber(L, p->preset);
   else if (has_number(p))
      lua_pushinteger(L, (lua_Integer)p->preset);
   else if (p->kind == SC_BOOL)
      lua_pushboolean(L, p->preset != 0);
   else if (p->kind == SC_CHOICE) {
      push_choices(L, p->choices);
      lua_rawgeti(L, -1, (lua_Integer)p->preset + 1);
      lua_remove(L, -2);
   } else
      lua_pushnil(L);
}

static void push_argument(lua_State *L, const ScParam *p) {
   lua_newtable(L);
   push_text_field(L, "name", p->name);
   push_text_field(L, "kind", kinds[p->kind]);
   push_text_field(L, "doc", p->doc);
   lua_pushboolean(L, p->optional);
   lua_setfield(L, -2, "optional");
   if (p->choices) {
      push_choices(L, p->choices);
      lua_setfield(L, -2, p->kind == SC_PAIR ? "suggests" : "choices");
   }
   if (!p->optional) return;
   push_default(L, p);
   lua_setfield(L, -2, "default");
}

// scute.ops() -> names of all ops, sorted
static int list_ops(lua_State *L) {
   lua_newtable(L);
   for (int i = 0; sc_op_at(i); i++) {
      lua_pushstring(L, sc_op_at(i)->name);
      lua_rawseti(L, -2, i + 1);
   }
   return 1;
}

// "values|counts?", as a list of {name, optional}.
static void push_results(lua_State *L, const char *results) {
   push_choices(L, results);
   for (int i = 1, n = (int)lua_rawlen(L, -1); i <= n; i++) {
      lua_rawgeti(L, -1, i);
      size_t length;
      const char *name = lua_tolstring(L, -1, &length);
      bool optional = name[length - 1] == '?';
      lua_createtable(L, 0, 2);
      lua_pushlstring(L, name, length - optional);
      lua_setfield(L, -2, "name");
      lua_pushboolean(L, optional);
      lua_setfield(L, -2, "optional");
      lua_rawseti(L, -3, i);
      lua_pop(L, 1);
   }
}

static const ScOp *check_op(lua_State *L) {
   if (lua_islightuserdata(L, 1)) return lua_touserdata(L, 1);
   const char *name = luaL_checkstring(L, 1);
   const ScOp *op = sc_op_find(name);
   if (!op) luaL_error(L, "op_info: no op named '%s'; scute.ops() lists them", name);
   return op;
}

// scute.op_info(name) -> {name, doc, text, differentiable, params = names in order, arguments = list of {name,
// kind, doc, optional, default, choices, suggests = the word that may stand in place of a pair, in a list},
// results = where there are several, list of {name, optional}}
static int op_info(lua_State *L) {
   const ScOp *op = check_op(L);
   lua_newtable(L);
   push_text_field(L, "name", op->name);
   push_text_field(L, "doc", op->doc);
   push_text(L, op);
   lua_setfield(L, -2, "text");
   lua_pushboolean(L, op->differentiable || (!op->infer && op->forward));
   lua_setfield(L, -2, "differentiable");
   push_results(L, op->results ? op->results : "");
   lua_setfield(L, -2, "results");
   lua_newtable(L);
   lua_newtable(L);
   for (int i = 0; i < op->nparams; i++) {
      lua_pushstring(L, op->params[i].name);
      lua_rawseti(L, -3, i + 1);
      push_argument(L, &op->params[i]);
      lua_rawseti(L, -2, i + 1);
   }
   lua_setfield(L, -3, "arguments");
   lua_setfield(L, -2, "params");
   return 1;
}

static void open_op_info(lua_State *L) {
   lua_pushcfunction(L, list_ops);
   lua_setfield(L, -2, "ops");
   lua_pushcfunction(L, op_info);
   lua_setfield(L, -2, "op_info");
}
SC_OPENER(open_op_info)
