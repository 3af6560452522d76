// Runs commands of the shell, for the session at the prompt.
#include "host/term/shell.h"

#include "host/bind/bind.h"

// scute.shell(command) -> "exit" or "signal", and its code: runs a command of /bin/sh with the terminal as its
// own and waits for it. Ctrl-C meanwhile means the command alone.
static int shell(lua_State *L) {
   ScShellEnd end;
   sc_check(L, sc_shell_run(luaL_checkstring(L, 1), &end));
   lua_pushstring(L, end.signal ? "signal" : "exit");
   lua_pushinteger(L, end.signal ? end.signal : end.exit_code);
   return 2;
}

static void open_shell(lua_State *L) {
   lua_pushcfunction(L, shell);
   lua_setfield(L, -2, "shell");
}
SC_OPENER(open_shell)
