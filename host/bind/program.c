#include "host/bind/program.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/bind/globals.h"
#include "host/bind/interrupt.h"
#include "host/bind/library.h"
#include "host/bind/world.h"
#include "host/core/device.h"
#include "host/core/sync.h"
#include "host/core/world.h"
#include "host/machine/machine.h"
#include "host/term/signals.h"

// ---- opening ----

// Lua's own memory, with a limit: code that fills it up gets an error instead of the kernel's out-of-memory
// killer.
typedef struct {
   size_t used, limit;
} Heap;

static void *allocate(void *context, void *block, size_t before, size_t after) {
   Heap *heap = context;
   if (!block) before = 0; // then it says what kind of object this will be
   if (after > before && after - before > heap->limit - heap->used) return NULL;
   void *moved = NULL;
   if (after == 0)
      free(block);
   else if (!(moved = realloc(block, after)))
      return NULL;
   heap->used += after - before;
   return moved;
}

static Heap heap;

static lua_State *new_state(void) {
   lua_State *L = luaL_newstate();
   if (!L) return NULL;
   size_t available = sc_available_memory();
   heap.used = (size_t)lua_gc(L, LUA_GCCOUNT) * 1024 + (size_t)lua_gc(L, LUA_GCCOUNTB);
   heap.limit = available ? heap.used + available / 10 * 9 : SIZE_MAX;
   lua_setallocf(L, allocate, &heap);
   return L;
}

static void set_arguments(lua_State *L, int argc, char **argv, int script) {
   lua_createtable(L, argc, 1);
   for (int i = 0; i < argc; i++) {
      lua_pushstring(L, argv[i]);
      lua_rawseti(L, -2, i - script);
   }
   lua_setglobal(L, "arg");
}

// ---- ending ----

static int check_output(int code) {
   bool flushed = fflush(stdout) == 0; // else what failed was an earlier write, of which the reason is gone
   if (flushed && !ferror(stdout)) return code;
   fprintf(stderr, "scute: cannot write to standard output%s%s\n", flushed ? "" : ": ",
           flushed ? "" : strerror(errno));
   return code ? code : 1;
}

static void close_state(lua_State *L) {
   if (L) lua_close(L);
   sc_watch_syncs(NULL); // who is told looks where Lua is
}

static bool was_asked(int code) {
   return sc_interrupted() || code == 128 + SIGINT || code == 128 + SIGTERM;
}

// Of several processes, the others hear of the end, and of how it ended: while the devices are there, since the
// others may be reached through them.
static int end(int code) {
   code = check_output(code);
   if (code == 0 && sc_world_gave_up()) {
      fprintf(stderr, "%sit ends in the middle of sums that other processes wait for\n", sc_world_speaker());
      code = EXIT_FAILURE;
   }
   sc_world_leave(code, was_asked(code));
   return code;
}

int sc_program_close(lua_State *L, int code) {
   sc_interrupt_detach();
   close_state(L);
   code = end(code);
   sc_close_devices();
   return code;
}

// Of several processes: what os.exit ends in one of them ends the others too, who may have no idea why.
static void tell_exit(int code) {
   if (sc_world()->size == 1 || code == 0 || was_asked(code) || sc_world_has_spoken()) return;
   fflush(stdout);
   if (sc_world_speaks())
      fprintf(stderr, "scute: rank %d was ended by os.exit(%d), and the others with it\n", sc_world()->rank,
              code);
}

// os.exit(code = true, close = true): as Lua's own, but closes the state unless told not to (workers end, files
// are written out) and fails where standard output could not be written.
static int exit_program(lua_State *L) {
   int code = lua_isboolean(L, 1) ? !lua_toboolean(L, 1) : (int)luaL_optinteger(L, 1, EXIT_SUCCESS);
   bool close = lua_isnoneornil(L, 2) || lua_toboolean(L, 2);
   sc_interrupt_detach();
   tell_exit(code);
   if (close) close_state(L);
   code = end(code);
   if (close) sc_close_devices();
   exit(code);
}

// ---- opening, protected ----

typedef struct {
   int argc, script;
   char **argv;
} Arguments;

static int open_state(lua_State *L) {
   const Arguments *arguments = lua_touserdata(L, 1);
   luaL_openlibs(L);
   sc_library_open(L);
   luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
   sc_open_all(L);
   lua_setfield(L, -2, "scute.core");
   lua_getglobal(L, "os");
   lua_pushcfunction(L, exit_program);
   lua_setfield(L, -2, "exit");
   set_arguments(L, arguments->argc, arguments->argv, arguments->script);
   sc_globals_open(L);
   return 0;
}

lua_State *sc_program_open(int argc, char **argv, int script) {
   lua_State *L = new_state();
   if (!L) {
      sc_keep_message("not enough memory to start Lua");
      return NULL;
   }
   Arguments arguments = {argc, script, argv};
   lua_pushcfunction(L, open_state);
   lua_pushlightuserdata(L, &arguments);
   if (lua_pcall(L, 1, 0, 0) == LUA_OK) {
      sc_interrupt_attach(L);
      return L;
   }
   const char *why = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "an error that is no text";
   sc_keep_message("cannot open the libraries: %s", why);
   lua_close(L);
   return NULL;
}
