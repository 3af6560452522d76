// Batches of photos, decoded ahead by worker threads.
#include "host/photo/loader.h"

#include <string.h>

#include "host/bind/augment.h"
#include "host/bind/crop.h"
#include "host/bind/options.h"
#include "host/core/device.h"
#include "host/machine/machine.h"
#include "host/photo/budget.h"

#define TYPE       "scute.loader"
#define BATCH_TYPE "scute.batch"

// Asked for last: a finalizer may close the loader wherever Lua allocates.
static ScLoader *self(lua_State *L, const char *method) {
   ScLoader **handle = luaL_checkudata(L, 1, TYPE);
   if (!*handle) luaL_error(L, "%s: this loader is closed", method);
   return *handle;
}

// loader:close(): ends its threads; also on collection and <close>
static int release(lua_State *L) {
   ScLoader **handle = luaL_checkudata(L, 1, TYPE), *loader = *handle;
   *handle = NULL;
   sc_loader_close(loader);
   return 0;
}

// ---- opening ----

// Room for the paths, and the stack index of their list.
static const char **push_paths(lua_State *L, int options, int64_t *count, int *list) {
   if (sc_raw_field(L, options, "paths") != LUA_TTABLE)
      luaL_error(L, "loader: option 'paths': expected a list of files, found %s", sc_describe_value(L, -1));
   *list = lua_gettop(L);
   *count = sc_list_length(L, *list, "loader");
   return sc_push_array(L, *count, sizeof(char *));
}

// The strings stay Lua's, which nothing takes out of the list before the core has copied them: read last.
static void read_paths(lua_State *L, int list, int64_t count, const char **paths) {
   for (int64_t i = 0; i < count; i++) {
      if (lua_rawgeti(L, list, i + 1) != LUA_TSTRING)
         luaL_error(L, "loader: option 'paths': expected names of files, found %s at position %I",
                    sc_describe_value(L, -1), (LUAI_UACINT)i + 1);
      paths[i] = lua_tostring(L, -1);
      lua_pop(L, 1);
   }
}

static const int64_t *read_labels(lua_State *L, int options, int64_t paths) {
   int64_t count;
   int64_t *labels = sc_option_integers(L, options, "loader", "labels", &count);
   if (labels && count != paths)
      luaL_error(L, "loader: option 'labels': expected %I, one a path, found %I", (lua_Integer)paths,
                 (lua_Integer)count);
   for (int64_t i = 0; i < count; i++)
      if (labels[i] < 1)
         luaL_error(L, "loader: option 'labels': class numbers start at 1, found %I at position %I",
                    (lua_Integer)labels[i], (lua_Integer)i + 1);
   return labels;
}

// From 1 in Lua, from 0 in C; without an order, all of them as they come.
static const int64_t *read_order(lua_State *L, int options, int64_t paths, int64_t *count) {
   int64_t *order = sc_option_integers(L, options, "loader", "order", count);
   if (order) {
      for (int64_t i = 0; i < *count; i++) order[i] = order[i] < 1 ? -1 : order[i] - 1; // refused further down
      return order;
   }
   *count = paths;
   order = sc_push_array(L, paths, sizeof *order);
   for (int64_t i = 0; i < paths; i++) order[i] = i;
   return order;
}

