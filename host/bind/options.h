// Named arguments: a table whose keys are known, read raw, with checks that name function and key.
#ifndef SCUTE_BIND_OPTIONS_H
#define SCUTE_BIND_OPTIONS_H

#include "host/bind/bind.h"
#include "host/photo/image_transform.h"

// Raises unless the value at `index` is a table whose keys are all among `names` (ended by NULL); an unknown
// key is told with the nearest known one.
void sc_check_options(lua_State *L, int index, const char *function, const char *const *names);

// One field of that table, or the preset where it is nil. Raises on another type and beyond the range.
lua_Integer sc_option_integer(lua_State *L, int index, const char *function, const char *name,
                              lua_Integer preset, lua_Integer low, lua_Integer high);
lua_Number sc_option_number(lua_State *L, int index, const char *function, const char *name, lua_Number preset,
                            lua_Number low, lua_Number high);
bool sc_option_boolean(lua_State *L, int index, const char *function, const char *name, bool preset);
// Which of `choices` (ended by NULL) the field names; the preset is one of them.
int sc_option_choice(lua_State *L, int index, const char *function, const char *name, int preset,
                     const char *const *choices);

// A field that is a list of whole numbers or an i64 tensor of rank 1. NULL and 0 where it is nil. The memory is
// Lua's: a userdata that stays on top of the stack (nil for NULL).
int64_t *sc_option_integers(lua_State *L, int index, const char *function, const char *name, int64_t *count);

// {pad_square = false, resize = none, crop = none, filter = "bilinear", mean = ImageNet's, std = ImageNet's}
ScPreprocess sc_check_preprocess(lua_State *L, int index, const char *function);
// filter = "bilinear" or "bicubic"
ScFilter sc_option_filter(lua_State *L, int index, const char *function);

#endif
