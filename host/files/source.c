#include "host/files/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sha2.h>
#include <zlib.h>

#include "host/core/stamp.h"
#include "host/core/store.h"

enum { CHUNK = 1 << 20 };

static ScStatus cannot_read(const char *path, int error) {
   return sc_fail(SC_EIO, "cannot read %s: %s", path, strerror(error));
}

ScStatus sc_source_open(ScSource *source, const char *path) {
   int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a named pipe must not hang us
   if (fd < 0) return cannot_read(path, errno);
   struct stat info;
   int error = fstat(fd, &info) != 0 ? errno : S_ISDIR(info.st_mode) ? EISDIR : 0;
   if (!error && S_ISREG(info.st_mode)) {
      *source = (ScSource){path, fd, info.st_size, info.st_mtim};
      return SC_OK;
   }
   close(fd);
   return error ? cannot_read(path, error) : sc_fail(SC_EIO, "cannot read %s: it is not a regular file", path);
}

void sc_source_close(ScSource *source) {
   close(source->fd);
   source->fd = -1;
}

ScStatus sc_source_read(const ScSource *source, int64_t offset, void *data, size_t bytes) {
   char *to = data;
   while (bytes > 0) {
      ssize_t done = pread(source->fd, to, bytes < 1 << 30 ? bytes : 1 << 30, offset);
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) return cannot_read(source->path, errno);
      if (done == 0) return sc_fail(SC_EFORMAT, "%s is truncated: %zu bytes are missing", source->path, bytes);
      to += done;
      offset += done;
      bytes -= (size_t)done;
   }
   return SC_OK;
}

ScStatus sc_source_unchanged(const ScSource *source) {
   struct stat now;
   if (fstat(source->fd, &now) != 0) return cannot_read(source->path, errno);
   if (now.st_size == source->size && now.st_mtim.tv_sec == source->changed.tv_sec &&
       now.st_mtim.tv_nsec == source->changed.tv_nsec)
      return SC_OK;
   return sc_fail(SC_EIO, "%s changed while it was read; try again once it is finished", source->path);
}

// Calls `add` with the content from `offset` on, piece by piece.
static ScStatus each_chunk(const ScSource *source, int64_t offset,
                           void (*add)(void *context, const void *data, size_t bytes), void *context) {
   char *chunk = malloc(CHUNK);
   if (!chunk) return sc_fail(SC_EMEM, "out of memory: a part of %s", source->path);
   ScStatus status = SC_OK;
   for (int64_t at = offset; at < source->size && status == SC_OK; at += CHUNK) {
      size_t bytes = source->size - at < CHUNK ? (size_t)(source->size - at) : CHUNK;
      status = sc_source_read(source, at, chunk, bytes);
      if (status == SC_OK) add(context, chunk, bytes);
   }
   free(chunk);
   return status;
}

static void add_to_digest(void *context, const void *data, size_t bytes) {
   SHA256Update(context, data, bytes);
}

static ScStatus hash(const ScSource *source, char hex[SC_SHA256_HEX]) {
   SHA2_CTX digest;
   SHA256Init(&digest);
   SC_TRY(each_chunk(source, 0, add_to_digest, &digest));
   SHA256End(&digest, hex);
   return SC_OK;
}

static bool stamp_of(const ScSource *source, ScStamp *stamp) {
   struct stat info;
   if (fstat(source->fd, &info) != 0) return false;
   *stamp = sc_stamp(&info);
   return true;
}

// The digest of a file that an earlier run has read, and that nobody has written to since, is known (see
// host/core/store.h).
ScStatus sc_source_sha256(const ScSource *source, char hex[SC_SHA256_HEX]) {
   ScStamp stamp, after;
   if (!sc_store_is_open() || !stamp_of(source, &stamp)) return hash(source, hex);
   bool settled = sc_stamp_settled(&stamp);
   size_t size;
   ScStoreKey key = sc_store_key("sha256", &stamp, sizeof stamp);
   const char *known = sc_store_find(&key, &size);
   if (known && size == SC_SHA256_HEX) {
      memcpy(hex, known, SC_SHA256_HEX);
      return SC_OK;
   }
   SC_TRY(hash(source, hex));
   if (settled && stamp_of(source, &after) && sc_stamp_same(&stamp, &after))
      sc_store_keep(&key, NULL, 0, hex, SC_SHA256_HEX);
   return SC_OK;
}

static void add_to_sum(void *context, const void *data, size_t bytes) {
   uint32_t *sum = context;
   *sum = (uint32_t)crc32_z(*sum, data, bytes);
}

ScStatus sc_source_crc32(const ScSource *source, int64_t offset, uint32_t *sum) {
   return each_chunk(source, offset, add_to_sum, sum);
}
