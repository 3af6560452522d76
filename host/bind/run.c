#include "host/bind/run.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/bind/interrupt.h"
#include "host/bind/program.h"
#include "host/term/lineedit.h"
#include "host/term/signals.h"

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

int sc_run_file(lua_State *L, const char *path, int argc, char **argv) {
   bool input = strcmp(path, "-") == 0;
   char own[PATH_MAX];
   if (!input) path = sc_program_script(path, own);
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