// Leaves on the stack what the configuration points into.
static ScLoaderConfig read_config(lua_State *L, int options) {
   static const char *const names[] = {
       "paths",    "labels",  "order", "batch_size", "merge_last_single", "preprocess", "augment", "seed",
       "epoch",    "workers", "depth", "on_bad",     "late_normalize",    "digests",    "boxes",   "masks",
       "boxes_of", "outside", NULL};
   static const char *const policies[] = {"skip", "error", NULL};
   sc_check_options(L, options, "loader", names);
   ScLoaderConfig c = {0};
   luaL_checkstack(L, 2 * LUA_MINSTACK, "loader");
   c.batch_size = sc_option_integer(L, options, "loader", "batch_size", 32, 1, 1 << 20);
   c.merge_last_single = sc_option_boolean(L, options, "loader", "merge_last_single", false);
   c.workers = (int)sc_option_integer(L, options, "loader", "workers", 2, 0, 256);
   c.depth = (int)sc_option_integer(L, options, "loader", "depth", 4, 1, 1024);
   c.skip_bad = sc_option_choice(L, options, "loader", "on_bad", 0, policies) == 0;
   if (sc_raw_field(L, options, "preprocess") != LUA_TTABLE)
      luaL_error(L, "loader: option 'preprocess': expected {resize = ..., crop = ...}, found %s",
                 sc_describe_value(L, -1));
   c.preprocess = sc_check_preprocess(L, -1, "loader: preprocess");
   sc_raw_field(L, options, "augment");
   c.augment = sc_check_augment(L, -1, "loader: augment");
   c.late_normalize = sc_option_boolean(L, options, "loader", "late_normalize", false);
   c.digests = sc_option_boolean(L, options, "loader", "digests", false);
   ScSample sample = sc_option_sample(L, options, "loader");
   c.seed = sample.seed;
   c.epoch = sample.epoch;
   int list;
   const char **paths = push_paths(L, options, &c.count, &list);
   c.labels = read_labels(L, options, c.count);
   c.order = read_order(L, options, c.count, &c.order_count);
   ScCropLists crops = sc_push_crops(L, options, "loader", c.count, true, c.preprocess.mean);
   c.crops = sc_read_crops(L, &crops);
   read_paths(L, list, c.count, paths);
   c.paths = paths;
   return c;
}

// Decoding may take a quarter of the memory that is free, since others run here too.
static void share_memory(void) {
   sc_budget_set(sc_available_memory() / 4);
}

// scute.loader{paths = list of files, labels = list or i64 tensor of class numbers from 1 (none), order = list
// or i64 tensor of indices from 1 (all as they come), batch_size = 32, merge_last_single = false, preprocess =
// {resize = , crop = , filter = , mean = , std = , pad_square = }, augment = {...} (none; see
// scute.augment), boxes = list of {x, y, width, height} or false (none: whole photos), masks = list of COCO's
// segmentations or false (none), boxes_of = "shown" or "stored", outside = "mean", seed = 0 and epoch = 1 of
// the augmentation, workers = 2 (0 decodes in the caller), depth = 4 batches under way, on_bad = "skip" or
// "error", late_normalize = false, digests = false} -> loader; #loader is the number of batches. With
// late_normalize x is u8, before mean and std (see scute.normalize_photos), unless random_erasing is on with
// noise, which is drawn here. Tables are read raw. A photo with a box is what lies in it, in pixels, x and y
// from 0, edges rounded as Pillow's crop() does; what a mask leaves out gets the colour `outside` ("mean" of
// the preprocessing, "black", "grey", "white" or {r, g, b}). Boxes and masks are of the photo as it is shown,
// turned by its EXIF orientation, as wildlife-datasets reads photos; where a mask's size (or of = {width,
// height} in a box) is that of the stored picture alone, or boxes_of is "stored", of the picture as Pillow's
// open() gives it.
static int create(lua_State *L) {
   lua_settop(L, 1);
   ScLoader **handle = lua_newuserdatauv(L, sizeof *handle, 0);
   *handle = NULL;
   luaL_setmetatable(L, TYPE);
   ScLoaderConfig c = read_config(L, 1);
   share_memory();
   sc_check(L, sc_loader_open(handle, &c));
   lua_settop(L, 2);
   return 1;
}

// ---- batches ----

// A batch that is being handed over, which the collector frees where an error of Lua's comes in between.
static ScBatch *push_batch(lua_State *L) {
   ScBatch *batch = lua_newuserdatauv(L, sizeof *batch, 0);
   *batch = (ScBatch){0};
   luaL_setmetatable(L, BATCH_TYPE);
   return batch;
}

