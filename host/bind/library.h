// scute's own files: the folder lua/, beside which scripts/ and examples/ lie.
#ifndef SCUTE_BIND_LIBRARY_H
#define SCUTE_BIND_LIBRARY_H

#include <limits.h>
#include <stdbool.h>

#include "host/bind/bind.h"

// Finds it, and lets `require` look there first. May raise.
void sc_library_open(lua_State *L);

// The path of a script. One that is not here may be one of scute's own: scripts/transfer_learning.lua, from any
// folder. The path is then made in `own`.
const char *sc_library_script(const char *path, char own[PATH_MAX]);

// From now on `require` also looks where the file `path` really lies, links followed: after scute's own
// modules, before those that are installed.
void sc_library_look_beside(const char *path);

// Is a file, by the path of its chunk, one of scute's own library? Does it lie in the folder of the script that
// runs, or below it?
bool sc_library_has(const char *file);
bool sc_library_is_beside(const char *file);

// The same for one more file, after the folder of the script. False where memory is short.
bool sc_library_look_also(const char *path);

#endif
