#include "host/bind/options.h"

#include <string.h>

#include "host/bind/suggest.h"
#include "host/core/transfer.h"

static void reject_key(lua_State *L, const char *function, const char *const *names) {
   int count = 0;
   while (names[count]) count++;
   if (lua_type(L, -2) != LUA_TSTRING)
      luaL_error(L, "%s: expected named arguments such as {%s = ...}, found the key %s", function, names[0],
                 luaL_tolstring(L, -2, NULL));
   const char *key = lua_tostring(L, -2);
   luaL_error(L, "%s: unknown option '%s'%s", function, key, sc_push_meant(L, key, count, names));
}

static bool is_known(lua_State *L, const char *const *names) {
   if (lua_type(L, -2) != LUA_TSTRING) return false;
   for (int i = 0; names[i]; i++)
      if (strcmp(lua_tostring(L, -2), names[i]) == 0) return true;
   return false;
}

void sc_check_options(lua_State *L, int index, const char *function, const char *const *names) {
   index = lua_absindex(L, index);
   if (!lua_istable(L, index))
      luaL_error(L, "%s: expected a table of named arguments, found %s", function, sc_describe_value(L, index));
   lua_pushnil(L);
   while (lua_next(L, index)) {
      if (!is_known(L, names)) reject_key(L, function, names);
      lua_pop(L, 1);
   }
}

lua_Integer sc_option_integer(lua_State *L, int index, const char *function, const char *name,
                              lua_Integer preset, lua_Integer low, lua_Integer high) {
   lua_Integer value = preset;
   if (sc_raw_field(L, index, name) != LUA_TNIL) {
      int whole = 0;
      if (lua_type(L, -1) == LUA_TNUMBER) value = lua_tointegerx(L, -1, &whole);
      if (!whole || value < low || value > high)
         luaL_error(L, "%s: option '%s': expected a whole number from %I to %I, found %s", function, name, low,
                    high, sc_describe_value(L, -1));
   }
   lua_pop(L, 1);
   return value;
}

lua_Number sc_option_number(lua_State *L, int index, const char *function, const char *name, lua_Number preset,
                            lua_Number low, lua_Number high) {
   lua_Number value = preset;
   if (sc_raw_field(L, index, name) != LUA_TNIL) {
      bool number = lua_type(L, -1) == LUA_TNUMBER;
      if (number) value = lua_tonumber(L, -1);
      if (!number || !(value >= low && value <= high))
         luaL_error(L, "%s: option '%s': expected a number from %f to %f, found %s", function, name, low, high,
                    sc_describe_value(L, -1));
   }
   lua_pop(L, 1);
   return value;
}

bool sc_option_boolean(lua_State *L, int index, const char *function, const char *name, bool preset) {
   int type = sc_raw_field(L, index, name);
   if (type != LUA_TNIL && type != LUA_TBOOLEAN)
      luaL_error(L, "%s: option '%s': expected true or false, found %s", function, name,
                 sc_describe_value(L, -1));
   bool value = type == LUA_TNIL ? preset : lua_toboolean(L, -1);
   lua_pop(L, 1);
   return value;
}

int sc_option_choice(lua_State *L, int index, const char *function, const char *name, int preset,
                     const char *const *choices) {
   int found = preset;
   if (sc_raw_field(L, index, name) != LUA_TNIL) {
      const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
      for (found = 0; choices[found] && strcmp(choices[found], text) != 0; found++) {
      }
      if (!choices[found])
         luaL_error(L, "%s: option '%s': expected '%s' or '%s', found %s", function, name, choices[0],
                    choices[1], sc_describe_value(L, -1));
   }
   lua_pop(L, 1);
   return found;
}