static int free_batch(lua_State *L) {
   sc_batch_release(luaL_checkudata(L, 1, BATCH_TYPE));
   return 0;
}

typedef struct {
   ScLoader **loader;
   ScBatch *batch;
} Fetching;

// The collector, between two tries, runs finalizers.
static ScStatus fetch(void *context) {
   const Fetching *f = context;
   if (!*f->loader) return sc_fail(SC_EARG, "next: this loader is closed");
   return sc_loader_next(*f->loader, f->batch);
}

// Appends {index = , path = , message = } to the list at `list`; the message is on top of the stack.
static void append(lua_State *L, int list, int64_t index) {
   lua_createtable(L, 0, 3);
   lua_insert(L, -2);
   lua_setfield(L, -2, "message");
   lua_pushinteger(L, index + 1);
   lua_setfield(L, -2, "index");
   lua_pushstring(L, sc_loader_path(self(L, "next"), index));
   lua_setfield(L, -2, "path");
   lua_rawseti(L, list, (lua_Integer)lua_rawlen(L, list) + 1);
}

static void append_bad(lua_State *L, const ScBatch *batch, int list) {
   for (int64_t i = 0; i < batch->bad_count; i++) {
      lua_pushstring(L, batch->bad[i].message);
      append(L, list, batch->bad[i].index);
   }
}

static void append_notes(lua_State *L, const ScBatch *batch, int list) {
   for (int64_t i = 0; i < batch->note_count; i++) {
      const ScNote *note = &batch->notes[i];
      bool is_cut = note->kind == SC_NOTE_CUT;
      lua_pushfstring(L, "%s: %s", sc_loader_path(self(L, "next"), note->index),
                      is_cut ? SC_BOX_IS_CUT : SC_LACKS_END);
      append(L, list, note->index);
      if (!is_cut) continue;
      lua_rawgeti(L, list, (lua_Integer)lua_rawlen(L, list));
      lua_pushboolean(L, true);
      lua_setfield(L, -2, "is_cut");
      lua_pop(L, 1);
   }
}

static void push_integers(lua_State *L, const int64_t *values, int64_t n, int64_t add) {
   int64_t *to = sc_push_new_tensor(L, sc_device_cpu(), SC_I64, 1, &n)->buffer->data;
   for (int64_t i = 0; i < n; i++) to[i] = values[i] + add;
}

// Pushes x, y (nil without labels) and indices, and takes them out of the batch.
static void push_good(lua_State *L, ScBatch *batch) {
   ScTensor **x = sc_push_handle(L);
   *x = batch->pixels;
   batch->pixels = NULL;
   if (batch->labels)
      push_integers(L, batch->labels, batch->n, 0);
   else
      lua_pushnil(L);
   push_integers(L, batch->indices, batch->n, 1);
}

// What a photo looks like: numbers and bytes as string.unpack "<i4i4i4I4" takes them apart, and the means.
static void push_look(lua_State *L, const ScLook *look) {
   unsigned char bytes[16 + SC_LOOK_PARTS];
   uint32_t numbers[] = {(uint32_t)look->width, (uint32_t)look->height, (uint32_t)look->shrink, look->pixels};
   for (int i = 0; i < 16; i++) bytes[i] = (unsigned char)(numbers[i / 4] >> 8 * (i % 4));
   memcpy(bytes + 16, look->parts, SC_LOOK_PARTS);
   lua_pushlstring(L, (const char *)bytes, sizeof bytes);
}

// The digests of the good photos as a list of texts, and what they look like as another; nil where they are not
// wanted.
static void push_digests(lua_State *L, const ScBatch *batch) {
   char text[48];
   if (!batch->digests) {
      lua_pushnil(L);
      lua_pushnil(L);
      return;
   }
   lua_createtable(L, (int)batch->n, 0);
   for (int64_t i = 0; i < batch->n; i++) {
      snprintf(text, sizeof text, "%08x-%lld", (unsigned)batch->digests[i].crc,
               (long long)batch->digests[i].size);
      lua_pushstring(L, text);
      lua_rawseti(L, -2, i + 1);
   }
   lua_createtable(L, (int)batch->n, 0);
   for (int64_t i = 0; i < batch->n; i++) {
      push_look(L, &batch->looks[i]);
      lua_rawseti(L, -2, i + 1);
   }
}

