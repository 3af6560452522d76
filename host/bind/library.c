#include "host/bind/library.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/bind/environment.h"
#include "host/files/watched.h"

static char library[PATH_MAX]; // "" where it was not found
static char beside[PATH_MAX];  // the folder of the script that runs, "" where there is none
static char (*also)[PATH_MAX]; // those of files that were run first
static int others;             // how many

// It lies beside the binary (a build tree) or in ../share/scute (installed).
static void find(void) {
   static const char *places[] = {"lua", "../lua", "../share/scute/lua"};
   char self[PATH_MAX], probe[PATH_MAX + 64];
   ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
   if (length < 0) return;
   self[length] = '\0';
   const char *folder = dirname(self);
   for (size_t i = 0; i < sizeof places / sizeof places[0] && !library[0]; i++) {
      snprintf(probe, sizeof probe, "%s/%s/scute/init.lua", folder, places[i]);
      if (access(probe, R_OK) != 0) continue;
      snprintf(probe, sizeof probe, "%s/%s", folder, places[i]);
      if (!realpath(probe, library)) library[0] = '\0';
   }
}

// ---- modules ----

static const char *const FORMATS[] = {"%s/%s.lua", "%s/%s/init.lua"};

// Pushes the file in `folder` of the module whose name is at `index` ("scute.train.step"), or nil. Lua's own
// search opens files to see whether they are there, and takes one for missing that memory is too short for.
static bool push_file(lua_State *L, const char *folder, int index) {
   const char *name = luaL_gsub(L, luaL_checkstring(L, index), ".", LUA_DIRSEP);
   for (int i = 0; i < 2 && folder[0]; i++) {
      const char *path = lua_pushfstring(L, FORMATS[i], folder, name);
      if (access(path, R_OK) == 0) return true;
   }
   lua_pushnil(L);
   return false;
}

// scute.module_file(name) -> the file of a module of scute's own ("scute.optim"), or nil
static int module_file(lua_State *L) {
   push_file(L, library, 1);
   return 1;
}

static const char loaded_files = 0; // its address: the registry's table name -> file

// Notes that the module whose name is at 1 comes from the file at `path`.
static void note_loaded(lua_State *L, int path) {
   lua_rawgetp(L, LUA_REGISTRYINDEX, &loaded_files);
   lua_pushvalue(L, 1);
   lua_pushvalue(L, path);
   lua_rawset(L, -3);
   lua_pop(L, 1);
}

// scute.loaded_file(name) -> the file that `require` last read a module in Lua from, or nil
static int loaded_file(lua_State *L) {
   luaL_checkstring(L, 1);
   lua_rawgetp(L, LUA_REGISTRYINDEX, &loaded_files);
   lua_pushvalue(L, 1);
   lua_rawget(L, -2);
   return 1;
}

// A file that the disk does not give is no fault of the script: its message, at the top, is all there is to
// say.
static int refuse(lua_State *L) {
   lua_createtable(L, 0, 2);
   lua_insert(L, -2);
   lua_setfield(L, -2, "message");
   lua_pushinteger(L, EXIT_FAILURE);
   lua_setfield(L, -2, "exit");
   return lua_error(L);
}

// For `require`: the loader of the module whose name is at 1, and its file, whose path is at the top.
static int push_loader(lua_State *L) {
   const char *path = lua_tostring(L, -1);
   sc_watched_note(path);
   int status = luaL_loadfilex(L, path, "t");
   if (status == LUA_ERRFILE) return refuse(L);
   if (status == LUA_ERRSYNTAX)
      return luaL_error(L, "error loading module '%s' from file '%s':\n\t%s", lua_tostring(L, 1), path,
                        lua_tostring(L, -1));
   if (status != LUA_OK) return lua_error(L);
   lua_insert(L, -2);
   note_loaded(L, lua_gettop(L));
   return 2;
}

// Notes all files that a module could be in.
static void note_missing(lua_State *L, const char *module, const char *path) {
   const char *name = luaL_gsub(L, module, ".", LUA_DIRSEP);
   int top = lua_gettop(L);
   while (*path) {
      size_t length = strcspn(path, LUA_PATH_SEP);
      const char *template = lua_pushlstring(L, path, length);
      if (length) sc_watched_note(luaL_gsub(L, template, LUA_PATH_MARK, name));
      lua_settop(L, top);
      path += length + (path[length] != '\0');
   }
}

// Notes the file that Lua's own search would find for the module whose name is at 1; where there is none, those
// whose save would make one.
static int note_other(lua_State *L) {
   sc_environment_push(L, "package");
   lua_getfield(L, -1, "searchpath");
   lua_pushvalue(L, 1);
   lua_getfield(L, -3, "path");
   lua_call(L, 2, 1);
   if (lua_isstring(L, -1))
      sc_watched_note(lua_tostring(L, -1));
   else if (lua_getfield(L, 2, "path") == LUA_TSTRING)
      note_missing(L, luaL_checkstring(L, 1), lua_tostring(L, -1));
   return 0;
}

