#include "host/bind/augment.h"

#include <string.h>

#include "host/bind/options.h"

// "loader: augment: rotation", for messages of what lies inside; Lua's string, left on the stack.
static const char *inside(lua_State *L, const char *function, const char *name) {
   return lua_pushfstring(L, "%s: %s", function, name);
}

static float number_at(lua_State *L, int table, int i, const char *function, const char *name) {
   if (lua_rawgeti(L, table, i) != LUA_TNUMBER)
      luaL_error(L, "%s: option '%s': expected numbers, found %s at position %d", function, name,
                 sc_describe_value(L, -1), i);
   double value = lua_tonumber(L, -1);
   lua_pop(L, 1);
   return (float)value;
}

// `name` = {low, high}, or a number, which stands for center - number to center + number.
static bool read_range(lua_State *L, int index, const char *function, const char *name, double center,
                       bool number_too, ScRange *out) {
   index = lua_absindex(L, index);
   int type = sc_raw_field(L, index, name);
   if (type == LUA_TNUMBER && number_too) {
      double by = lua_tonumber(L, -1);
      if (!(by >= 0)) luaL_error(L, "%s: option '%s': expected 0 or more, found %f", function, name, by);
      *out = (ScRange){center - by, center + by};
   } else if (type == LUA_TTABLE && lua_rawlen(L, -1) == 2) {
      for (int i = 1; i <= 2; i++) {
         if (lua_rawgeti(L, -i, i) != LUA_TNUMBER)
            luaL_error(L, "%s: option '%s': expected two numbers {low, high}, found %s at position %d",
                       function, name, sc_describe_value(L, -1), i);
      }
      *out = (ScRange){lua_tonumber(L, -2), lua_tonumber(L, -1)};
      lua_pop(L, 2);
   } else if (type != LUA_TNIL) {
      luaL_error(L, "%s: option '%s': expected %stwo numbers {low, high}, found %s", function, name,
                 number_too ? "a number or " : "", sc_describe_value(L, -1));
   }
   lua_pop(L, 1);
   return type != LUA_TNIL;
}

ScWarp sc_option_warp(lua_State *L, int index, const char *function) {
   static const char *const filters[] = {[SC_WARP_NEAREST] = "nearest", [SC_WARP_BILINEAR] = "bilinear", NULL};
   return (ScWarp)sc_option_choice(L, index, function, "filter", SC_WARP_NEAREST, filters);
}

void sc_option_fill(lua_State *L, int index, const char *function, unsigned char fill[3]) {
   index = lua_absindex(L, index);
   int type = sc_raw_field(L, index, "fill"), field = lua_gettop(L);
   bool three = type == LUA_TTABLE && lua_rawlen(L, field) == 3;
   if (type != LUA_TNIL && type != LUA_TNUMBER && !three)
      luaL_error(L, "%s: option 'fill': expected a number or three {red, green, blue}, found %s", function,
                 sc_describe_value(L, field));
   for (int c = 0; c < 3 && type != LUA_TNIL; c++) {
      double value = three ? number_at(L, field, c + 1, function, "fill") : lua_tonumber(L, field);
      if (!(value >= 0 && value <= 255))
         luaL_error(L, "%s: option 'fill': expected 0 to 255, found %f", function, value);
      fill[c] = (unsigned char)value;
   }
   lua_pop(L, 1);
}

ScSample sc_option_sample(lua_State *L, int index, const char *function) {
   ScSample s = {0};
   s.seed = (uint64_t)sc_option_integer(L, index, function, "seed", 0, LUA_MININTEGER, LUA_MAXINTEGER);
   s.epoch = (uint64_t)sc_option_integer(L, index, function, "epoch", 1, 0, (1 << 24) - 1);
   s.index = (uint64_t)sc_option_integer(L, index, function, "index", 1, 1, (lua_Integer)1 << 40) - 1;
   return s;
}

// ---- the kinds ----

