// scute.files.create: files that are written piece by piece, tensors among the pieces, for lua/scute/export and
// lua/scute/reid/gallery.
#include <stdlib.h>
#include <zlib.h>

#include "host/bind/bind.h"
#include "host/core/transfer.h"
#include "host/files/file.h"
#include "host/files/header.h"
#include "host/files/seal.h"

#define WRITER_TYPE "scute.writer"

typedef struct {
   ScFile *file; // NULL: it has an end
   uint32_t sum; // of what was appended
} Writer;

// scute.files.create(path) -> a writer, whose file gets its name with commit() and is gone where it is closed
// (close(), <close>) before
static int create(lua_State *L) {
   const char *path = luaL_checkstring(L, 1);
   Writer *writer = lua_newuserdatauv(L, sizeof *writer, 0);
   *writer = (Writer){0};
   luaL_setmetatable(L, WRITER_TYPE);
   sc_check(L, sc_file_create(&writer->file, path));
   return 1;
}

static Writer *check_writer(lua_State *L) {
   Writer *writer = luaL_checkudata(L, 1, WRITER_TYPE);
   if (!writer->file) luaL_error(L, "this file is closed");
   return writer;
}

typedef struct {
   Writer *writer;
   const ScTensor *tensor;
} Piece;

static ScStatus append_bytes(Writer *writer, const void *data, size_t bytes) {
   writer->sum = (uint32_t)crc32_z(writer->sum, data, bytes);
   return sc_file_write(writer->file, data, bytes);
}

// Memory runs out before anything is written, if it does.
static ScStatus append(void *context) {
   const Piece *piece = context;
   size_t bytes = sc_nbytes(piece->tensor);
   void *content = malloc(bytes);
   if (!content) return sc_fail(SC_EMEM, "out of memory: a tensor of %zu bytes is to be written", bytes);
   ScStatus status = sc_tensor_read(piece->tensor, content);
   if (status == SC_OK) status = append_bytes(piece->writer, content, bytes);
   free(content);
   return status;
}

// writer:write(text or tensor): appends the bytes of a text, or the values of a tensor in logical order and its
// own dtype
static int write_(lua_State *L) {
   Writer *writer = check_writer(L);
   if (lua_type(L, 2) == LUA_TSTRING) {
      size_t bytes;
      const char *text = lua_tolstring(L, 2, &bytes);
      sc_check(L, append_bytes(writer, text, bytes));
      return 0;
   }
   ScTensor *tensor = sc_check_tensor(L, 2, "write", "tensor");
   Piece piece = {writer, tensor};
   sc_check(L, sc_with_retry_holding(append, &piece, 1, &tensor));
   return 0;
}

// writer:sum() -> the CRC-32 of all that write() appended, as 8 hex digits
static int sum_of(lua_State *L) {
   char hex[9];
   snprintf(hex, sizeof hex, "%08x", check_writer(L)->sum);
   lua_pushstring(L, hex);
   return 1;
}

// writer:patch(offset, text): overwrites bytes that were written before, from so many bytes behind the
// beginning; they do not change the sum
static int patch(lua_State *L) {
   size_t bytes;
   int64_t offset = luaL_checkinteger(L, 2);
   const char *text = luaL_checklstring(L, 3, &bytes);
   if (offset < 0)
      return luaL_error(L, "patch: expected an offset of at least 0, found %I", (LUAI_UACINT)offset);
   sc_check(L, sc_file_patch(check_writer(L)->file, offset, text, bytes));
   return 0;
}

// What is on disk, while the file has no name yet.
static ScStatus verify_file(ScFile *file) {
   ScSource source;
   ScHeader header;
   SC_TRY(sc_file_sync(file, &source));
   SC_TRY(sc_header_read(&header, &source));
   sc_header_free(&header);
   return sc_seal_check(&source);
}

// writer:verify(): brings it to disk, reads it back, and raises where it is no whole safetensors file with the
// right checksum (see host/files/seal.h)
static int verify(lua_State *L) {
   ScStatus status = verify_file(check_writer(L)->file);
   sc_check(L, status == SC_EFORMAT ? sc_wrap(status, "what was written does not read back: ") : status);
   return 0;
}

// writer:commit(): brings it to disk and gives it its name, in the place of what had that name before
static int commit(lua_State *L) {
   Writer *writer = check_writer(L);
   ScFile *file = writer->file;
   writer->file = NULL;
   sc_check(L, sc_file_commit(file));
   return 0;
}

// writer:close(): removes one that was not committed; once is enough
static int release(lua_State *L) {
   Writer *writer = luaL_checkudata(L, 1, WRITER_TYPE);
   ScFile *file = writer->file;
   writer->file = NULL;
   sc_file_abandon(file);
   return 0;
}

static const luaL_Reg methods[] = {{"write", write_},  {"sum", sum_of},    {"patch", patch}, {"verify", verify},
                                   {"commit", commit}, {"close", release}, {NULL, NULL}};

static void open_writer(lua_State *L) {
   sc_new_type(L, WRITER_TYPE, methods, release);
   luaL_getsubtable(L, -1, "files");
   lua_pushcfunction(L, create);
   lua_setfield(L, -2, "create");
   lua_pop(L, 1);
}
SC_OPENER(open_writer)
