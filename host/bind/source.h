// Files that are open for reading, as Lua holds them.
#ifndef SCUTE_BIND_SOURCE_H
#define SCUTE_BIND_SOURCE_H

#include "host/bind/bind.h"
#include "host/files/source.h"

// The open file at an index. A path there is opened, and its file takes the place of the path.
ScSource *sc_to_source(lua_State *L, int index);

#endif
