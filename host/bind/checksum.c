// A checksum over tensors and text, for checkpoints.
#include <stdlib.h>
#include <zlib.h>

#include "host/bind/bind.h"
#include "host/core/transfer.h"

// The content in logical order, so that the sum does not depend on the layout in memory.
static ScStatus add_tensor(const ScTensor *t, uLong *sum) {
   size_t bytes = sc_nbytes(t);
   void *logical = malloc(bytes ? bytes : 1);
   if (!logical) return sc_fail(SC_EMEM, "checksum: out of memory for %zu bytes", bytes);
   ScStatus status = sc_tensor_read(t, logical);
   if (status == SC_OK) *sum = crc32_z(*sum, logical, bytes);
   free(logical);
   return status;
}

// scute.checksum(list of tensors and texts) -> 8 hex digits, the CRC-32 of their contents in that order; the
// list is read raw
static int checksum(lua_State *L) {
   luaL_checktype(L, 1, LUA_TTABLE);
   uLong sum = crc32_z(0, NULL, 0);
   for (int i = 1, n = sc_list_length(L, 1, "checksum"); i <= n; i++) {
      size_t length;
      lua_rawgeti(L, 1, i);
      const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &length) : NULL;
      if (text)
         sum = crc32_z(sum, (const Bytef *)text, length);
      else
         sc_check(L, add_tensor(sc_check_tensor(L, -1, "checksum", "list"), &sum));
      lua_pop(L, 1);
   }
   char hex[9];
   snprintf(hex, sizeof hex, "%08lx", sum & 0xfffffffful);
   lua_pushstring(L, hex);
   return 1;
}

static void open_checksum(lua_State *L) {
   lua_pushcfunction(L, checksum);
   lua_setfield(L, -2, "checksum");
}
SC_OPENER(open_checksum)
