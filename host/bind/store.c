// scute.files.keep, recall and stamp: what a run leaves for the next one of the same --watch, for
// lua/scute/train.
#include <stdlib.h>
#include <string.h>

#include "host/bind/bind.h"
#include "host/core/device.h"
#include "host/core/stamp.h"
#include "host/core/store.h"
#include "host/core/transfer.h"

// What stands before a text and the content of a tensor.
typedef struct {
   size_t text;
   ScDtype dtype;
   int rank; // -1: there is no tensor
   int64_t shape[SC_MAXRANK];
} Head;

static ScStoreKey check_key(lua_State *L, int index) {
   size_t length;
   const char *text = luaL_checklstring(L, index, &length);
   return sc_store_key("lua", text, length);
}

typedef struct {
   Head head;
   const char *text;
   const ScTensor *tensor;
   ScStoreKey key;
} Keeping;

// The tensor's content in logical order, behind the text.
static ScStatus keep_both(void *context) {
   const Keeping *k = context;
   size_t bytes = k->tensor ? sc_nbytes(k->tensor) : 0;
   char *content = malloc(k->head.text + bytes + 1);
   if (!content) return SC_OK; // what is not kept is computed again
   memcpy(content, k->text, k->head.text);
   ScStatus status = k->tensor ? sc_tensor_read(k->tensor, content + k->head.text) : SC_OK;
   if (status == SC_OK) sc_store_keep(&k->key, &k->head, sizeof k->head, content, k->head.text + bytes);
   free(content);
   return status;
}

// scute.files.keep(key, text, tensor = none): under --watch, leaves both for the runs that follow, as long as
// there is room; elsewhere nothing happens. `key` is a text that says all that they depend on.
static int keep(lua_State *L) {
   Keeping k = {.key = check_key(L, 1)};
   k.text = luaL_checklstring(L, 2, &k.head.text);
   k.head.rank = -1;
   if (!sc_store_is_open()) return 0;
   ScTensor *tensor = lua_isnoneornil(L, 3) ? NULL : sc_check_tensor(L, 3, "keep", "tensor");
   if (tensor) {
      k.tensor = tensor;
      k.head.dtype = tensor->dtype, k.head.rank = tensor->rank;
      memcpy(k.head.shape, tensor->shape, sizeof k.head.shape);
   }
   sc_check(L, sc_with_retry_holding(keep_both, &k, 1, &tensor));
   return 0;
}

// scute.files.recall(key) -> the text and the tensor (on the CPU; nil where there was none) that were kept
// under that key; nil where nothing is
static int recall(lua_State *L) {
   ScStoreKey key = check_key(L, 1);
   size_t size;
   const char *found = sc_store_find(&key, &size);
   if (!found) return 0;
   Head head;
   memcpy(&head, found, sizeof head);
   lua_pushlstring(L, found + sizeof head, head.text);
   if (head.rank < 0) return 1;
   ScTensor *tensor = sc_push_new_tensor(L, sc_device_cpu(), head.dtype, head.rank, head.shape);
   sc_check(L, sc_tensor_write(tensor, found + sizeof head + head.text));
   return 2;
}

// scute.files.stamp(path) -> a text that is another one after every change of the file, whether a change from
// now on would surely make it so, and the time of the last one in whole seconds; nil where there is no such
// file
static int file_stamp(lua_State *L) {
   struct stat info;
   if (stat(luaL_checkstring(L, 1), &info) != 0) return 0;
   ScStamp found = sc_stamp(&info);
   lua_pushlstring(L, (const char *)&found, sizeof found);
   lua_pushboolean(L, sc_stamp_settled(&found));
   lua_pushinteger(L, found.changed);
   return 3;
}

static void open_store(lua_State *L) {
   luaL_getsubtable(L, -1, "files");
   lua_pushcfunction(L, keep);
   lua_setfield(L, -2, "keep");
   lua_pushcfunction(L, recall);
   lua_setfield(L, -2, "recall");
   lua_pushcfunction(L, file_stamp);
   lua_setfield(L, -2, "stamp");
   lua_pop(L, 1);
}
SC_OPENER(open_store)