// What `require` asks: a module's loader and where it is from, or nil.
static int search(lua_State *L) {
   if (!push_file(L, library, 1)) return 1;
   int results = push_loader(L);
   lua_pushvalue(L, -2);
   sc_environment_give(L);
   lua_pop(L, 1);
   return results;
}

// scute itself is made of these: a file of the same name beside a script does not take their place.
static bool is_needed(const char *name) {
   static const char *const needed[] = {"argparse", "cjson", "lfs", "luacheck"};
   size_t length = strcspn(name, ".");
   for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
      if (strlen(needed[i]) == length && memcmp(name, needed[i], length) == 0) return true;
   return false;
}

// The folder of the script, then the others: 0 to `others`.
static const char *folder_beside(int i) {
   return i == 0 ? beside : also[i - 1];
}

// The files in a folder that search_beside looked for, as Lua lists them where a module is not found. Each
// would be taken once it is saved.
static void tell_missing(lua_State *L, luaL_Buffer *text, const char *name, const char *folder) {
   for (int i = 0; i < 2 && folder[0]; i++) {
      luaL_addstring(text, luaL_bufflen(text) == 0 ? "no file '" : "\n\tno file '");
      sc_watched_note(lua_pushfstring(L, FORMATS[i], folder, name));
      luaL_addvalue(text);
      luaL_addchar(text, '\'');
   }
}

// What `require` asks next: a module in the folder of the script, or of a file that was run first.
static int search_beside(lua_State *L) {
   if (is_needed(luaL_checkstring(L, 1))) return 0;
   for (int i = 0; i <= others; i++) {
      if (push_file(L, folder_beside(i), 1)) return push_loader(L);
      lua_settop(L, 1);
   }
   const char *name = luaL_gsub(L, lua_tostring(L, 1), ".", LUA_DIRSEP);
   luaL_Buffer text;
   luaL_buffinit(L, &text);
   for (int i = 0; i <= others; i++) tell_missing(L, &text, name, folder_beside(i));
   bool has_looked = luaL_bufflen(&text) > 0;
   luaL_pushresult(&text);
   return has_looked;
}

// A file that is there and yet was not found (`text` lists those that were looked for) could not be opened.
// True where it can be now.
static bool was_overlooked(lua_State *L, const char *text) {
   static const char start[] = "no file '";
   for (const char *at = strstr(text, start); at; at = strstr(at, start)) {
      at += sizeof start - 1;
      lua_pushlstring(L, at, strcspn(at, "'"));
      const char *path = lua_tostring(L, -1);
      if (access(path, F_OK) == 0) {
         FILE *file = fopen(path, "r");
         if (file) return fclose(file), true;
         lua_pushfstring(L, "cannot open %s: %s", path, strerror(errno));
         refuse(L);
      }
      lua_pop(L, 1);
   }
   return false;
}

// Of the module whose name is at 1 the loader and the file, as Lua's own search gave them.
static void note_other_loaded(lua_State *L) {
   note_loaded(L, 3);
   lua_pushvalue(L, 2);
   if (is_needed(lua_tostring(L, 1))) sc_environment_give(L);
   lua_pop(L, 1);
}

// The system's loader gives no reason where its own memory failed, and one everywhere else.
static bool lacks_memory(const char *why) {
   static const char *const bare[] = {"cannot create shared object descriptor",
                                      "cannot open shared object file"};
   for (size_t i = 0; i < sizeof bare / sizeof bare[0]; i++) {
      const char *at = strstr(why, bare[i]);
      if (at && at[strlen(bare[i])] == '\0') return true;
   }
   return strstr(why, strerror(ENOMEM));
}

// The error at the top: in one line where the system is to blame for it, else as it is.
static int tell_failed_search(lua_State *L) {
   const char *why = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
   bool no_memory = lacks_memory(why);
   if (!no_memory && !strstr(why, "cannot read")) return lua_error(L);
   why = luaL_gsub(L, why, "\n\t", " ");
   if (no_memory && !strstr(why, strerror(ENOMEM))) lua_pushfstring(L, "%s: %s", why, strerror(ENOMEM));
   return refuse(L);
}

// Lua's own search (upvalue 1) for the module whose name is at 1, whose results are above it then.
static void search_as_lua(lua_State *L) {
   lua_settop(L, 1);
   lua_pushvalue(L, lua_upvalueindex(1));
   lua_pushvalue(L, 1);
   if (lua_pcall(L, 1, LUA_MULTRET, 0) != LUA_OK) tell_failed_search(L);
}

// What the system is to blame for is told in one line.
static int search_compiled(lua_State *L) {
   search_as_lua(L);
   if (lua_type(L, 2) == LUA_TSTRING && was_overlooked(L, lua_tostring(L, 2))) search_as_lua(L);
   return lua_gettop(L) - 1;
}

