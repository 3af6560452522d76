#include "host/bind/run.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/bind/environment.h"
#include "host/bind/interrupt.h"
#include "host/bind/library.h"
#include "host/bind/world.h"
#include "host/core/visible.h"
#include "host/core/world.h"
#include "host/files/watched.h"
#include "host/term/lineedit.h"
#include "host/term/signals.h"

static int exit_code; // what the error that ended a chunk stands for

// An error object {exit = code, message = text}, read raw: leaves the text (nil: there is nothing to say) in
// its place.
static bool take_exit_code(lua_State *L, int index) {
   if (!lua_istable(L, index)) return false;
   bool has = sc_raw_field(L, index, "exit") == LUA_TNUMBER;
   lua_Integer code = lua_tointeger(L, -1);
   lua_pop(L, 1);
   if (!has) return false;
   if (sc_raw_field(L, index, "message") != LUA_TNIL) luaL_tolstring(L, -1, NULL);
   lua_replace(L, index);
   exit_code = (int)code;
   return true;
}

// A script that reads a command line through scute.cli tells its user what is wrong in one line:
// cli.explain(error) gives {message, exit}, or nil where a traceback says more. Pushes the former.
static bool explain(lua_State *L) {
   luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
   if (sc_raw_field(L, -1, "scute.cli") != LUA_TTABLE) return false;
   if (sc_raw_field(L, -1, "explain") != LUA_TFUNCTION) return false;
   lua_pushvalue(L, 1);
   return lua_pcall(L, 1, 1, 0) == LUA_OK;
}

// A script before a session keeps its locals for it (lua/scute/repl/script.lua), of which an error is told
// while they are still there.
static const char script_module[] = "scute.repl.script";

static void keep_locals(lua_State *L) {
   luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
   if (sc_raw_field(L, -1, script_module) == LUA_TTABLE && sc_raw_field(L, -1, "failed") == LUA_TFUNCTION) {
      lua_pushvalue(L, 1);
      lua_pcall(L, 1, 0, 0);
   }
   lua_settop(L, 1);
}

// lua/scute/base/traceback.lua puts the text at `index` into words, with the stack below the message handler.
// Pushes them. False where that fails, as without memory or on a stack that is full.
static bool describe(lua_State *L, int index) {
   sc_environment_push(L, "require");
   lua_pushliteral(L, "scute.base.traceback");
   if (lua_pcall(L, 1, 1, 0) != LUA_OK || sc_raw_field(L, -1, "describe") != LUA_TFUNCTION) return false;
   lua_pushvalue(L, index);
   lua_pushinteger(L, 2);
   return lua_pcall(L, 2, 1, 0) == LUA_OK && lua_type(L, -1) == LUA_TSTRING;
}

// Message handler: makes the error the text to report, which then needs nothing that may raise, with a
// traceback unless the program is ended on purpose.
static int settle(lua_State *L) {
   sc_world_saves(true); // what is to be closed now may save
   keep_locals(L);
   if (take_exit_code(L, 1)) return lua_settop(L, 1), 1;
   if (!sc_interrupted() && explain(L) && take_exit_code(L, lua_gettop(L))) return 1;
   const char *message = luaL_tolstring(L, 1, NULL);
   if (sc_interrupted() || describe(L, lua_gettop(L))) return 1;
   luaL_traceback(L, L, message, 1);
   return 1;
}

static void say(const char *before, const char *message) {
   fputs(before, stderr);
   sc_put_visible(stderr, message);
   putc('\n', stderr);
}

static int report(lua_State *L) {
   if (sc_interrupted()) {
      if (sc_interrupted() != SC_SAVED && sc_world()->rank == 0) fprintf(stderr, "scute: interrupted\n");
      return 128 + sc_interrupted();
   }
   const char *message = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
   bool was_asked = exit_code == 128 + SIGINT || exit_code == 128 + SIGTERM; // all of a group were
   if (message && !(was_asked && sc_world()->rank > 0) && sc_world_speaks()) say(sc_world_speaker(), message);
   return exit_code;
}

// Calls the function below `nargs` arguments, with a traceback for errors. `status` is how loading it ended.
static int call(lua_State *L, int status, int nargs, int nresults) {
   exit_code = EXIT_FAILURE;
   int top = lua_gettop(L);
   if (status == LUA_ERRSYNTAX && !describe(L, top)) lua_settop(L, top); // what Lua says stays
   if (status != LUA_OK) return report(L);
   int function = lua_gettop(L) - nargs;
   lua_pushcfunction(L, settle);
   lua_insert(L, function);
   status = lua_pcall(L, nargs, nresults, function);
   lua_remove(L, function);
   if (status != LUA_OK) return report(L);
   return sc_interrupted() ? 128 + sc_interrupted() : EXIT_SUCCESS;
}

// Pushes require("scute.repl.script").load(path): the main chunk, or nil and a message.
static int load_keeping(lua_State *L) {
   sc_environment_push(L, "require");
   lua_pushstring(L, script_module);
   lua_call(L, 1, 1);
   lua_getfield(L, -1, "load");
   lua_pushvalue(L, 1);
   lua_call(L, 1, 2);
   return 2;
}

