#include "host/bind/crop.h"

#include <math.h>
#include <string.h>

#include "host/bind/options.h"

// ---- tables, read raw and with keys that are on the stack already, so that nothing is allocated ----

enum { OF, COUNTS, SIZE, KEYS };

static int push_keys(lua_State *L) {
   lua_pushliteral(L, "of");
   lua_pushliteral(L, "counts");
   lua_pushliteral(L, "size");
   return lua_gettop(L) - KEYS + 1;
}

static int push_field(lua_State *L, int table, int keys, int which) {
   lua_pushvalue(L, keys + which);
   return lua_rawget(L, table);
}

// " at position 3", or nothing; pushed.
static const char *push_position(lua_State *L, const ScCropLists *l, int64_t i) {
   return l->is_list ? lua_pushfstring(L, " at position %I", (lua_Integer)i + 1) : lua_pushliteral(L, "");
}

// The value is on top.
static void refuse(lua_State *L, const ScCropLists *l, int64_t i, const char *what, const char *expected) {
   int at = lua_gettop(L);
   const char *where = push_position(L, l, i);
   luaL_error(L, "%s: option '%s%s': expected %s, found %s%s", l->function, what,
              l->is_list ? *what == 'b' ? "es" : "s" : "", expected, sc_describe_value(L, at), where);
}

// ---- boxes ----

static const char box_words[] = "{x, y, width, height} in pixels";

// The size of a photo at the top of the stack, which it takes off.
static void read_size(lua_State *L, const ScCropLists *l, int64_t i, const char *what, bool is_upright,
                      int64_t *width, int64_t *height) {
   const char *expected = is_upright ? "of = {width, height}" : "size = {height, width}";
   int64_t numbers[2] = {0};
   int table = lua_gettop(L);
   if (!lua_istable(L, table)) refuse(L, l, i, what, expected);
   for (int k = 0; k < 2; k++) {
      int whole = 0;
      lua_rawgeti(L, table, k + 1);
      numbers[k] = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &whole) : 0;
      if (!whole || numbers[k] < 1) refuse(L, l, i, what, expected);
      lua_pop(L, 1);
   }
   *width = numbers[is_upright ? 0 : 1];
   *height = numbers[is_upright ? 1 : 0];
   lua_pop(L, 1);
}

// The box at the top of the stack.
static void read_box(lua_State *L, const ScCropLists *l, int64_t i, ScCrop *crop) {
   double numbers[4];
   int box = lua_gettop(L);
   if (!lua_istable(L, box)) refuse(L, l, i, "box", box_words);
   for (int k = 0; k < 4; k++) {
      if (lua_rawgeti(L, box, k + 1) != LUA_TNUMBER) refuse(L, l, i, "box", box_words);
      numbers[k] = lua_tonumber(L, -1);
      lua_pop(L, 1);
   }
   if (push_field(L, box, l->keys, OF) != LUA_TNIL)
      read_size(L, l, i, "box", true, &crop->width, &crop->height);
   else
      lua_pop(L, 1);
   crop->has_box = true;
   crop->box = (ScBox){numbers[0], numbers[1], numbers[2], numbers[3]};
}

// ---- masks ----

static const char mask_words[] = "{size = {height, width}, counts = ...} or polygons {{x, y, ...}, ...}";

// What a text takes, in numbers. Of a list it stays Lua's: there may be many, and they are copied at once.
static size_t length_of(const ScCropLists *l, size_t bytes) {
   return l->is_list ? 0 : (bytes + sizeof *l->numbers - 1) / sizeof *l->numbers;
}

// How many numbers are kept of the mask at an index.
static size_t numbers_of(lua_State *L, const ScCropLists *l, int mask) {
   size_t n = 0;
   if (!lua_istable(L, mask)) return 0;
   int type = push_field(L, mask, l->keys, COUNTS);
   if (type == LUA_TTABLE) n = lua_rawlen(L, -1);
   if (type == LUA_TSTRING) n = length_of(l, lua_rawlen(L, -1));
   lua_pop(L, 1);
   if (type != LUA_TNIL) return n;
   size_t polygons = lua_rawlen(L, mask);
   for (size_t i = 1; i <= polygons; i++) {
      n += lua_rawgeti(L, mask, (lua_Integer)i) == LUA_TTABLE ? 1 + lua_rawlen(L, -1) : 1;
      lua_pop(L, 1);
   }
   return n + 1;
}

static uint64_t *take_numbers(lua_State *L, ScCropLists *l, size_t n) {
   if (n > l->room - l->used) luaL_error(L, "%s: the masks changed while they were read", l->function);
   l->used += n;
   return l->numbers + l->used - n;
}

