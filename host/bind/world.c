// scute.world: processes that compute one thing together, see host/core/world.h.
#include "host/bind/world.h"

#include <stdio.h>

#include "host/bind/bind.h"
#include "host/core/digest.h"
#include "host/core/span.h"
#include "host/core/world.h"
#include "host/machine/hosts.h"
#include "host/machine/launcher.h"
#include "host/machine/machine.h"

static bool launched;

void sc_world_set_launched(bool so) {
   launched = so;
}

// Each leaves time to those before it, but not for ever: a fault that hundreds share is told in the end.
bool sc_world_speaks(void) {
   enum { FIRST = 3, NEXT = 1, MOST = 6 };
   int rank = sc_world()->rank;
   return rank == 0 || sc_world_wait_for_first(FIRST + NEXT * (rank < MOST ? rank - 1 : MOST));
}

static bool has_spoken;

bool sc_world_has_spoken(void) {
   return has_spoken;
}

const char *sc_world_speaker(void) {
   static char text[160];
   has_spoken = true;
   int rank = sc_world()->rank;
   if (rank == 0 && !sc_hosts_are_several()) return "scute: ";
   if (sc_hosts_are_several())
      snprintf(text, sizeof text, "scute: rank %d on %s: ", rank, sc_host_name());
   else
      snprintf(text, sizeof text, "scute: rank %d: ", rank);
   return text;
}

// ---- functions ----

static void check_count(lua_State *L, const char *function, int most) {
   if (lua_gettop(L) > most)
      luaL_error(L, "world.%s: expected at most %d argument%s, found %s behind %s", function, most,
                 most == 1 ? "" : "s", sc_describe_value(L, most + 1), most == 1 ? "it" : "them");
}

typedef struct {
   ScTensor **out;
   const ScTensor *t;
   int root;
} Call;

static ScStatus reduce(void *context) {
   const Call *call = context;
   return sc_world_all_reduce(call->out, call->t);
}

static ScStatus broadcast_(void *context) {
   const Call *call = context;
   return sc_world_broadcast(call->out, call->t, call->root);
}

// What they give is outside the tape.
static ScTensor *check_tensor(lua_State *L, const char *name) {
   ScTensor *t = sc_check_tensor(L, 1, name, "t");
   if (sc_is_recording() && sc_needs_grad(t))
      luaL_error(L,
                 "%s: argument 't': no gradient flows through this; call it within scute.no_grad, or give it "
                 "t:detach()",
                 name);
   return t;
}

static int run(lua_State *L, const char *name, ScStatus (*what)(void *), int root) {
   sc_account(L);
   lua_settop(L, 1); // what is pushed is no argument
   Call call = {.out = sc_push_handle(L), .root = root};
   ScTensor *t = check_tensor(L, name);
   call.t = t;
   int span = sc_span_begin(name);
   ScStatus status = sc_with_retry_holding(what, &call, 1, &t);
   sc_span_end(span);
   sc_check(L, status);
   return 1;
}

// scute.world.all_reduce(t) -> a new tensor: what the tensors of all processes (f32, f64 or i64) sum up to,
// entry by entry, the same bits in each of them. All of them call it, with the same dtype and shape; a process
// alone gets a copy. No gradient flows through it; between backward and step p.grad:copy_(all_reduce(p.grad))
// adds the gradients up
static int all_reduce(lua_State *L) {
   check_count(L, "all_reduce", 1);
   return run(L, "world.all_reduce", reduce, 0);
}

// scute.world.broadcast(t, root = 0) -> a new tensor: the values that the process `root` has in its t. All call
// it, with the same dtype, shape and root
static int broadcast(lua_State *L) {
   check_count(L, "broadcast", 2);
   int exact = 1, size = sc_world()->size;
   lua_Integer root = lua_isnoneornil(L, 2) ? 0 : lua_tointegerx(L, 2, &exact);
   if (!exact || root < 0 || root >= size || (!lua_isnoneornil(L, 2) && lua_type(L, 2) != LUA_TNUMBER))
      return luaL_error(L, "world.broadcast: argument 'root': expected a rank from 0 to %d, found %s", size - 1,
                        sc_describe_value(L, 2));
   return run(L, "world.broadcast", broadcast_, (int)root);
}

