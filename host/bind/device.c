// What a user asks devices for: which there are, waiting, what was waited for, how they compute, and in which
// dtypes.
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/bind/bind.h"
#include "host/bind/interrupt.h"
#include "host/core/choices.h"
#include "host/core/sync.h"
#include "host/core/threads.h"
#include "host/machine/machine.h"

// What sc_device_find said of a GPU that it did not find, without its "device 'cuda': " and ", or use --device
// cpu": who asked for "auto" has that already.
static void push_reason(lua_State *L) {
   const char *why = sc_error(), *start = strstr(why, ": "), *advice = strstr(why, "use --device cpu");
   start = start ? start + 2 : why;
   size_t n = advice ? (size_t)(advice - start) : strlen(start);
   if (n >= 5 && strncmp(start + n - 5, ", or ", 5) == 0) n -= 5;
   if (n >= 2 && strncmp(start + n - 2, "; ", 2) == 0) n -= 2;
   lua_pushlstring(L, start, n);
}

// scute.device(name = "auto") -> the name of the device that this means, such as "cuda:0", and where "auto",
// which is a GPU where one answers, is the CPU, why. Fails, saying what is missing, where there is no such
// device.
static int device(lua_State *L) {
   const char *name = luaL_optstring(L, 1, "auto");
   ScDevice *found;
   sc_check(L, sc_device_find(name, &found));
   lua_pushstring(L, found->name);
   if (strcmp(name, "auto") != 0 || found != sc_device_cpu()) return 1;
   push_reason(L);
   return 2;
}

// scute.devices() -> list of the names of the devices that are in use so far
static int devices(lua_State *L) {
   lua_newtable(L);
   for (int i = 0; sc_device_at(i); i++) {
      lua_pushstring(L, sc_device_at(i)->name);
      lua_rawseti(L, -2, i + 1);
   }
   return 1;
}

// scute.synchronize(device = all): waits until everything asked for so far is computed; for measuring times
static int synchronize(lua_State *L) {
   const char *name = luaL_optstring(L, 1, NULL);
   ScDevice *only = NULL;
   if (name) sc_check(L, sc_device_find(name, &only));
   for (int i = 0; sc_device_at(i); i++) {
      ScDevice *each = sc_device_at(i);
      if (each->backend->wait && (!only || only == each)) sc_check(L, each->backend->wait(each));
   }
   return 0;
}

// scute.syncs() -> how often the program waited for a GPU, and a table {what = times}; scute.syncs("reset")
// begins anew. With SCUTE_CUDA_SYNC=warn in the environment each wait is told on standard error.
static int syncs(lua_State *L) {
   if (lua_isstring(L, 1) && strcmp(lua_tostring(L, 1), "reset") == 0) {
      sc_reset_syncs();
      return 0;
   }
   const ScSync *list;
   int n = sc_syncs(&list);
   lua_Integer total = 0;
   for (int i = 0; i < n; i++) total += list[i].count;
   lua_pushinteger(L, total);
   lua_createtable(L, 0, n);
   for (int i = 0; i < n; i++) {
      lua_pushinteger(L, list[i].count);
      lua_setfield(L, -2, list[i].what);
   }
   return 2;
}

// Whether argument `index` says anything; then it is a boolean.
static bool says(lua_State *L, int index) {
   if (lua_isnoneornil(L, index)) return false;
   luaL_checktype(L, index, LUA_TBOOLEAN);
   return true;
}

// scute.tf32([products[, convolutions = products]]) -> whether matrix products, and whether convolutions, of
// f32 on a GPU may round their factors to 10 bits (TensorFloat-32), which is several times as fast on cards
// since Ampere. At the start convolutions may and matrix products may not, as in PyTorch.
static int tf32(lua_State *L) {
   ScChoices *choices = sc_choices();
   if (says(L, 1)) {
      bool convolutions = lua_toboolean(L, says(L, 2) ? 2 : 1);
      choices->tf32_products = lua_toboolean(L, 1);
      choices->tf32_convolutions = convolutions;
   }
   lua_pushboolean(L, choices->tf32_products);
   lua_pushboolean(L, choices->tf32_convolutions);
   return 2;
}

// scute.deterministic([on]) -> whether a GPU may use only algorithms that give the same bits at every run;
// where it has none the op fails and says so. Off at the start: then they are preferred, and which is the
// fastest is timed when a convolution comes again.
static int deterministic(lua_State *L) {
   ScChoices *choices = sc_choices();
   if (says(L, 1)) choices->deterministic = lua_toboolean(L, 1);
   lua_pushboolean(L, choices->deterministic);
   return 1;
}