// The same for modules in Lua, which are watched.
static int search_others(lua_State *L) {
   lua_settop(L, 1);
   if (sc_watched_is_told()) {
      lua_pushcfunction(L, note_other);
      lua_pushvalue(L, 1);
      if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_settop(L, 1); // a search that fails says so itself
   }
   int results = search_compiled(L);
   if (lua_isfunction(L, 2)) note_other_loaded(L);
   return results;
}

// Calls `by` instead of Lua's searcher at that place, which it knows as its upvalue.
static void wrap_searcher(lua_State *L, lua_Integer place, lua_CFunction by) {
   lua_rawgeti(L, -1, place);
   lua_pushcclosure(L, by, 1);
   lua_rawseti(L, -2, place);
}

// After package.preload, before Lua's own.
static void add_searchers(lua_State *L, int package) {
   lua_getfield(L, package, "searchers");
   wrap_searcher(L, 2, search_others);
   wrap_searcher(L, 3, search_compiled);
   wrap_searcher(L, 4, search_compiled);
   for (lua_Integer i = (lua_Integer)lua_rawlen(L, -1); i >= 2; i--) {
      lua_rawgeti(L, -1, i);
      lua_rawseti(L, -2, i + 2);
   }
   lua_pushcfunction(L, search);
   lua_rawseti(L, -2, 2);
   lua_pushcfunction(L, search_beside);
   lua_rawseti(L, -2, 3);
   lua_pop(L, 1);
}

// loadfile or dofile (upvalue 1)
static int load_noted(lua_State *L) {
   if (lua_type(L, 1) == LUA_TSTRING) sc_watched_note(lua_tostring(L, 1));
   lua_pushvalue(L, lua_upvalueindex(1));
   lua_insert(L, 1);
   lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
   return lua_gettop(L);
}

static void note_loading(lua_State *L) {
   static const char *const names[] = {"loadfile", "dofile"};
   for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
      lua_getglobal(L, names[i]);
      lua_pushcclosure(L, load_noted, 1);
      lua_setglobal(L, names[i]);
   }
}

void sc_library_open(lua_State *L) {
   if (sc_watched_is_told()) note_loading(L);
   sc_environment_open(L);
   lua_newtable(L);
   lua_rawsetp(L, LUA_REGISTRYINDEX, &loaded_files);
   find();
   if (!library[0]) return;
   lua_getglobal(L, "package");
   lua_getfield(L, -1, "path");
   lua_pushfstring(L, "%s/?.lua;%s/?/init.lua;%s", library, library, lua_tostring(L, -1));
   lua_setfield(L, -3, "path");
   lua_pop(L, 1);
   add_searchers(L, lua_gettop(L));
   lua_pop(L, 1);
}

// scute.look_beside(path): from now on `require` also looks where that script lies
static int look_beside(lua_State *L) {
   sc_library_look_beside(luaL_checkstring(L, 1));
   return 0;
}

static void open_library(lua_State *L) {
   lua_pushcfunction(L, module_file);
   lua_setfield(L, -2, "module_file");
   lua_pushcfunction(L, loaded_file);
   lua_setfield(L, -2, "loaded_file");
   lua_pushcfunction(L, look_beside);
   lua_setfield(L, -2, "look_beside");
}
SC_OPENER(open_library)

// ---- scripts ----

const char *sc_library_script(const char *path, char own[PATH_MAX]) {
   if (access(path, F_OK) == 0 || path[0] == '/' || !library[0]) return path;
   int reason = errno, home = (int)(strrchr(library, '/') - library); // scute's folder, in which lua/ lies
   int length = snprintf(own, PATH_MAX, "%.*s/%s", home, library, path);
   bool found = length < PATH_MAX && access(own, R_OK) == 0;
   errno = reason;
   return found ? own : path;
}

// The folder in which a file really lies, "" where there is none.
static void find_folder(const char *path, char folder[PATH_MAX]) {
   if (!realpath(path, folder)) folder[0] = '\0';
   char *end = strrchr(folder, '/');
   if (end) end[end == folder] = '\0'; // the root is its own slash
}

void sc_library_look_beside(const char *path) {
   find_folder(path, beside);
}

bool sc_library_look_also(const char *path) {
   char(*more)[PATH_MAX] = realloc(also, (size_t)(others + 1) * sizeof *also);
   if (!more) return false;
   also = more;
   find_folder(path, also[others++]);
   return true;
}

// ---- whose files ----

// Is a path that of a file in a folder, or below it? No folder is "".
static bool lies_in(const char *file, const char *folder) {
   size_t length = strlen(folder);
   return length && strncmp(file, folder, length) == 0 && (folder[length - 1] == '/' || file[length] == '/');
}

bool sc_library_has(const char *file) {
   return lies_in(file, library);
}

bool sc_library_is_beside(const char *file) {
   char real[PATH_MAX];
   return realpath(file, real) && lies_in(real, beside);
}