// What is to be erased of the good photos, (n, 4): the first row and the one behind the last, and the same of
// columns; nil where nothing is.
static void push_holes(lua_State *L, const ScBatch *batch) {
   if (!batch->holes) return lua_pushnil(L);
   float *to = sc_push_new_tensor(L, sc_device_cpu(), SC_F32, 2, (int64_t[]){batch->n, 4})->buffer->data;
   for (int64_t i = 0; i < batch->n; i++) {
      ScRect hole = batch->holes[i];
      int edges[] = {hole.y, hole.y + hole.height, hole.x, hole.x + hole.width};
      for (int k = 0; k < 4; k++) to[4 * i + k] = (float)edges[k];
   }
}

// loader:next() -> x (n, 3, crop, crop) f32 (u8 with late_normalize), y (n) i64 or nil, indices (n) i64 from 1,
// list of bad photos {index = , path = , message = }, such a list of notes about good ones (whose file lacks
// its end; or with is_cut true, whose box reaches beyond it), and with `digests` a list of "CRC-32 of the
// file's bytes-their number", one a row of x, and a list of what the photos look like, before they are
// augmented (see lua/scute/data/look.lua), and where x is u8 and random_erasing is on, a tensor (n, 4) of what
// is to be erased once it is normalised: first row, row behind, first column, column behind. At the end x, y
// and indices are nil. A batch without any good photo is passed over; its bad ones are told with the next.
static int next(lua_State *L) {
   self(L, "next");
   lua_settop(L, 1);
   lua_newtable(L);
   lua_newtable(L);
   ScBatch *batch = push_batch(L);
   Fetching f = {lua_touserdata(L, 1), batch};
   sc_account(L);
   do {
      sc_batch_release(batch);
      sc_check(L, sc_with_retry(fetch, &f));
      append_bad(L, batch, 2);
      append_notes(L, batch, 3);
   } while (batch->asked > 0 && batch->n == 0);
   if (batch->asked > 0)
      push_good(L, batch);
   else
      lua_settop(L, 7);
   lua_pushvalue(L, 2);
   lua_pushvalue(L, 3);
   push_digests(L, batch);
   push_holes(L, batch);
   sc_batch_release(batch);
   return 8;
}

static int length(lua_State *L) {
   lua_pushinteger(L, sc_loader_batches(self(L, "#loader")));
   return 1;
}

static int describe(lua_State *L) {
   ScLoader **handle = luaL_checkudata(L, 1, TYPE);
   if (!*handle) return lua_pushliteral(L, "loader (closed)"), 1;
   LUAI_UACINT n = sc_loader_batches(*handle);
   lua_pushfstring(L, "loader of %I batch%s; 'for x, y, indices in loader do' goes through %s", n,
                   n == 1 ? "" : "es", n == 1 ? "it" : "them");
   return 1;
}

static const luaL_Reg methods[] = {{"next", next}, {"close", release}, {NULL, NULL}};
static const luaL_Reg meta[] = {{"__gc", release}, {"__close", release},     {"__len", length},
                                {"__call", next},  {"__tostring", describe}, {NULL, NULL}};

static void open_loader(lua_State *L) {
   luaL_newmetatable(L, BATCH_TYPE);
   lua_pushcfunction(L, free_batch);
   lua_setfield(L, -2, "__gc");
   lua_pop(L, 1);
   luaL_newmetatable(L, TYPE);
   luaL_setfuncs(L, meta, 0);
   luaL_newlib(L, methods);
   lua_setfield(L, -2, "__index");
   lua_pop(L, 1);
   lua_pushcfunction(L, create);
   lua_setfield(L, -2, "loader");
}
SC_OPENER(open_loader)
