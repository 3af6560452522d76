// The bytes that draw a picture in a terminal. lua/scute/base/show.lua writes them.
#include "host/term/terminal.h"

#include <stdlib.h>
#include <unistd.h>

#include "host/bind/image.h"
#include "host/bind/options.h"
#include "host/machine/launcher.h"

static const char *const ways[] = {
    [SC_SHOW_NONE] = "auto",   [SC_SHOW_BLOCKS] = "blocks", [SC_SHOW_SIXEL] = "sixel",
    [SC_SHOW_KITTY] = "kitty", [SC_SHOW_ITERM] = "iterm",   NULL};

// Where standard output ends.
static int output(void) {
   int behind = sc_launch_terminal();
   return behind >= 0 ? behind : STDOUT_FILENO;
}

// scute.terminal_picture(image, {as = "auto", "blocks", "sixel", "kitty" or "iterm"; columns, rows = of
// letters, default what standard output has, less two rows}) -> text, as; nil where "auto" finds a terminal
// that shows no pictures, or none
static int picture(lua_State *L) {
   static const char *const names[] = {"as", "columns", "rows", NULL};
   sc_check_image(L, "terminal_picture");
   if (lua_isnoneornil(L, 2)) {
      lua_settop(L, 1);
      lua_newtable(L);
   }
   sc_check_options(L, 2, "terminal_picture", names);
   ScShow how = (ScShow)sc_option_choice(L, 2, "terminal_picture", "as", SC_SHOW_NONE, ways);
   ScTerminalSize size;
   bool terminal = sc_terminal_size(output(), &size);
   if (size.rows > 2) size.rows -= 2;
   size.columns = (int)sc_option_integer(L, 2, "terminal_picture", "columns", size.columns, 1, 1000);
   size.rows = (int)sc_option_integer(L, 2, "terminal_picture", "rows", size.rows, 1, 1000);
   if (how == SC_SHOW_NONE && (terminal || isatty(STDOUT_FILENO))) how = sc_terminal_can_show();
   if (how == SC_SHOW_NONE) return 0;
   char **text = sc_push_block(L);
   size_t length;
   sc_check(L, sc_terminal_picture(sc_check_image(L, "terminal_picture"), how, &size, text, &length));
   lua_pushlstring(L, *text, length);
   free(*text);
   *text = NULL;
   lua_pushstring(L, ways[how]);
   return 2;
}

// scute.terminal_size() -> columns, rows of standard output; 80, 24 where it is no terminal
static int size(lua_State *L) {
   ScTerminalSize s;
   sc_terminal_size(output(), &s);
   lua_pushinteger(L, s.columns);
   lua_pushinteger(L, s.rows);
   return 2;
}

static void open_terminal_picture(lua_State *L) {
   lua_pushcfunction(L, picture);
   lua_setfield(L, -2, "terminal_picture");
   lua_pushcfunction(L, size);
   lua_setfield(L, -2, "terminal_size");
}
SC_OPENER(open_terminal_picture)
