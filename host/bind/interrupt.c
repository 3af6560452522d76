// Stops Lua code at its next instruction when a signal asks for it, in coroutines too, and tells Lua whether
// one did.
#include "host/bind/interrupt.h"

#include <signal.h>
#include <stdbool.h>

#include "host/term/signals.h"

// Instructions that clean-up code (__close, handlers) gets before the interruption is raised again, so that a
// pcall in a loop cannot swallow it for good.
enum { GRACE = 1000000, MAXDEPTH = 200 };

// The main state and the coroutines that it is running, innermost last. Hooks belong to one of them each.
static lua_State *volatile running[MAXDEPTH];
static volatile sig_atomic_t depth;
static bool raised_before;

static void raise_interrupted(lua_State *L, lua_Debug *ar) {
   (void)ar;
   if (!sc_interrupted()) { // left over in a coroutine that outlived its interruption
      lua_sethook(L, NULL, 0, 0);
      return;
   }
   lua_sethook(L, raise_interrupted, LUA_MASKCOUNT, raised_before ? 1 : GRACE);
   raised_before = true;
   luaL_error(L, "interrupted");
}

static void stop_lua(void) {
   for (int i = 0; i < depth; i++) lua_sethook(running[i], raise_interrupted, LUA_MASKCOUNT, 1);
}

void sc_interrupt_attach(lua_State *L) {
   running[0] = L;
   depth = 1;
   sc_signals_install(stop_lua);
}

void sc_interrupt_reset(void) {
   lua_sethook(running[0], NULL, 0, 0);
   raised_before = false;
   sc_interrupt_finish(false);
   sc_interrupt_clear();
}

lua_State *sc_running_state(void) {
   return running[depth > 0 ? depth - 1 : 0];
}

void sc_interrupt_detach(void) {
   if (depth > 0) lua_sethook(running[0], NULL, 0, 0);
   depth = 0;
}

// Calls the function below its arguments, all of the stack, while `co` is known to run.
static void call_within(lua_State *L, lua_State *co) {
   bool known = depth > 0 && depth < MAXDEPTH;
   if (known) running[depth] = co, depth++;
   int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
   if (known) depth--;
   if (status != LUA_OK) lua_error(L);
}

// coroutine.resume, which knows its coroutine while it runs
static int resume(lua_State *L) {
   lua_State *co = lua_tothread(L, 1);
   if (!co) return luaL_typeerror(L, 1, "coroutine");
   lua_pushvalue(L, lua_upvalueindex(1));
   lua_insert(L, 1);
   call_within(L, co);
   return lua_gettop(L);
}

// What coroutine.wrap returns: upvalues are the coroutine, coroutine.resume and coroutine.close.
static int call_wrapped(lua_State *L) {
   lua_State *co = lua_tothread(L, lua_upvalueindex(1));
   lua_pushvalue(L, lua_upvalueindex(2));
   lua_insert(L, 1);
   lua_pushvalue(L, lua_upvalueindex(1));
   lua_insert(L, 2);
   call_within(L, co);
   if (lua_toboolean(L, 1)) return lua_gettop(L) - 1;
   lua_settop(L, 2); // false and the error
   lua_pushvalue(L, lua_upvalueindex(3));
   lua_pushvalue(L, lua_upvalueindex(1));
   if (lua_status(co) != LUA_OK && lua_status(co) != LUA_YIELD) lua_pcall(L, 1, 0, 0);
   lua_settop(L, 2);
   if (lua_type(L, 2) == LUA_TSTRING) { // as the original does: where in our code it was called
      luaL_where(L, 1);
      lua_insert(L, -2);
      lua_concat(L, 2);
   }
   return lua_error(L);
}

static int wrap(lua_State *L) {
   luaL_checktype(L, 1, LUA_TFUNCTION);
   lua_pushvalue(L, lua_upvalueindex(1)); // coroutine.create
   lua_pushvalue(L, 1);
   lua_call(L, 1, 1);
   lua_pushvalue(L, lua_upvalueindex(2));
   lua_pushvalue(L, lua_upvalueindex(3));
   lua_pushcclosure(L, call_wrapped, 3);
   return 1;
}

static void replace_coroutine_functions(lua_State *L) {
   lua_getglobal(L, "coroutine");
   lua_getfield(L, -1, "create");
   lua_getfield(L, -2, "resume");
   lua_getfield(L, -3, "close");
   lua_pushcclosure(L, wrap, 3);
   lua_setfield(L, -2, "wrap");
   lua_getfield(L, -1, "resume");
   lua_pushcclosure(L, resume, 1);
   lua_setfield(L, -2, "resume");
   lua_pop(L, 1);
}

// scute.running() -> list of the coroutines that run now, the program itself first, each resumed by the one
// before
static int running_list(lua_State *L) {
   lua_createtable(L, depth, 0);
   for (int i = 0; i < depth; i++) {
      if (running[i] != L && !lua_checkstack(running[i], 1)) return luaL_error(L, "running: stack overflow");
      lua_pushthread(running[i]);
      lua_xmove(running[i], L, 1);
      lua_rawseti(L, -2, i + 1);
   }
   return 1;
}

// scute.interrupted() -> "SIGINT" or "SIGTERM" once a signal asked to stop, else nil
static int interrupted(lua_State *L) {
   int signal = sc_interrupted();
   if (!signal) return 0;
   lua_pushstring(L, signal == SIGTERM ? "SIGTERM" : "SIGINT");
   return 1;
}

// scute.on_interrupt(how) -> how it was before. "stop" (default): the first Ctrl-C or SIGTERM raises
// "interrupted" at the next instruction. "finish": it only sets scute.interrupted(), for a loop that then saves
// and returns. The second one ends the process at once either way, with exit code 130 (Ctrl-C) or 143
// (SIGTERM).
static int on_interrupt(lua_State *L) {
   static const char *const names[] = {"stop", "finish", NULL};
   bool before = sc_interrupt_finish(luaL_checkoption(L, 1, NULL, names) == 1);
   lua_pushstring(L, names[before]);
   return 1;
}

static void open_interrupt(lua_State *L) {
   replace_coroutine_functions(L);
   lua_pushcfunction(L, interrupted);
   lua_setfield(L, -2, "interrupted");
   lua_pushcfunction(L, on_interrupt);
   lua_setfield(L, -2, "on_interrupt");
   lua_pushcfunction(L, running_list);
   lua_setfield(L, -2, "running");
}
SC_OPENER(open_interrupt)
