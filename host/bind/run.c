#include "host/bind/run.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/bind/interrupt.h"
#include "host/core/device.h"
#include "host/term/lineedit.h"
#include "host/machine/machine.h"
#include "host/term/signals.h"
#include "host/core/sync.h"
#include "host/core/version.h"

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

static char library[PATH_MAX]; // the folder lua/, beside which scripts/ and examples/ lie

// The library lies beside the binary (a build tree) or in ../share/scute (installed).
static void set_library_path(lua_State *L) {
   static const char *places[] = {"lua", "../lua", "../share/scute/lua"};
   char self[PATH_MAX], probe[PATH_MAX + 64];
   ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
   if (length < 0) return;
   self[length] = '\0';
   const char *folder = dirname(self);
   for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
      snprintf(probe, sizeof probe, "%s/%s/scute/init.lua", folder, places[i]);
      if (access(probe, R_OK) != 0) continue;
      snprintf(probe, sizeof probe, "%s/%s", folder, places[i]);
      if (!realpath(probe, library)) return;
      lua_getglobal(L, "package");
      lua_getfield(L, -1, "path");
      lua_pushfstring(L, "%s/?.lua;%s/?/init.lua;%s", library, library, lua_tostring(L, -1));
      lua_setfield(L, -3, "path");
      lua_pop(L, 2);
      return;
   }
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
   if (fflush(stdout) == 0 && !ferror(stdout)) return code;
   fprintf(stderr, "scute: cannot write to standard output%s%s\n", errno ? ": " : "",
           errno ? strerror(errno) : "");
   return code ? code : 1;
}

static void close_all(lua_State *L) {
   if (L) lua_close(L);
   sc_watch_syncs(NULL); // who is told looks where Lua is
   sc_close_devices();
}

int sc_run_close(lua_State *L, int code) {
   sc_interrupt_detach();
   close_all(L);
   return check_output(code);
}

// os.exit(code = true, close = true): as Lua's own, but closes the state unless told not to (workers end, files
// are written out) and fails where standard output could not be written.
static int exit_program(lua_State *L) {
   int code = lua_isboolean(L, 1) ? !lua_toboolean(L, 1) : (int)luaL_optinteger(L, 1, EXIT_SUCCESS);
   bool close = lua_isnoneornil(L, 2) || lua_toboolean(L, 2);
   sc_interrupt_detach();
   if (close) close_all(L);
   exit(check_output(code));
}

// ---- opening, protected ----

typedef struct {
   int argc, script;
   char **argv;
} Arguments;

static int open_state(lua_State *L) {
   const Arguments *arguments = lua_touserdata(L, 1);
   luaL_openlibs(L);
   set_library_path(L);
   luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
   sc_open_all(L);
   lua_setfield(L, -2, "scute.core");
   lua_getglobal(L, "os");
   lua_pushcfunction(L, exit_program);
   lua_setfield(L, -2, "exit");
   set_arguments(L, arguments->argc, arguments->argv, arguments->script);
   return 0;
}

lua_State *sc_run_open(int argc, char **argv, int script) {
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
   sc_keep_message("cannot open the libraries: %s", luaL_tolstring(L, -1, NULL));
   lua_close(L);
   return NULL;
}

// ---- running ----

static bool has_exit_code(lua_State *L, int index) {
   if (!lua_istable(L, index)) return false;
   bool has = lua_getfield(L, index, "exit") == LUA_TNUMBER;
   lua_pop(L, 1);
   return has;
}

// A script that reads a command line through scute.cli tells its user what is wrong in one line:
// cli.explain(error) gives {message, exit}, or nil where a traceback says more. Pushes the former.
static bool explain(lua_State *L) {
   luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
   if (lua_getfield(L, -1, "scute.cli") != LUA_TTABLE) return false;
   if (lua_getfield(L, -1, "explain") != LUA_TFUNCTION) return false;
   lua_pushvalue(L, 1);
   return lua_pcall(L, 1, 1, 0) == LUA_OK && has_exit_code(L, -1);
}

// Message handler: text with a traceback. What ends a program on purpose stays as it is.
static int add_traceback(lua_State *L) {
   if (has_exit_code(L, 1)) return 1;
   if (!sc_interrupted() && explain(L)) return 1;
   const char *message = luaL_tolstring(L, 1, NULL);
   bool has_one = strstr(message, "\nstack traceback:") != NULL; // an error inside a model brings its own
   if (!sc_interrupted() && !has_one) luaL_traceback(L, L, message, 1);
   return 1;
}