static int64_t *integers_of_tensor(lua_State *L, int index, const char *function, const char *name,
                                   int64_t *count) {
   const ScTensor *t = sc_check_tensor(L, index, function, name);
   if (t->dtype != SC_I64 || t->rank != 1)
      luaL_error(L, "%s: option '%s': expected an i64 tensor of rank 1, found %s %s", function, name,
                 sc_dtype_name(t->dtype), sc_shape_text(t));
   *count = t->shape[0];
   int64_t *values = sc_push_array(L, *count, sizeof *values);
   sc_check(L, sc_tensor_read(sc_check_tensor(L, index, function, name), values));
   return values;
}

static int64_t *integers_of_table(lua_State *L, int table, const char *function, const char *name,
                                  int64_t *count) {
   *count = sc_list_length(L, table, function);
   int64_t *values = sc_push_array(L, *count, sizeof *values);
   for (int64_t i = 0; i < *count; i++) {
      int whole = 0;
      lua_rawgeti(L, table, i + 1);
      values[i] = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &whole) : 0;
      if (!whole)
         luaL_error(L, "%s: option '%s': expected whole numbers, found %s at position %I", function, name,
                    sc_describe_value(L, -1), (lua_Integer)i + 1);
      lua_pop(L, 1);
   }
   return values;
}

int64_t *sc_option_integers(lua_State *L, int index, const char *function, const char *name, int64_t *count) {
   int type = sc_raw_field(L, index, name), field = lua_gettop(L);
   int64_t *values = NULL;
   *count = 0;
   if (type == LUA_TNIL) return NULL;
   if (sc_test_tensor(L, field))
      values = integers_of_tensor(L, field, function, name, count);
   else if (type == LUA_TTABLE)
      values = integers_of_table(L, field, function, name, count);
   else
      luaL_error(L, "%s: option '%s': expected a list of whole numbers or an i64 tensor, found %s", function,
                 name, sc_describe_value(L, field));
   lua_remove(L, field);
   return values;
}

// Three numbers, for red, green and blue.
static void read_rgb(lua_State *L, int index, const char *function, const char *name, float values[3]) {
   int type = sc_raw_field(L, index, name), table = lua_gettop(L);
   if (type != LUA_TNIL) {
      if (type != LUA_TTABLE || lua_rawlen(L, table) != 3)
         luaL_error(L, "%s: option '%s': expected three numbers {red, green, blue}, found %s", function, name,
                    sc_describe_value(L, table));
      for (int i = 0; i < 3; i++) {
         if (lua_rawgeti(L, table, i + 1) != LUA_TNUMBER)
            luaL_error(L, "%s: option '%s': expected three numbers, found %s at position %d", function, name,
                       sc_describe_value(L, -1), i + 1);
         values[i] = (float)lua_tonumber(L, -1);
         lua_pop(L, 1);
      }
   }
   lua_pop(L, 1);
}

ScFilter sc_option_filter(lua_State *L, int index, const char *function) {
   static const char *const filters[] = {[SC_BILINEAR] = "bilinear", [SC_BICUBIC] = "bicubic", NULL};
   return (ScFilter)sc_option_choice(L, index, function, "filter", SC_BILINEAR, filters);
}

ScPreprocess sc_check_preprocess(lua_State *L, int index, const char *function) {
   static const char *const names[] = {"resize", "crop", "filter", "mean", "std", "pad_square", NULL};
   ScPreprocess p = {.mean = {0.485f, 0.456f, 0.406f}, .std = {0.229f, 0.224f, 0.225f}};
   index = lua_absindex(L, index);
   sc_check_options(L, index, function, names);
   p.pad_square = sc_option_boolean(L, index, function, "pad_square", false);
   p.resize = (int)sc_option_integer(L, index, function, "resize", 0, 1, 10000);
   p.crop = (int)sc_option_integer(L, index, function, "crop", 0, 1, 10000);
   p.filter = sc_option_filter(L, index, function);
   read_rgb(L, index, function, "mean", p.mean);
   read_rgb(L, index, function, "std", p.std);
   ScStatus status = sc_preprocess_check(&p);
   if (status) sc_raise(L, sc_wrap(status, "%s: ", function));
   return p;
}
