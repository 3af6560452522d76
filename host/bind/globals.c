#include "host/bind/globals.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "host/bind/environment.h"
#include "host/bind/library.h"

// ---- whose code it is ----

// Files below a folder that package.path names lie where libraries are installed, unless the script lies there
// too.
static bool is_on_path(lua_State *L, const char *file) {
   bool found = false;
   int top = lua_gettop(L);
   lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
   lua_getfield(L, -1, "package");
   if (!lua_istable(L, -1) || sc_raw_field(L, -1, "path") != LUA_TSTRING) return lua_settop(L, top), false;
   for (const char *path = lua_tostring(L, -1); *path && !found; path += *path == ';') {
      size_t length = strcspn(path, LUA_PATH_SEP), folder = strcspn(path, LUA_PATH_MARK LUA_PATH_SEP);
      found = *path == '/' && folder > 1 && strncmp(file, path, folder) == 0;
      path += length;
   }
   lua_settop(L, top);
   return found;
}

static bool is_users_file(lua_State *L, const char *file) {
   if (sc_library_has(file) || strstr(file, "/share/lua/5.")) return false; // where LuaRocks installs, too
   return file[0] != '/' || sc_library_is_beside(file) || !is_on_path(L, file);
}

// Is a chunk of that source a script, a line of -e or a module of the user's own? What is typed in a session is
// not, nor is a text that a program loads.
static bool is_users(lua_State *L, const char *source) {
   if (source[0] == '@') return is_users_file(L, source + 1);
   return strcmp(source, "=stdin") == 0 || strcmp(source, "=(command line)") == 0;
}

// Who reads or writes: true where that is code that has to declare its names.
static bool find_caller(lua_State *L, lua_Debug *caller) {
   return lua_getstack(L, 1, caller) && lua_getinfo(L, "S", caller) && is_users(L, caller->source);
}

// ---- declared names ----

static const char declared = 0; // its address: the registry's table name -> true

static void declare(lua_State *L, int name) {
   lua_rawgetp(L, LUA_REGISTRYINDEX, &declared);
   lua_pushvalue(L, name);
   lua_pushboolean(L, true);
   lua_rawset(L, -3);
   lua_pop(L, 1);
}

static bool is_declared(lua_State *L, int name) {
   lua_rawgetp(L, LUA_REGISTRYINDEX, &declared);
   lua_pushvalue(L, name);
   lua_rawget(L, -2);
   bool found = !lua_isnil(L, -1);
   lua_pop(L, 2);
   return found;
}

// Names that Lua keeps for itself (_VERSION, and those by which programs ask for a setting) read as nil.
static bool is_reserved(const char *name) {
   return name[0] == '_' && isupper((unsigned char)name[1]);
}

// ---- what is said ----

// Pushes what lua/scute/base/undeclared.lua says of the name at 2, nil where there is nothing to say: code that
// speaks of _G knows that it asks for a global.
static void push_message(lua_State *L, const char *how) {
   int top = lua_gettop(L);
   sc_environment_push(L, "require");
   lua_pushliteral(L, "scute.base.undeclared");
   if (lua_pcall(L, 1, 1, 0) == LUA_OK && sc_raw_field(L, -1, how) == LUA_TFUNCTION) {
      lua_pushvalue(L, 2);
      bool told = lua_pcall(L, 1, 1, 0) == LUA_OK;
      lua_replace(L, top + 1);
      if (told) return lua_settop(L, top + 1);
   }
   lua_settop(L, top);
   lua_pushfstring(L, "undeclared name '%s'", lua_tostring(L, 2));
}

// Raises that, at the line that uses the name.
static void refuse(lua_State *L, const char *how) {
   luaL_where(L, 1);
   push_message(L, how);
   if (lua_isnil(L, -1)) return;
   lua_concat(L, 2);
   lua_error(L);
}

static int read_missing(lua_State *L) {
   lua_Debug caller;
   bool passes = lua_type(L, 2) != LUA_TSTRING || is_reserved(lua_tostring(L, 2)) || !find_caller(L, &caller) ||
                 is_declared(L, 2);
   if (!passes) refuse(L, "read");
   lua_pushnil(L);
   return 1;
}

static int write_missing(lua_State *L) {
   lua_Debug caller;
   bool passes = lua_type(L, 2) != LUA_TSTRING || !find_caller(L, &caller) || is_declared(L, 2) ||
                 strcmp(caller.what, "main") == 0;
   if (!passes) refuse(L, "write");
   lua_settop(L, 3);
   if (lua_type(L, 2) == LUA_TSTRING) declare(L, 2);
   lua_rawset(L, 1);
   return 0;
}

static const luaL_Reg handlers[] = {{"__index", read_missing}, {"__newindex", write_missing}, {NULL, NULL}};

void sc_globals_open(lua_State *L) {
   lua_newtable(L);
   lua_rawsetp(L, LUA_REGISTRYINDEX, &declared);
   lua_pushglobaltable(L);
   luaL_newlib(L, handlers);
   lua_setmetatable(L, -2);
   lua_pop(L, 1);
}
