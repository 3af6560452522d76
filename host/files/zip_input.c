#define _GNU_SOURCE // memmem
#include "host/files/zip_input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// TAIL: where libzip looks for the end of a list of entries. ENDS: how many it may find there, by chance.
enum { TAIL = 65535 + 22 + 20, ENDS = 4 };

static zip_int64_t fail(ScZipInput *in, int code, int error) {
   libzip.error_set(&in->error, code, error);
   return -1;
}

static zip_int64_t read_on(ScZipInput *in, void *data, zip_uint64_t bytes) {
   int64_t left = in->source->size - in->at;
   if ((zip_uint64_t)left < bytes) bytes = (zip_uint64_t)left;
   in->exceeded = (int64_t)bytes > in->budget;
   if (in->exceeded) return fail(in, ZIP_ER_READ, EFBIG);
   if (sc_source_read(in->source, in->at, data, bytes) != SC_OK) return fail(in, ZIP_ER_READ, EIO);
   in->budget -= (int64_t)bytes;
   in->at += (int64_t)bytes;
   return (zip_int64_t)bytes;
}

static zip_int64_t seek(ScZipInput *in, void *data, zip_uint64_t bytes) {
   zip_int64_t to = libzip.source_seek_compute_offset((zip_uint64_t)in->at, (zip_uint64_t)in->source->size,
                                                      data, bytes, &in->error);
   if (to < 0) return -1;
   in->at = to;
   return 0;
}

static zip_int64_t describe(const ScZipInput *in, zip_stat_t *out) {
   libzip.stat_init(out);
   out->size = (zip_uint64_t)in->source->size;
   out->valid |= ZIP_STAT_SIZE;
   return sizeof *out;
}

// What libzip asks of a source.
static zip_int64_t answer(void *context, void *data, zip_uint64_t bytes, zip_source_cmd_t command) {
   ScZipInput *in = context;
   switch (command) {
   case ZIP_SOURCE_OPEN: return in->at = 0;
   case ZIP_SOURCE_READ: return read_on(in, data, bytes);
   case ZIP_SOURCE_SEEK: return seek(in, data, bytes);
   case ZIP_SOURCE_TELL: return in->at;
   case ZIP_SOURCE_STAT: return describe(in, data);
   case ZIP_SOURCE_ERROR: return libzip.error_to_data(&in->error, data, bytes);
   case ZIP_SOURCE_CLOSE:
   case ZIP_SOURCE_FREE: return 0;
   case ZIP_SOURCE_SUPPORTS: return ZIP_SOURCE_SUPPORTS_SEEKABLE;
   default: return fail(in, ZIP_ER_OPNOTSUPP, 0);
   }
}

static int count_ends(const char *tail, size_t bytes) {
   int n = 0;
   for (const char *at = tail; (at = memmem(at, bytes - (size_t)(at - tail), "PK\5\6", 4)); at += 4) n++;
   return n;
}

// libzip reads the list of entries of each end that it finds, and takes the best.
static bool has_few_ends(const ScSource *source, zip_error_t *error) {
   size_t bytes = source->size < TAIL ? (size_t)source->size : TAIL;
   char *tail = malloc(bytes + 1);
   if (!tail) return libzip.error_set(error, ZIP_ER_MEMORY, ENOMEM), false;
   bool read = sc_source_read(source, source->size - (int64_t)bytes, tail, bytes) == SC_OK;
   bool few = read && count_ends(tail, bytes) <= ENDS;
   free(tail);
   if (!few) libzip.error_set(error, read ? ZIP_ER_INCONS : ZIP_ER_READ, read ? 0 : EIO);
   return few;
}

zip_t *sc_zip_open(ScZipInput *input, const ScSource *source, int64_t budget, zip_error_t *error) {
   *input = (ScZipInput){.source = source, .budget = budget};
   libzip.error_init(&input->error);
   if (!has_few_ends(source, error)) return NULL;
   zip_source_t *asked = libzip.source_function_create(answer, input, error);
   zip_t *zip = asked ? libzip.open_from_source(asked, ZIP_RDONLY, error) : NULL;
   if (!zip) libzip.source_free(asked);
   return zip;
}
