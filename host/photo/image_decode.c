#include "host/photo/image_decode.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "host/photo/budget.h"
#include "host/photo/image_format.h"
#include "host/photo/photo_kind.h"

// Refuses by the first bytes, so that a film in the folder is not read to its end.
static ScStatus check_kind(ScBytes head) {
   if (head.size == 0) return sc_fail(SC_EFORMAT, "the file is empty");
   return sc_photo_kind_check(sc_photo_kind(head));
}

// One attempt. An allocation that failed inside a library has left its mark in errno.
static ScStatus attempt(ScBytes bytes, const ScImageLimits *limits, const ScPurpose *purpose, ScPhoto *out,
                        bool *is_suspect) {
   errno = 0;
   ScStatus status = sc_photo_decoder(sc_photo_kind(bytes))(bytes, limits, purpose, out);
   *is_suspect = errno == ENOMEM && (status == SC_OK || status == SC_EFORMAT);
   return status;
}

// Of memory that fails inside them some libraries make a damaged file, and others another picture. So what is
// suspect is done once more, and where it stays so, lack of memory is what there is when there is no room for
// the photo.
static ScStatus decode_kind(ScBytes bytes, const ScImageLimits *limits, const ScPurpose *purpose,
                            ScPhoto *out) {
   bool is_suspect;
   ScStatus status = attempt(bytes, limits, purpose, out, &is_suspect);
   if (!is_suspect) return status;
   sc_photo_free(out);
   status = attempt(bytes, limits, purpose, out, &is_suspect);
   return is_suspect && sc_image_check_memory(out->share) ? SC_EMEM : status;
}

static ScStatus decode_bytes(const char *name, ScBytes bytes, const ScImageLimits *limits,
                             const ScPurpose *purpose, ScPhoto *out) {
   ScStatus status = check_kind(bytes);
   if (!status) status = decode_kind(bytes, limits, purpose, out);
   if (!status) return SC_OK;
   sc_photo_free(out);
   return sc_wrap(status, "%s: ", name);
}

ScImage sc_photo_take_image(ScPhoto *photo) {
   ScImage image = photo->image;
   photo->image = (ScImage){0};
   sc_photo_free(photo);
   return image;
}

ScStatus sc_image_decode_memory(const char *name, const void *data, size_t size, const ScImageLimits *limits,
                                ScImage *out) {
   ScPhoto photo = {0};
   ScStatus status =
       decode_bytes(name, (ScBytes){data, size}, limits ? limits : &sc_image_limits, &(ScPurpose){0}, &photo);
   *out = sc_photo_take_image(&photo);
   return status;
}

// Up to `size` bytes; `got` is less only at the end of the file.
static ScStatus read_upto(int file, const char *path, unsigned char *to, size_t size, size_t *got) {
   *got = 0;
   while (*got < size) {
      ssize_t n = read(file, to + *got, size - *got);
      if (n == 0) break;
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return sc_fail(SC_EIO, "%s: cannot read: %s", path, strerror(errno));
      *got += (size_t)n;
   }
   return SC_OK;
}

static ScStatus check_regular(int file, const char *path, const ScImageLimits *limits, size_t *size) {
   struct stat info;
   if (fstat(file, &info) != 0) return sc_fail(SC_EIO, "%s: cannot read: %s", path, strerror(errno));
   if (S_ISDIR(info.st_mode)) return sc_fail(SC_EIO, "%s: expected a photo, found a folder", path);
   if (!S_ISREG(info.st_mode))
      return sc_fail(SC_EIO, "%s: expected a photo, found a pipe, socket or device", path);
   if (info.st_size > limits->max_bytes)
      return sc_fail(SC_EFORMAT, "%s: %lld bytes are more than the limit of %lld", path,
                     (long long)info.st_size, (long long)limits->max_bytes);
   *size = (size_t)info.st_size;
   return SC_OK;
}

// A file in memory, of which `share` bytes are taken from the budget.
typedef struct {
   unsigned char *data;
   size_t size, share;
} Content;

static void drop(Content *content) {
   free(content->data);
   if (content->share) sc_budget_give(SC_BUDGET_FILES, content->share);
}

static ScStatus read_photo(int file, const char *path, const ScImageLimits *limits, Content *out) {
   size_t size = 0, head_size = 0;
   unsigned char head[SC_PHOTO_HEAD];
   SC_TRY(check_regular(file, path, limits, &size));
   SC_TRY(read_upto(file, path, head, sizeof head, &head_size));
   ScStatus status = check_kind((ScBytes){head, head_size});
   if (status) return sc_wrap(status, "%s: ", path);
   if (size < head_size) size = head_size;
   if (!sc_budget_take(SC_BUDGET_FILES, size, limits->given_up))
      return sc_fail(SC_EINTERRUPTED, "%s: given up while it waited for memory", path);
   out->share = size;
   out->data = malloc(size);
   if (!out->data) return sc_fail(SC_EMEM, "%s: out of memory: %zu bytes", path, size);
   memcpy(out->data, head, head_size);
   SC_TRY(read_upto(file, path, out->data + head_size, size - head_size, &out->size));
   out->size += head_size;
   return SC_OK;
}

ScStatus sc_image_decode_photo(const char *path, const ScImageLimits *limits, const ScPurpose *purpose,
                               ScPhoto *out) {
   *out = (ScPhoto){0};
   if (!limits) limits = &sc_image_limits;
   int file =
       open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // non-blocking: a pipe without a writer must not hang
   if (file < 0) return sc_fail(SC_EIO, "%s: cannot open: %s", path, strerror(errno));
   Content content = {0};
   ScStatus status = read_photo(file, path, limits, &content);
   close(file);
   if (!status && purpose->digest)
      *purpose->digest = (ScDigest){(uint32_t)crc32_z(0, content.data, content.size), (int64_t)content.size};
   if (!status) status = decode_bytes(path, (ScBytes){content.data, content.size}, limits, purpose, out);
   drop(&content);
   return status;
}

ScStatus sc_image_decode(const char *path, const ScImageLimits *limits, ScImage *out) {
   ScPhoto photo;
   ScStatus status = sc_image_decode_photo(path, limits, &(ScPurpose){0}, &photo);
   *out = sc_photo_take_image(&photo);
   return status;
}