// The list of counts at the top of the stack.
static void read_counts(lua_State *L, ScCropLists *l, int64_t i, ScMask *mask) {
   int list = lua_gettop(L);
   size_t n = lua_rawlen(L, list);
   int64_t *runs = (int64_t *)take_numbers(L, l, n);
   for (size_t k = 0; k < n; k++) {
      int whole = 0;
      lua_rawgeti(L, list, (lua_Integer)k + 1);
      runs[k] = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &whole) : 0;
      if (!whole) refuse(L, l, i, "mask", "whole numbers as counts");
      lua_pop(L, 1);
   }
   *mask = (ScMask){.kind = SC_MASK_COUNTS, .data = runs, .count = n};
}

// The text at the top of the stack.
static void read_text(lua_State *L, ScCropLists *l, ScMask *mask) {
   size_t n;
   const char *text = lua_tolstring(L, -1, &n);
   *mask = (ScMask){.kind = SC_MASK_TEXT, .data = text, .count = n};
   if (!l->is_list) mask->data = memcpy(take_numbers(L, l, length_of(l, n)), text, n);
}

static void read_runs(lua_State *L, ScCropLists *l, int64_t i, int table, ScMask *mask) {
   if (push_field(L, table, l->keys, COUNTS) == LUA_TSTRING) {
      read_text(L, l, mask);
   } else if (lua_istable(L, -1)) {
      read_counts(L, l, i, mask);
   } else {
      refuse(L, l, i, "mask", "counts, a text or a list of whole numbers");
   }
   lua_pop(L, 1);
   push_field(L, table, l->keys, SIZE);
   read_size(L, l, i, "mask", false, &mask->width, &mask->height);
}

// The polygon at the top of the stack, behind its length.
static void read_polygon(lua_State *L, ScCropLists *l, int64_t i) {
   int list = lua_gettop(L);
   if (!lua_istable(L, list)) refuse(L, l, i, "mask", mask_words);
   size_t n = lua_rawlen(L, list);
   double *to = (double *)take_numbers(L, l, n + 1);
   *to++ = (double)n;
   for (size_t k = 0; k < n; k++) {
      if (lua_rawgeti(L, list, (lua_Integer)k + 1) != LUA_TNUMBER)
         refuse(L, l, i, "mask", "numbers in polygons");
      to[k] = lua_tonumber(L, -1);
      lua_pop(L, 1);
   }
}

// A list of numbers is one polygon.
static void read_polygons(lua_State *L, ScCropLists *l, int64_t i, int table, ScMask *mask) {
   size_t n = lua_rawlen(L, table), before = l->used;
   bool is_flat = lua_rawgeti(L, table, 1) == LUA_TNUMBER;
   lua_pop(L, 1);
   if (is_flat) read_polygon(L, l, i);
   for (size_t k = 1; !is_flat && k <= n; k++) {
      lua_rawgeti(L, table, (lua_Integer)k);
      read_polygon(L, l, i);
      lua_pop(L, 1);
   }
   *mask = (ScMask){.kind = SC_MASK_POLYGONS, .data = l->numbers + before, .count = l->used - before};
}

// The mask at the top of the stack.
static void read_mask(lua_State *L, ScCropLists *l, int64_t i, ScMask *mask) {
   int table = lua_gettop(L);
   if (!lua_istable(L, table)) refuse(L, l, i, "mask", mask_words);
   int type = push_field(L, table, l->keys, COUNTS);
   lua_pop(L, 1);
   if (type != LUA_TNIL)
      read_runs(L, l, i, table, mask);
   else
      read_polygons(L, l, i, table, mask);
}

// ---- options ----

static unsigned char byte_of(double share) {
   return (unsigned char)rint(255 * (share < 0 ? 0 : share > 1 ? 1 : share));
}

static void fill_outside(lua_State *L, int options, const char *function, const float mean[3],
                         unsigned char outside[3]) {
   static const char *const names[] = {"mean", "black", "grey", "white", NULL};
   static const unsigned char values[] = {0, 0, 128, 255};
   bool is_list = sc_raw_field(L, options, "outside") == LUA_TTABLE;
   for (int c = 0; is_list && c < 3; c++) {
      int whole = 0;
      lua_rawgeti(L, -1, c + 1);
      lua_Integer value = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &whole) : 0;
      if (!whole || value < 0 || value > 255)
         luaL_error(L, "%s: option 'outside': expected {r, g, b} from 0 to 255, found %s", function,
                    sc_describe_value(L, -1));
      outside[c] = (unsigned char)value;
      lua_pop(L, 1);
   }
   lua_pop(L, 1);
   if (is_list) return;
   int which = sc_option_choice(L, options, function, "outside", 0, names);
   for (int c = 0; c < 3; c++) outside[c] = which == 0 ? byte_of(mean[c]) : values[which];
}