// Is the field there? true is replaced by an empty table, and a number by {`main` = number} where `main` is
// given. Then the table stays on the stack, its keys checked; otherwise nothing does.
static bool open_kind(lua_State *L, int index, const char *function, const char *name, const char *main,
                      const char *const *keys) {
   int type = sc_raw_field(L, index, name);
   bool off = type == LUA_TNIL || (type == LUA_TBOOLEAN && !lua_toboolean(L, -1));
   if (off) {
      lua_pop(L, 1);
      return false;
   }
   if (type == LUA_TBOOLEAN || (type == LUA_TNUMBER && main)) {
      lua_newtable(L);
      lua_insert(L, -2);
      if (type == LUA_TNUMBER)
         lua_setfield(L, -2, main);
      else
         lua_pop(L, 1);
   } else if (type != LUA_TTABLE) {
      luaL_error(L, "%s: option '%s': expected %sa table, true or false, found %s", function, name,
                 main ? "a number, " : "", sc_describe_value(L, -1));
   }
   int table = lua_gettop(L);
   sc_check_options(L, table, inside(L, function, name), keys);
   lua_settop(L, table);
   return true;
}

void sc_check_crop_ranges(lua_State *L, int index, const char *function, ScAugment *a) {
   a->crop = true;
   a->crop_scale = sc_crop_scale;
   a->crop_ratio = sc_crop_ratio;
   read_range(L, index, function, "scale", 0, false, &a->crop_scale);
   read_range(L, index, function, "ratio", 0, false, &a->crop_ratio);
}

static void read_crop(lua_State *L, int index, const char *function, ScAugment *a) {
   static const char *const keys[] = {"scale", "ratio", NULL};
   if (!open_kind(L, index, function, "random_resized_crop", NULL, keys)) return;
   int table = lua_gettop(L);
   sc_check_crop_ranges(L, table, inside(L, function, "random_resized_crop"), a);
}

static void read_flip(lua_State *L, int index, const char *function, ScAugment *a) {
   static const char *const keys[] = {"p", NULL};
   if (!open_kind(L, index, function, "horizontal_flip", "p", keys)) return;
   int table = lua_gettop(L);
   a->flip = sc_option_number(L, table, inside(L, function, "horizontal_flip"), "p", 0.5, 0, 1);
}

static void read_rotation(lua_State *L, int index, const char *function, ScAugment *a) {
   static const char *const keys[] = {"degrees", "filter", "fill", NULL};
   if (!open_kind(L, index, function, "rotation", "degrees", keys)) return;
   int table = lua_gettop(L);
   const char *where = inside(L, function, "rotation");
   if (!read_range(L, table, where, "degrees", 0, true, &a->degrees))
      luaL_error(L, "%s: expected degrees, as in rotation = 10", where);
   a->rotate = a->degrees.low != 0 || a->degrees.high != 0;
   a->rotation_warp = sc_option_warp(L, table, where);
   sc_option_fill(L, table, where, a->rotation_fill);
}

static void read_jitter(lua_State *L, int index, const char *function, ScAugment *a) {
   static const char *const keys[] = {"brightness", "contrast", "saturation", "hue", NULL};
   if (!open_kind(L, index, function, "color_jitter", NULL, keys)) return;
   int table = lua_gettop(L), given = 0;
   const char *where = inside(L, function, "color_jitter");
   for (int i = 0; i < SC_JITTERS; i++) {
      double center = i == SC_JITTER_HUE ? 0 : 1;
      ScRange *r = &a->jitter_range[i];
      if (!read_range(L, table, where, keys[i], center, true, r)) continue;
      if (i != SC_JITTER_HUE && r->low < 0 && r->high == 2 - r->low) r->low = 0; // brightness = 1.5: 0 to 2.5
      a->jitter[i] = r->low != center || r->high != center;
      given++;
   }
   if (given == 0)
      luaL_error(L, "%s: expected brightness, contrast, saturation or hue, found none of them", where);
}