// scute.world.barrier(): waits until all processes have called it
static int barrier(lua_State *L) {
   check_count(L, "barrier", 0);
   int span = sc_span_begin("world.barrier");
   ScStatus status = sc_world_barrier();
   sc_span_end(span);
   sc_check(L, status);
   return 0;
}

// scute.world.differing(text) -> list of the ranks whose text is another than that of rank 0, the same list in
// every process; all of them call it
static int differing(lua_State *L) {
   size_t length;
   const char *text = luaL_checklstring(L, 1, &length);
   int size = sc_world()->size;
   int64_t *all = sc_push_array(L, size, sizeof *all);
   sc_check(L, sc_world_same_call("differing"));
   sc_check(L, sc_world_exchange((int64_t)sc_digest(0, text, length), all));
   lua_newtable(L);
   for (int i = 1, n = 0; i < size; i++) {
      if (all[i] == all[0]) continue;
      lua_pushinteger(L, i);
      lua_rawseti(L, -2, ++n);
   }
   return 1;
}

// scute.world.speaks() -> whether this process is to say why it fails, and what its message begins with
static int speaks(lua_State *L) {
   lua_pushboolean(L, sc_world_speaks());
   lua_pushstring(L, sc_world_speaker());
   return 2;
}

// scute.world.saves(begins): around what the first process saves, see host/core/world.h; true alone: it is
// about to fail
static int saves(lua_State *L) {
   sc_world_saves(lua_toboolean(L, 1));
   return 0;
}

// scute.world.wait(): waits until all processes are here, however long that takes, and sleeps meanwhile
static int wait_for_all(lua_State *L) {
   ScCommunicator *world = sc_world();
   sc_check(L, world->barrier(world, 0));
   return 0;
}

// scute.world.host() -> the name of the host that this process is on, what its processor is called, and how
// many cores it may use
static int host(lua_State *L) {
   lua_pushstring(L, sc_host_name());
   lua_pushstring(L, sc_host_processor());
   lua_pushinteger(L, sc_usable_cores());
   return 3;
}

static const luaL_Reg functions[] = {{"all_reduce", all_reduce},
                                     {"broadcast", broadcast},
                                     {"barrier", barrier},
                                     {"differing", differing},
                                     {"speaks", speaks},
                                     {"wait", wait_for_all},
                                     {"host", host},
                                     {"saves", saves},
                                     {NULL, NULL}};

// scute.world.rank: the number of this process among those that a launcher (mpirun, scute --nproc N) started
// together, from 0, as in MPI; 0 where it is alone

// scute.world.size: how many processes there are; 1 where this one is alone

// scute.world.launched: whether a launcher has started this process, also as the only one: its streams are the
// launcher's then

// scute.world.terminal: whether the standard output of this process ends on a terminal all the same

// scute.world.transport: what joins them: "mpi", or "none"
static void open_world(lua_State *L) {
   const ScCommunicator *world = sc_world();
   luaL_getsubtable(L, -1, "world");
   luaL_setfuncs(L, functions, 0);
   lua_pushinteger(L, world->rank);
   lua_setfield(L, -2, "rank");
   lua_pushinteger(L, world->size);
   lua_setfield(L, -2, "size");
   lua_pushstring(L, world->transport);
   lua_setfield(L, -2, "transport");
   lua_pushboolean(L, launched);
   lua_setfield(L, -2, "launched");
   lua_pushboolean(L, launched && sc_launch_terminal() >= 0);
   lua_setfield(L, -2, "terminal");
   lua_pop(L, 1);
}
SC_OPENER(open_world)