// The list of that name, one entry a photo, or the one value; 0 where it is nil.
static int push_list(lua_State *L, int options, const ScCropLists *l, const char *name) {
   int type = sc_raw_field(L, options, name);
   if (type == LUA_TNIL || (!l->is_list && type == LUA_TBOOLEAN && !lua_toboolean(L, -1))) return 0;
   if (!l->is_list) return lua_gettop(L);
   if (type != LUA_TTABLE)
      luaL_error(L, "%s: option '%s': expected a list, found %s", l->function, name, sc_describe_value(L, -1));
   int list = lua_gettop(L);
   int64_t n = sc_list_length(L, list, l->function);
   if (n != l->count)
      luaL_error(L, "%s: option '%s': expected %I, one a path (false where there is none), found %I",
                 l->function, name, (lua_Integer)l->count, (lua_Integer)n);
   return list;
}

// Pushes an entry; false, with nothing pushed, where it is false.
static bool push_entry(lua_State *L, const ScCropLists *l, int list, int64_t i) {
   if (!list) return false;
   if (l->is_list)
      lua_rawgeti(L, list, i + 1);
   else
      lua_pushvalue(L, list);
   if (lua_toboolean(L, -1)) return true;
   lua_pop(L, 1);
   return false;
}

ScCropLists sc_push_crops(lua_State *L, int options, const char *function, int64_t count, bool is_list,
                          const float mean[3]) {
   static const char *const pictures[] = {"as the sizes tell", "shown", "stored", NULL};
   ScCropLists l = {.count = count, .function = function, .is_list = is_list};
   ScCrop plain = {.pixels = (ScPixels)sc_option_choice(L, options, function, "boxes_of", 0, pictures)};
   fill_outside(L, options, function, mean, plain.outside);
   luaL_checkstack(L, LUA_MINSTACK, function);
   l.keys = push_keys(L);
   l.boxes = push_list(L, options, &l, is_list ? "boxes" : "box");
   l.masks = push_list(L, options, &l, is_list ? "masks" : "mask");
   if (!l.boxes && !l.masks) return l;
   for (int64_t i = 0; l.masks && i < count; i++)
      if (push_entry(L, &l, l.masks, i)) {
         l.room += numbers_of(L, &l, lua_gettop(L));
         lua_pop(L, 1);
      }
   l.crops = sc_push_array(L, count, sizeof *l.crops);
   l.numbers = sc_push_array(L, (int64_t)l.room, sizeof *l.numbers);
   for (int64_t i = 0; i < count; i++) l.crops[i] = plain;
   return l;
}

const ScCrop *sc_read_crops(lua_State *L, ScCropLists *l) {
   int top = lua_gettop(L);
   for (int64_t i = 0; l->crops && i < l->count; i++) {
      if (push_entry(L, l, l->boxes, i)) read_box(L, l, i, &l->crops[i]);
      lua_settop(L, top);
      if (push_entry(L, l, l->masks, i)) read_mask(L, l, i, &l->crops[i].mask);
      lua_settop(L, top);
   }
   return l->crops;
}

// scute.packed_mask{size = {height, width}, counts = list} -> {size = , counts = text}: the same mask in
// less memory; one that is packed, polygons and false come back as they are
static int packed_mask(lua_State *L) {
   lua_settop(L, 1);
   if (!lua_toboolean(L, 1)) return 1;
   ScCropLists l = {.count = 1, .function = "packed_mask", .keys = push_keys(L)};
   l.room = numbers_of(L, &l, 1);
   l.numbers = sc_push_array(L, (int64_t)l.room, sizeof *l.numbers);
   unsigned char *text = sc_push_array(L, (int64_t)l.room, SC_MASK_DIGITS);
   ScMask mask;
   lua_pushvalue(L, 1);
   read_mask(L, &l, 0, &mask);
   lua_pop(L, 1);
   if (mask.kind != SC_MASK_COUNTS) return lua_pushvalue(L, 1), 1;
   lua_createtable(L, 0, 2);
   lua_pushlstring(L, (const char *)text, sc_mask_text(mask.data, mask.count, text));
   lua_setfield(L, -2, "counts");
   sc_raw_field(L, 1, "size");
   lua_setfield(L, -2, "size");
   return 1;
}

static void open_crop(lua_State *L) {
   lua_pushcfunction(L, packed_mask);
   lua_setfield(L, -2, "packed_mask");
}
SC_OPENER(open_crop)
