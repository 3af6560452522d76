// scute.nfc: one form of a name, however its accents were written.
#include <string.h>

#include <glib.h>

#include "host/bind/bind.h"

// Longer names are no file's; glib ends the program where it finds no memory, and so is not asked for more.
enum { LONGEST = 4096 };

// scute.nfc(text) -> the same in Unicode's composed form (NFC): an "e" followed by an accent becomes the one
// letter that it looks like. Systems differ in how they write file names. What is no UTF-8, or longer than a
// path, stays as it is.
static int nfc(lua_State *L) {
   char kept[4 * LONGEST];
   size_t bytes;
   const char *text = luaL_checklstring(L, 1, &bytes);
   lua_settop(L, 1);
   char *composed = bytes <= LONGEST ? g_utf8_normalize(text, (gssize)bytes, G_NORMALIZE_NFC) : NULL;
   if (!composed) return 1;
   size_t length = strlen(composed);
   bool fits = length < sizeof kept;
   if (fits) memcpy(kept, composed, length); // pushing may raise, and glib's block would be lost
   g_free(composed);
   if (fits) lua_pushlstring(L, kept, length);
   return 1;
}

static void open_unicode(lua_State *L) {
   lua_pushcfunction(L, nfc);
   lua_setfield(L, -2, "nfc");
}
SC_OPENER(open_unicode)
