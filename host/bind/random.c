// The seed of what is random, and where the random numbers stand.
#include "host/bind/bind.h"
#include "host/core/rng.h"
#include "host/core/row_keys.h"

// scute.manual_seed(n): everything random that follows depends on it alone
static int manual_seed(lua_State *L) {
   *sc_rng() = (ScRng){.seed = (uint64_t)luaL_checkinteger(L, 1)};
   return 0;
}

// scute.rng_state() -> {seed, next_stream}; scute.rng_state(state) restores it
static int rng_state(lua_State *L) {
   if (lua_istable(L, 1)) {
      lua_rawgeti(L, 1, 1);
      lua_rawgeti(L, 1, 2);
      *sc_rng() = (ScRng){(uint64_t)luaL_checkinteger(L, -2), (uint64_t)luaL_checkinteger(L, -1)};
      return 0;
   }
   lua_createtable(L, 2, 0);
   lua_pushinteger(L, (lua_Integer)sc_rng()->seed);
   lua_rawseti(L, -2, 1);
   lua_pushinteger(L, (lua_Integer)sc_rng()->next_stream);
   lua_rawseti(L, -2, 2);
   return 1;
}

// scute.row_keys(keys): from here on what is drawn for the rows of a tensor with as many of them as there are
// keys (N) i64 follows from each row's own key; scute.row_keys() ends that
static int row_keys(lua_State *L) {
   ScTensor *keys = lua_isnoneornil(L, 1) ? NULL : sc_check_tensor(L, 1, "row_keys", "keys");
   sc_check(L, sc_row_keys_set(keys));
   return 0;
}

static const luaL_Reg functions[] = {
    {"manual_seed", manual_seed}, {"rng_state", rng_state}, {"row_keys", row_keys}, {NULL, NULL}};

static void open_random(lua_State *L) {
   luaL_setfuncs(L, functions, 0);
}
SC_OPENER(open_random)