static void read_policy(lua_State *L, int index, const char *function, ScPolicy policy, ScAugment *a) {
   static const char *const keys_rand[] = {"n", "magnitude", "bins", "filter", "fill", NULL};
   const char *name = policy == SC_POLICY_RAND ? "rand_augment" : "trivial_augment";
   const char *const *keys = policy == SC_POLICY_RAND ? keys_rand : keys_rand + 2;
   if (!open_kind(L, index, function, name, NULL, keys)) return;
   int table = lua_gettop(L);
   const char *where = inside(L, function, name);
   if (a->policy != SC_POLICY_NONE)
      luaL_error(L, "%s: expected either 'rand_augment' or 'trivial_augment', found both", function);
   a->policy = policy;
   a->policy_bins = (int)sc_option_integer(L, table, where, "bins", 31, 2, 1000);
   if (policy == SC_POLICY_RAND) {
      a->policy_count = (int)sc_option_integer(L, table, where, "n", 2, 0, 100);
      a->policy_magnitude = (int)sc_option_integer(L, table, where, "magnitude", 9, 0, a->policy_bins - 1);
   }
   a->policy_warp = sc_option_warp(L, table, where);
   sc_option_fill(L, table, where, a->policy_fill);
}

static void read_erase_value(lua_State *L, int table, const char *where, ScAugment *a) {
   int type = sc_raw_field(L, table, "value"), field = lua_gettop(L);
   a->erase_noise = type == LUA_TSTRING && strcmp(lua_tostring(L, field), "random") == 0;
   if (type == LUA_TTABLE && lua_rawlen(L, field) == 3)
      for (int c = 0; c < 3; c++) a->erase_value[c] = number_at(L, field, c + 1, where, "value");
   else if (type == LUA_TNUMBER)
      for (int c = 0; c < 3; c++) a->erase_value[c] = (float)lua_tonumber(L, field);
   else if (type != LUA_TNIL && !a->erase_noise)
      luaL_error(L, "%s: option 'value': expected a number, three {red, green, blue} or 'random', found %s",
                 where, sc_describe_value(L, field));
   lua_pop(L, 1);
}

static void read_erase(lua_State *L, int index, const char *function, ScAugment *a) {
   static const char *const keys[] = {"p", "scale", "ratio", "value", NULL};
   if (!open_kind(L, index, function, "random_erasing", "p", keys)) return;
   int table = lua_gettop(L);
   const char *where = inside(L, function, "random_erasing");
   a->erase = sc_option_number(L, table, where, "p", 0.5, 0, 1);
   a->erase_scale = sc_erase_scale;
   a->erase_ratio = sc_erase_ratio;
   read_range(L, table, where, "scale", 0, false, &a->erase_scale);
   read_range(L, table, where, "ratio", 0, false, &a->erase_ratio);
   read_erase_value(L, table, where, a);
}

ScAugment sc_check_augment(lua_State *L, int index, const char *function) {
   static const char *const names[] = {"random_resized_crop", "horizontal_flip", "rotation",
                                       "color_jitter",        "rand_augment",    "trivial_augment",
                                       "random_erasing",      "exact_decode",    NULL};
   ScAugment a = {0};
   int top = lua_gettop(L);
   index = lua_absindex(L, index);
   if (!lua_toboolean(L, index)) return a;
   luaL_checkstack(L, 40, "augment");
   sc_check_options(L, index, function, names);
   read_crop(L, index, function, &a);
   read_flip(L, index, function, &a);
   read_rotation(L, index, function, &a);
   read_jitter(L, index, function, &a);
   read_policy(L, index, function, SC_POLICY_RAND, &a);
   read_policy(L, index, function, SC_POLICY_TRIVIAL, &a);
   read_erase(L, index, function, &a);
   a.exact_decode = sc_option_boolean(L, index, function, "exact_decode", false);
   lua_settop(L, top);
   ScStatus status = sc_augment_check(&a);
   if (status) sc_raise(L, sc_wrap(status, "%s: ", function));
   return a;
}
