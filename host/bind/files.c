// scute.files: files of text, and folders.
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/files/file.h"

#include "host/bind/bind.h"
#include "host/files/folder.h"

#define FOLDER "scute.folder"

// scute.files.mkdirs(path): creates a folder and its parents
static int mkdirs(lua_State *L) {
   sc_check(L, sc_file_mkdirs(luaL_checkstring(L, 1)));
   return 0;
}

// scute.files.write(path, text): the whole file, atomically
static int write_(lua_State *L) {
   size_t bytes;
   const char *text = luaL_checklstring(L, 2, &bytes);
   sc_check(L, sc_file_save(luaL_checkstring(L, 1), text, bytes));
   return 0;
}

// scute.files.stamp(path) -> a text that is another one once the file was written to: its size, and when it was
// written, to the nanosecond where the file system tells; nil where there is none
static int file_stamp(lua_State *L) {
   struct stat at;
   if (stat(luaL_checkstring(L, 1), &at) != 0) return lua_pushnil(L), 1;
   char text[72];
   snprintf(text, sizeof text, "%lld-%lld.%09ld", (long long)at.st_size, (long long)at.st_mtim.tv_sec,
            at.st_mtim.tv_nsec);
   return lua_pushstring(L, text), 1;
}

// scute.files.real(path) -> the absolute path that leads there without links, or nil where it leads nowhere
static int real(lua_State *L) {
   char *path = realpath(luaL_checkstring(L, 1), NULL);
   char kept[PATH_MAX];
   bool fits = path && strlen(path) < sizeof kept;
   if (fits) strcpy(kept, path); // pushing may raise, and the text would be lost
   free(path);
   lua_pushstring(L, fits ? kept : NULL); // NULL: nil
   return 1;
}

static int close_folder(lua_State *L) {
   ScFolder **folder = luaL_checkudata(L, 1, FOLDER);
   sc_folder_close(*folder);
   *folder = NULL;
   return 0;
}

// Pushes a folder that the collector closes where an error of Lua's comes in between.
static ScFolder **push_folder(lua_State *L) {
   ScFolder **folder = lua_newuserdatauv(L, sizeof *folder, 0);
   *folder = NULL;
   luaL_setmetatable(L, FOLDER);
   return folder;
}

// scute.files.list(path, only_folders = false) -> names of the folders in a folder, names of everything else;
// in no order. Links are followed: one that leads nowhere is no folder. With only_folders the second list is
// empty.
static int list(lua_State *L) {
   const char *path = luaL_checkstring(L, 1), *name;
   bool only_folders = lua_toboolean(L, 2), is_folder;
   lua_Integer counts[2] = {0};
   lua_settop(L, 1);
   lua_newtable(L);
   lua_newtable(L);
   ScFolder **folder = push_folder(L);
   sc_check(L, sc_folder_open(folder, path));
   while (sc_check(L, sc_folder_next(*folder, &name, &is_folder)), name) {
      if (!is_folder && only_folders) continue;
      lua_pushstring(L, name);
      lua_rawseti(L, is_folder ? 2 : 3, ++counts[!is_folder]);
   }
   sc_folder_close(*folder);
   *folder = NULL;
   lua_settop(L, 3);
   return 2;
}

static const luaL_Reg functions[] = {{"mkdirs", mkdirs},    {"write", write_}, {"list", list},
                                     {"stamp", file_stamp}, {"real", real},    {NULL, NULL}};

static void open_files(lua_State *L) {
   luaL_newmetatable(L, FOLDER);
   lua_pushcfunction(L, close_folder);
   lua_setfield(L, -2, "__gc");
   lua_pop(L, 1);
   luaL_getsubtable(L, -1, "files");
   luaL_setfuncs(L, functions, 0);
   lua_pop(L, 1);
}
SC_OPENER(open_files)