// scute.chosen(device) -> which algorithms of convolutions are used there so far, as a text; "" where nothing
// is timed. Those that came only once are timed now, but for what came of more photos, too; none of them is
// timed any more when it comes again. scute.chosen(device, text): takes such a text for what is chosen from now
// on -> false where it is of another GPU or cuDNN, and nothing changes; "" forgets what was chosen so far
static int chosen(lua_State *L) {
   ScDevice *device;
   sc_check(L, sc_device_find(luaL_checkstring(L, 1), &device));
   const ScBackend *backend = device->backend;
   const char *given = luaL_optstring(L, 2, NULL);
   if (given) {
      lua_pushboolean(L, backend->choose ? backend->choose(device, given) : *given == 0);
      return 1;
   }
   char **text = sc_push_block(L);
   if (backend->chosen && !(*text = backend->chosen(device))) return luaL_error(L, "out of memory");
   lua_pushstring(L, *text ? *text : "");
   return 1;
}

// ---- each wait told ----

// With the place in the script, where Lua is running.
static void tell(const char *what) {
   lua_State *L = sc_running_state();
   lua_Debug at;
   for (int level = 0; lua_getstack(L, level, &at); level++)
      if (lua_getinfo(L, "Sl", &at) && at.currentline > 0) {
         fprintf(stderr, "scute: waits for the GPU: %s (%s:%d)\n", what, at.short_src, at.currentline);
         return;
      }
   fprintf(stderr, "scute: waits for the GPU: %s\n", what);
}

static int push_answer(lua_State *L, const ScDevice *device, bool (*has)(const ScDevice *)) {
   lua_pushboolean(L, has && has(device));
   return 1;
}

// scute.computes(device, dtype): whether the device computes products in this dtype itself. Where it does not,
// f16 and bf16 are storage: tensors are converted to f32 around each op and results rounded. "tf32": whether
// products of f32 can be rounded to it there, see scute.tf32. "tensor_cores": whether products in half width
// are faster there.
static int computes(lua_State *L) {
   ScDevice *device;
   ScDtype dtype;
   const char *what = luaL_checkstring(L, 2);
   sc_check(L, sc_device_find(luaL_checkstring(L, 1), &device));
   if (strcmp(what, "tf32") == 0) return push_answer(L, device, device->backend->rounds_products);
   if (strcmp(what, "tensor_cores") == 0) return push_answer(L, device, device->backend->has_tensor_cores);
   if (!sc_dtype_parse(what, &dtype))
      return luaL_error(
          L, "computes: expected a dtype (f32, f64, f16, bf16, i64, u8), tf32 or tensor_cores, found %s",
          sc_describe_value(L, 2));
   lua_pushboolean(L, sc_kernel_takes(sc_find_kernel(device, "conv2d"), device, dtype));
   return 1;
}

// scute.threads([n]) -> number of compute threads
static int threads(lua_State *L) {
   if (!lua_isnoneornil(L, 1)) {
      lua_Integer n = luaL_checkinteger(L, 1);
      if (n < 1 || n > 1024) return luaL_error(L, "threads: expected 1 to 1024, found %I", (LUAI_UACINT)n);
      sc_check(L, sc_threads_set((int)n));
   }
   lua_pushinteger(L, omp_get_max_threads());
   return 1;
}

// scute.processors() -> how many processors the program may use: those it may run on, cut to the quota of its
// control group
static int processors(lua_State *L) {
   lua_pushinteger(L, sc_usable_processors());
   return 1;
}

static const luaL_Reg functions[] = {{"processors", processors},
                                     {"device", device},
                                     {"devices", devices},
                                     {"synchronize", synchronize},
                                     {"syncs", syncs},
                                     {"tf32", tf32},
                                     {"deterministic", deterministic},
                                     {"chosen", chosen},
                                     {"computes", computes},
                                     {"threads", threads},
                                     {NULL, NULL}};

static void open_device(lua_State *L) {
   luaL_setfuncs(L, functions, 0);
   const char *wish = getenv("SCUTE_CUDA_SYNC");
   if (wish && strcmp(wish, "warn") == 0) sc_watch_syncs(tell);
}
SC_OPENER(open_device)
