// scute.files.create: files that are written piece by piece, tensors among the pieces, for lua/scute/export.
#include <stdlib.h>

#include "host/bind/bind.h"
#include "host/core/transfer.h"
#include "host/files/file.h"

#define WRITER_TYPE "scute.writer"

// scute.files.create(path) -> a writer, whose file gets its name with commit() and is gone where it is closed
// (close(), <close>) before
static int create(lua_State *L) {
   const char *path = luaL_checkstring(L, 1);
   ScFile **handle = lua_newuserdatauv(L, sizeof *handle, 0);
   *handle = NULL;
   luaL_setmetatable(L, WRITER_TYPE);
   sc_check(L, sc_file_create(handle, path));
   return 1;
}

static ScFile *check_writer(lua_State *L) {
   ScFile **handle = luaL_checkudata(L, 1, WRITER_TYPE);
   if (!*handle) luaL_error(L, "this file is closed");
   return *handle;
}

typedef struct {
   ScFile *file;
   const ScTensor *tensor;
} Piece;

// Memory runs out before anything is written, if it does.
static ScStatus append(void *context) {
   const Piece *piece = context;
   size_t bytes = sc_nbytes(piece->tensor);
   void *content = malloc(bytes);
   if (!content) return sc_fail(SC_EMEM, "out of memory: a tensor of %zu bytes is to be written", bytes);
   ScStatus status = sc_tensor_read(piece->tensor, content);
   if (status == SC_OK) status = sc_file_write(piece->file, content, bytes);
   free(content);
   return status;
}

// writer:write(text or tensor): appends the bytes of a text, or the values of a tensor in logical order and its
// own dtype
static int write_(lua_State *L) {
   ScFile *file = check_writer(L);
   if (lua_type(L, 2) == LUA_TSTRING) {
      size_t bytes;
      const char *text = lua_tolstring(L, 2, &bytes);
      sc_check(L, sc_file_write(file, text, bytes));
      return 0;
   }
   ScTensor *tensor = sc_check_tensor(L, 2, "write", "tensor");
   Piece piece = {file, tensor};
   sc_check(L, sc_with_retry_holding(append, &piece, 1, &tensor));
   return 0;
}

// writer:commit(): brings it to disk and gives it its name, in the place of what had that name before
static int commit(lua_State *L) {
   ScFile **handle = luaL_checkudata(L, 1, WRITER_TYPE), *file = check_writer(L);
   *handle = NULL;
   sc_check(L, sc_file_commit(file));
   return 0;
}

// writer:close(): removes one that was not committed; once is enough
static int release(lua_State *L) {
   ScFile **handle = luaL_checkudata(L, 1, WRITER_TYPE), *file = *handle;
   *handle = NULL;
   sc_file_abandon(file);
   return 0;
}

static const luaL_Reg methods[] = {{"write", write_}, {"commit", commit}, {"close", release}, {NULL, NULL}};

static void open_writer(lua_State *L) {
   sc_new_type(L, WRITER_TYPE, methods, release);
   luaL_getsubtable(L, -1, "files");
   lua_pushcfunction(L, create);
   lua_setfield(L, -2, "create");
   lua_pop(L, 1);
}
SC_OPENER(open_writer)
