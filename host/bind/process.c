// scute.process: who this process is, whom it belongs to, what it may take, and those that it starts.
#define _GNU_SOURCE
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/bind/bind.h"
#include "host/bind/run.h"
#include "host/core/span.h"
#include "host/machine/child.h"
#include "host/machine/limit.h"
#include "host/machine/parent.h"
#include "host/term/signals.h"

// scute.process.id() -> the number of this process
static int id(lua_State *L) {
   lua_pushinteger(L, getpid());
   return 1;
}

static char job_path[PATH_MAX], first_folder[PATH_MAX]; // "": none, not known

// What was meant for this process alone is gone from the environment before it starts another, which may be
// this program with an experiment of its own.
static void take_what_is_ours(void) {
   const char *path = getenv("SCUTE_EXPERIMENT");
   if (path) snprintf(job_path, sizeof job_path, "%s", path);
   unsetenv("SCUTE_EXPERIMENT");
   if (!first_folder[0] && !getcwd(first_folder, sizeof first_folder)) first_folder[0] = '\0';
}

static int push_path(lua_State *L, const char *path) {
   if (path[0])
      lua_pushstring(L, path);
   else
      lua_pushnil(L);
   return 1;
}

// scute.process.job() -> SCUTE_EXPERIMENT as this process found it in its environment, or nil
static int job(lua_State *L) {
   return push_path(L, job_path);
}

// scute.process.first_folder() -> the folder in which this process began, nil where that is not known
static int began_in(lua_State *L) {
   return push_path(L, first_folder);
}

// scute.process.end_with_parent(id): kills this process as soon as its parent, of that number, has ended; a
// second Ctrl-C or SIGTERM, which ends the parent, does nothing here
static int end_with_parent(lua_State *L) {
   sc_check(L, sc_end_with_parent((long)luaL_checkinteger(L, 1)));
   sc_interrupt_only_first();
   return 0;
}

// scute.process.limit_memory(bytes) -> the limit until now, nil where there was none: what would take more
// memory than that (nil: no limit) fails from now on as if the machine had no more. An error where this process
// has more already.
static int limit_memory(lua_State *L) {
   lua_Integer bytes = luaL_optinteger(L, 1, -1);
   luaL_argcheck(L, bytes >= 0 || lua_isnoneornil(L, 1), 1, "expected a number of bytes");
   long long before;
   sc_check(L, sc_limit_memory(bytes, &before));
   if (before < 0) return 0;
   lua_pushinteger(L, before);
   return 1;
}

// scute.process.killed_first(): asks the system to end this process before others where memory runs out; does
// nothing where that is not allowed
static int killed_first(lua_State *L) {
   (void)L;
   sc_killed_first();
   return 0;
}

// ---- children ----

// Pushes the texts of a list, and below them a list of C that ends with NULL.
static const char *const *push_texts(lua_State *L, int list) {
   luaL_checktype(L, list, LUA_TTABLE);
   int n = sc_list_length(L, list, "process.start");
   const char **texts = sc_push_array(L, n + 1, sizeof *texts);
   luaL_checkstack(L, n + 1, "too many words");
   for (int i = 0; i < n; i++) {
      size_t length;
      lua_rawgeti(L, list, i + 1);
      texts[i] = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &length) : NULL;
      if (!texts[i] || strlen(texts[i]) != length)
         luaL_error(L, "process.start: argument %d: expected texts without zero bytes", list);
   }
   texts[n] = NULL;
   return texts;
}

// scute.process.start(words, environment, output, errors, folder) -> number of a new process: the program and
// its arguments as a list; "NAME=value" as a list, in the place of what this process has; files to which what
// it says is added; where it begins (nil: here). It has no input and no open file of this process, and is a
// group of its own, which stops (Ctrl-Z) with this process.
static int start(lua_State *L) {
   ScChildCommand command = {.output = luaL_checkstring(L, 3),
                             .errors = luaL_checkstring(L, 4),
                             .folder = luaL_optstring(L, 5, NULL)};
   lua_settop(L, 5);
   command.words = push_texts(L, 1);
   command.additions = push_texts(L, 2);
   long child;
   sc_check(L, sc_child_start(&command, &child));
   lua_pushinteger(L, child);
   return 1;
}

// scute.process.wait(numbers, seconds) -> number, "exit" or "signal", its code: which process of the list, all
// started here, has ended, and how; each end is told once. Where it did not end well, what it has started is
// killed. nil where none did within that time, or as soon as a signal came.
static int wait_for(lua_State *L) {
   luaL_checktype(L, 1, LUA_TTABLE);
   double seconds = luaL_checknumber(L, 2);
   int n = sc_list_length(L, 1, "process.wait"), which;
   long *children = sc_push_array(L, n, sizeof *children);
   for (int i = 0; i < n; i++) {
      if (lua_rawgeti(L, 1, i + 1) != LUA_TNUMBER)
         return luaL_error(L, "process.wait: expected a list of numbers of processes");
      children[i] = (long)lua_tointeger(L, -1);
      lua_pop(L, 1);
   }
   ScChildEnd end;
   int span = sc_span_begin("waiting for processes");
   ScStatus status = sc_child_wait(n, children, seconds, &which, &end);
   sc_span_end(span);
   sc_check(L, status);
   if (which < 0) return 0;
   lua_pushinteger(L, children[which]);
   lua_pushstring(L, end.signal ? "signal" : "exit");
   lua_pushinteger(L, end.signal ? end.signal : end.exit_code);
   return 3;
}

// scute.process.signal(number, name): sends "SIGINT", "SIGTERM" or "SIGKILL" to a process that was started here
// and whose end was not told yet, and to all that it has started
static int send_signal(lua_State *L) {
   static const char *const names[] = {"SIGINT", "SIGTERM", "SIGKILL", NULL};
   static const int numbers[] = {SIGINT, SIGTERM, SIGKILL};
   long child = (long)luaL_checkinteger(L, 1);
   sc_check(L, sc_child_signal(child, numbers[luaL_checkoption(L, 2, NULL, names)]));
   return 0;
}

// scute.process.signal_name(code) -> "SIGKILL" and such, "signal 64" where it has no name
static int signal_name(lua_State *L) {
   int code = (int)luaL_checkinteger(L, 1);
   const char *name = sigabbrev_np(code);
   if (name)
      lua_pushfstring(L, "SIG%s", name);
   else
      lua_pushfstring(L, "signal %d", code);
   return 1;
}

// scute.process.ends_with(code): the exit code of the script where it ends without an error
static int ends_with(lua_State *L) {
   luaL_checkinteger(L, 1);
   lua_settop(L, 1);
   lua_setfield(L, LUA_REGISTRYINDEX, SC_ENDS_WITH);
   return 0;
}

static const luaL_Reg functions[] = {{"id", id},
                                     {"job", job},
                                     {"first_folder", began_in},
                                     {"end_with_parent", end_with_parent},
                                     {"limit_memory", limit_memory},
                                     {"killed_first", killed_first},
                                     {"start", start},
                                     {"wait", wait_for},
                                     {"signal", send_signal},
                                     {"signal_name", signal_name},
                                     {"ends_with", ends_with},
                                     {NULL, NULL}};

static void open_process(lua_State *L) {
   take_what_is_ours();
   luaL_newlib(L, functions);
   lua_setfield(L, -2, "process");
}
SC_OPENER(open_process)