static int load_file(lua_State *L, const char *path, bool keep) {
   if (!keep || !path) return luaL_loadfilex(L, path, "t");
   lua_pushcfunction(L, load_keeping);
   lua_pushstring(L, path);
   int status = lua_pcall(L, 1, 2, 0);
   if (status != LUA_OK) return status;
   status = lua_isnil(L, -2) ? LUA_ERRSYNTAX : LUA_OK;
   lua_remove(L, status == LUA_OK ? -1 : -2);
   return status;
}

// arg[0] is a path that leads to the script.
static int name_script(lua_State *L) {
   if (lua_getglobal(L, "arg") != LUA_TTABLE) return 0;
   lua_pushstring(L, lua_touserdata(L, 1));
   lua_rawseti(L, -2, 0);
   return 0;
}

static int enter(lua_State *L, const char *path) {
   sc_library_look_beside(path);
   lua_pushcfunction(L, name_script);
   lua_pushlightuserdata(L, (void *)path);
   return call(L, LUA_OK, 1, 0);
}

// What scute.process.ends_with(code) has said, for a script that ends without an error.
static int ending(lua_State *L) {
   lua_getfield(L, LUA_REGISTRYINDEX, SC_ENDS_WITH);
   int code = (int)lua_tointeger(L, -1);
   lua_pop(L, 1);
   return code;
}

static int cannot_open(const char *option, const char *path) {
   int why = errno;
   if (sc_world_speaks())
      fprintf(stderr, "%s%scannot open '%s': %s\n", sc_world_speaker(), option, path, strerror(why));
   return EXIT_FAILURE;
}

int sc_run_file(lua_State *L, const char *path, int argc, char **argv, bool keep) {
   bool input = strcmp(path, "-") == 0;
   char own[PATH_MAX];
   if (!input) path = sc_library_script(path, own);
   if (!input) sc_watched_note(path);
   if (!input && access(path, R_OK) != 0) return cannot_open("", path);
   int failed = input ? 0 : enter(L, path);
   if (failed) return failed;
   int status = load_file(L, input ? NULL : path, keep);
   luaL_checkstack(L, argc, "too many arguments");
   for (int i = 0; i < argc && status == LUA_OK; i++) lua_pushstring(L, argv[i]);
   int code = call(L, status, argc, 0);
   lua_settop(L, 0);
   return code == EXIT_SUCCESS ? ending(L) : code;
}

int sc_run_load(lua_State *L, const char *path) {
   char own[PATH_MAX];
   path = sc_library_script(path, own);
   sc_watched_note(path);
   if (access(path, R_OK) != 0) return cannot_open("-l: ", path);
   if (!sc_library_look_also(path)) return fprintf(stderr, "scute: not enough memory\n"), EXIT_FAILURE;
   int code = call(L, load_file(L, path, false), 0, 0);
   lua_settop(L, 0);
   return code;
}

int sc_run_code(lua_State *L, const char *code, const char *name) {
   int failed = call(L, luaL_loadbufferx(L, code, strlen(code), name, "t"), 0, 0);
   lua_settop(L, 0);
   return failed;
}

static int call_module(lua_State *L) {
   const char *const *names = lua_touserdata(L, 1);
   sc_environment_push(L, "require");
   lua_pushstring(L, names[0]);
   lua_call(L, 1, 1);
   lua_pushstring(L, names[1]);
   lua_call(L, 1, 0);
   return 0;
}

int sc_run_module(lua_State *L, const char *module, const char *argument) {
   const char *names[] = {module, argument};
   lua_pushcfunction(L, call_module);
   lua_pushlightuserdata(L, names);
   int code = call(L, LUA_OK, 1, 0);
   lua_settop(L, 0);
   return code;
}

static int preload(lua_State *L) {
   sc_environment_push(L, "require");
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
   sc_environment_push(L, "require");
   lua_pushstring(L, lua_touserdata(L, 1));
   lua_call(L, 1, 1);
   lua_getfield(L, -1, "step");
   lua_call(L, 0, 1);
   return 1;
}

static int to_text(lua_State *L) {
   luaL_tolstring(L, 1, NULL);
   return 1;
}

int sc_run_session(lua_State *L, const char *module) {
   for (;;) {
      lua_settop(L, 0);
      lua_pushcfunction(L, to_text);
      lua_pushcfunction(L, session_step);
      lua_pushlightuserdata(L, (void *)module);
      int status = lua_pcall(L, 1, 1, 1), signal = sc_interrupted();
      if (signal == SIGTERM || (signal && !sc_line_at_terminal())) return 128 + signal;
      if (status == LUA_OK && !lua_isnil(L, -1)) return (int)lua_tointeger(L, -1);
      if (signal && status != LUA_OK)
         fprintf(stderr, "\ninterrupted\n");
      else if (status != LUA_OK)
         say("", lua_tostring(L, -1));
      sc_interrupt_reset();
   }
}
