// scute.terminal: reading lines, for the session at the prompt.
#include "host/term/lineedit.h"

#include <signal.h>

#include "host/bind/bind.h"
#include "host/bind/interrupt.h"
#include "host/term/signals.h"

static const char completer_key; // its address is the key in the registry
static const char answer_key;

typedef struct {
   const char *before;
   size_t length;
   int columns;
   ScCompletion answer;
} Question;

// Calls the Lua function (text before the cursor, columns) -> text to insert, text to show.
static int ask(lua_State *L) {
   Question *q = lua_touserdata(L, 1);
   lua_rawgetp(L, LUA_REGISTRYINDEX, &completer_key);
   lua_pushlstring(L, q->before, q->length);
   lua_pushinteger(L, q->columns);
   lua_call(L, 2, 2);
   if (lua_type(L, 2) != LUA_TSTRING) return 0;
   lua_rawgetp(L, LUA_REGISTRYINDEX, &answer_key); // keeps both strings alive
   for (int i = 1; i <= 2; i++) {
      lua_pushvalue(L, i + 1);
      lua_rawseti(L, -2, i);
   }
   q->answer.insert = lua_tostring(L, 2);
   q->answer.choices = lua_type(L, 3) == LUA_TSTRING ? lua_tostring(L, 3) : NULL;
   return 0;
}

// Called by libedit, through which no error of Lua's may jump. What fails proposes nothing.
static ScCompletion complete(void *context, const char *before, size_t length, int columns) {
   (void)context;
   lua_State *L = sc_running_state();
   Question q = {before, length, columns, {.insert = ""}};
   int top = lua_gettop(L);
   if (!lua_checkstack(L, 2)) return q.answer;
   lua_pushcfunction(L, ask);
   lua_pushlightuserdata(L, &q);
   lua_pcall(L, 1, 0, 0);
   lua_settop(L, top);
   return q.answer;
}

// scute.terminal.open(completer) -> whether somebody sits at a terminal
static int open_lines(lua_State *L) {
   luaL_checktype(L, 1, LUA_TFUNCTION);
   lua_settop(L, 1);
   lua_rawsetp(L, LUA_REGISTRYINDEX, &completer_key);
   lua_createtable(L, 2, 0);
   lua_rawsetp(L, LUA_REGISTRYINDEX, &answer_key);
   bool terminal = sc_line_open(complete, NULL);
   sc_interrupt_session(terminal);
   lua_pushboolean(L, terminal);
   return 1;
}

// scute.terminal.read(prompt) -> a line; nil at the end of input; nil and the signal's name where one came
static int read_line(lua_State *L) {
   const char *line = NULL;
   ScLine got = sc_line_read(luaL_optstring(L, 1, ""), &line);
   if (got == SC_LINE)
      lua_pushstring(L, line);
   else
      lua_pushnil(L);
   if (got != SC_LINE_INTERRUPTED) return 1;
   bool terminated = sc_interrupted() == SIGTERM;
   if (!terminated) sc_interrupt_reset(); // the line is dropped, and that was all
   lua_pushstring(L, terminated ? "SIGTERM" : "SIGINT");
   return 2;
}

// scute.terminal.close(): gives the terminal back
static int close_lines(lua_State *L) {
   (void)L;
   sc_interrupt_session(false);
   sc_line_close();
   return 0;
}

static const luaL_Reg functions[] = {
    {"open", open_lines}, {"read", read_line}, {"close", close_lines}, {NULL, NULL}};

static void open_terminal(lua_State *L) {
   luaL_newlib(L, functions);
   lua_setfield(L, -2, "terminal");
}
SC_OPENER(open_terminal)
