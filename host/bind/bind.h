// Lua meets the core: check, push, raise. The only folder besides main.c that knows Lua.
//
// Rule: while something is acquired, nothing may raise. Marshal every argument first (that may raise, and let
// finalizers run), push the handles of the results, look into the handles of the arguments last, and hold what
// they hold while the core works; then release, and raise last.
#ifndef SCUTE_BIND_H
#define SCUTE_BIND_H

#include "host/bind/error.h"
#include "host/bind/open.h"
#include "host/bind/table.h"
#include "host/core/op.h"
#include "host/core/retry.h"
#include "host/core/tape.h"
#include "host/core/tensor.h"

#define SC_TENSOR_TYPE "scute.tensor"

// Pushes an empty handle, to be filled once the tensor exists: an allocation of Lua's that fails then leaks
// nothing.
ScTensor **sc_push_handle(lua_State *L);
// The tensor at an index; raises "NAME: argument 'ARG': expected a tensor, found ..." otherwise. It lives until
// Lua allocates, when a finalizer may free it, unless it is held.
ScTensor *sc_check_tensor(lua_State *L, int index, const char *function, const char *argument);
ScTensor *sc_test_tensor(lua_State *L, int index); // NULL if it is none

// sc_with_retry with these tensors (NULL is fine) held, since the collector runs finalizers.
ScStatus sc_with_retry_holding(ScStatus (*run)(void *context), void *context, int n, ScTensor *const *tensors);

// Reads a shape: ints from `first` to the top, or one table of ints, read raw. Returns the rank.
int sc_check_shape(lua_State *L, int first, const char *function, int64_t shape[SC_MAXRANK]);

// Pushes a place for memory of malloc's, which is freed with it: Lua may raise while that is made a string.
char **sc_push_block(lua_State *L);

// "a table", "nil", "the string 'abc'", "a tensor (2, 3)": what was found, for messages. Valid until the next
// call.
const char *sc_describe_value(lua_State *L, int index);

// Pushes a new tensor with uninitialised content.
ScTensor *sc_push_new_tensor(lua_State *L, ScDevice *, ScDtype, int rank, const int64_t *shape);
// Fills a tensor with the number at an index; whole numbers keep all their digits in an i64 tensor.
void sc_fill_number(lua_State *L, ScTensor *, int index);
// Collects fully where live tensor bytes have grown past what the design allows. Call before allocating.
void sc_account(lua_State *L);

#endif