static int report(lua_State *L) {
   if (sc_interrupted()) {
      fprintf(stderr, "scute: interrupted\n");
      return 128 + sc_interrupted();
   }
   if (!has_exit_code(L, -1)) {
      const char *message = lua_tostring(L, -1);
      fprintf(stderr, "scute: %s\n", message ? message : "error without a message");
      return EXIT_FAILURE;
   }
   lua_getfield(L, -1, "message");
   if (!lua_isnil(L, -1)) fprintf(stderr, "scute: %s\n", luaL_tolstring(L, -1, NULL));
   lua_getfield(L, -2 - !lua_isnil(L, -1), "exit");
   return (int)lua_tointeger(L, -1);
}

// Calls the function below `nargs` arguments, with a traceback for errors. `status` is how loading it ended.
static int call(lua_State *L, int status, int nargs, int nresults) {
   if (status != LUA_OK) return report(L);
   int function = lua_gettop(L) - nargs;
   lua_pushcfunction(L, add_traceback);
   lua_insert(L, function);
   status = lua_pcall(L, nargs, nresults, function);
   lua_remove(L, function);
   if (status != LUA_OK) return report(L);
   return sc_interrupted() ? 128 + sc_interrupted() : EXIT_SUCCESS;
}

// A script that is not here may be one of scute's own: scripts/transfer_learning.lua, from any folder.
static const char *find_script(const char *path, char own[PATH_MAX]) {
   if (access(path, F_OK) == 0 || path[0] == '/' || !library[0]) return path;
   int reason = errno, length = snprintf(own, PATH_MAX, "%s/../%s", library, path);
   bool found = length < PATH_MAX && access(own, R_OK) == 0;
   errno = reason;
   return found ? own : path;
}

int sc_run_file(lua_State *L, const char *path, int argc, char **argv) {
   bool input = strcmp(path, "-") == 0;
   char own[PATH_MAX];
   if (!input) path = find_script(path, own);
   if (!input && access(path, R_OK) != 0) {
      fprintf(stderr, "scute: cannot open '%s': %s\n", path, strerror(errno));
      return EXIT_FAILURE;
   }
   int status = luaL_loadfilex(L, input ? NULL : path, "t");
   luaL_checkstack(L, argc, "too many arguments");
   for (int i = 0; i < argc && status == LUA_OK; i++) lua_pushstring(L, argv[i]);
   int code = call(L, status, argc, 0);
   lua_settop(L, 0);
   return code;
}

int sc_run_code(lua_State *L, const char *code, const char *name) {
   int failed = call(L, luaL_loadbufferx(L, code, strlen(code), name, "t"), 0, 0);
   lua_settop(L, 0);
   return failed;
}

static int preload(lua_State *L) {
   lua_getglobal(L, "require");
   lua_pushliteral(L, "scute");
   lua_call(L, 1, 1);
   lua_setglobal(L, "scute");
   return 0;
}

int sc_run_preload(lua_State *L) {
   lua_pushcfunction(L, preload);
   int code = call(L, LUA_OK, 0, 0);
   lua_settop(L, 0);
   return code;
}

static int session_step(lua_State *L) {
   lua_getglobal(L, "require");
   lua_pushvalue(L, 1);
   lua_call(L, 1, 1);
   lua_getfield(L, -1, "step");
   lua_call(L, 0, 1);
   return 1;
}

int sc_run_session(lua_State *L, const char *module) {
   for (;;) {
      lua_settop(L, 0);
      lua_pushcfunction(L, session_step);
      lua_pushstring(L, module);
      int status = lua_pcall(L, 1, 1, 0), signal = sc_interrupted();
      if (signal == SIGTERM || (signal && !sc_line_at_terminal())) return 128 + signal;
      if (status == LUA_OK && !lua_isnil(L, -1)) return (int)lua_tointeger(L, -1);
      if (signal && status != LUA_OK)
         fprintf(stderr, "\ninterrupted\n");
      else if (status != LUA_OK)
         fprintf(stderr, "%s\n", luaL_tolstring(L, -1, NULL));
      sc_interrupt_reset();
   }
}

// scute.version() -> {scute = "0.1.0", lua = "Lua 5.4.4", cpu = "oneDNN 3.2.0"}
static int version(lua_State *L) {
   lua_createtable(L, 0, 3);
   lua_pushliteral(L, SC_VERSION);
   lua_setfield(L, -2, "scute");
   lua_pushliteral(L, LUA_RELEASE);
   lua_setfield(L, -2, "lua");
   lua_pushstring(L, sc_device_cpu()->backend->library());
   lua_setfield(L, -2, "cpu");
   return 1;
}

extern const char sc_binding_help[]; // made by tools/help.awk

// scute.binding_help() -> what the comments above functions bound in C say, one blank line between two
static int binding_help(lua_State *L) {
   lua_pushstring(L, sc_binding_help);
   return 1;
}

static void open_version(lua_State *L) {
   lua_pushcfunction(L, version);
   lua_setfield(L, -2, "version");
   lua_pushcfunction(L, binding_help);
   lua_setfield(L, -2, "binding_help");
}
SC_OPENER(open_version)
