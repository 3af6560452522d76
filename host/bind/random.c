// The seed of what is random, and where the random numbers stand.
#include "host/bind/bind.h"
#include "host/core/rng.h"

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

static const luaL_Reg functions[] = {{"manual_seed", manual_seed}, {"rng_state", rng_state}, {NULL, NULL}};

static void open_random(lua_State *L) {
   luaL_setfuncs(L, functions, 0);
}
SC_OPENER(open_random)
