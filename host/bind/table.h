// Tables of Lua's, read raw: no metamethod runs, so that what a table said it holds is what is found in it.
//
// Finalizers still run, wherever Lua allocates, and may free a tensor or shorten a list. What a table holds is
// therefore kept on the stack, or read last, with nothing of Lua's between reading and use.
#ifndef SCUTE_BIND_TABLE_H
#define SCUTE_BIND_TABLE_H

#include <stdint.h>

#include "host/bind/open.h"

// Pushes table[name] and returns its type.
int sc_raw_field(lua_State *L, int table, const char *name);
// The number of entries of a list, as # gives it for one without holes; raises beyond what any list has.
int sc_list_length(lua_State *L, int list, const char *function);
// Raises where a list has names in it: they would be arguments that nobody reads, as in concat { a, b, dim = 2
// }.
void sc_refuse_names(lua_State *L, int list, const char *function, const char *argument);
// Pushes memory of Lua's for n things of `size` bytes; raises where there is not as much. Never NULL.
void *sc_push_array(lua_State *L, int64_t n, size_t size);

#endif
