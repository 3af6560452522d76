#include "host/files/mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/files/lost_pages.h"

enum { ALIGNMENT = 64 }; // of tensors, see host/core/buffer.h

struct ScMapped {
   ScLender lender; // comes first: a lender of tensors is one of these
   atomic_int refs; // of whoever opened it, and of each buffer
   char *path;
   ScSource source; // its own, by its own path
   ScHeader header;
   char *base;
   size_t bytes;
   ScPages *pages;
};

static void let_go(ScMapped *m) {
   if (atomic_fetch_sub(&m->refs, 1) > 1) return;
   sc_pages_forget(m->pages);
   if (m->base) munmap(m->base, m->bytes);
   if (m->source.fd >= 0) sc_source_close(&m->source);
   sc_header_free(&m->header);
   free(m->path);
   free(m);
}

static void take_back(ScLender *lender) {
   let_go((ScMapped *)lender);
}

// The file, and behind it a page of zeros: a kernel may look at some bytes past the last element.
static ScStatus map(ScMapped *m) {
   size_t page = (size_t)sysconf(_SC_PAGESIZE), file = (size_t)m->source.size;
   m->bytes = (file + page - 1) / page * page + page;
   char *base = mmap(NULL, m->bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
   if (base == MAP_FAILED)
      return sc_fail(SC_EMEM, "out of memory: no addresses for the %zu bytes of %s", file, m->path);
   m->base = base;
   if (mmap(base, file, PROT_READ, MAP_PRIVATE | MAP_FIXED, m->source.fd, 0) == MAP_FAILED)
      return sc_fail(SC_EIO, "cannot map %s: %s", m->path, strerror(errno));
   return sc_pages_watch(&m->pages, base, m->bytes);
}

static ScStatus open_file(ScMapped *m, const ScSource *source) {
   m->path = strdup(source->path);
   if (!m->path) return sc_fail(SC_EMEM, "out of memory");
   int fd = fcntl(source->fd, F_DUPFD_CLOEXEC, 0);
   if (fd < 0) return sc_fail(SC_EIO, "cannot read %s: %s", m->path, strerror(errno));
   m->source = (ScSource){m->path, fd, source->size, source->changed};
   SC_TRY(sc_header_read(&m->header, &m->source));
   return map(m);
}

ScStatus sc_mapped_open(ScMapped **out, const ScSource *source) {
   ScMapped *m = calloc(1, sizeof *m);
   if (!m) return sc_fail(SC_EMEM, "out of memory");
   m->lender.take_back = take_back;
   m->refs = 1;
   m->source.fd = -1;
   ScStatus status = open_file(m, source);
   if (status == SC_OK)
      *out = m;
   else
      let_go(m);
   return status;
}

void sc_mapped_close(ScMapped *m) {
   if (m) let_go(m);
}

const ScHeader *sc_mapped_header(const ScMapped *m) {
   return &m->header;
}

const ScHeaderItem *sc_mapped_find(const ScMapped *m, const char *name) {
   for (int i = 0; i < m->header.n; i++)
      if (strcmp(m->header.items[i].name, name) == 0) return &m->header.items[i];
   return NULL;
}

const void *sc_mapped_bytes(const ScMapped *m, const ScHeaderItem *item, int64_t from, int64_t count,
                            size_t *bytes) {
   int64_t all = item->end - item->begin, one = item->rank > 0 ? all / item->shape[0] : all;
   *bytes = (size_t)(count * one);
   return m->base + m->header.data + item->begin + from * one;
}

// Whether the bytes of the file are those that a tensor on the CPU has.
static bool serves_as_memory(const ScHeaderItem *item, const void *data) {
   return (size_t)item->type->size == sc_dtype_size(item->type->dtype) && item->rank < 4 &&
          (uintptr_t)data % ALIGNMENT == 0;
}

ScStatus sc_mapped_tensor(ScTensor **out, ScMapped *m, const ScHeaderItem *item, int64_t from, int64_t count) {
   size_t bytes;
   int64_t shape[SC_MAXRANK];
   const void *data = sc_mapped_bytes(m, item, from, count, &bytes);
   memcpy(shape, item->shape, sizeof shape);
   if (item->rank > 0) shape[0] = count;
   if (!serves_as_memory(item, data))
      return sc_file_tensor(out, sc_device_cpu(), item->type, item->rank, shape, NULL, data);
   SC_TRY(sc_tensor_lend(out, sc_device_cpu(), item->type->dtype, item->rank, shape, data, &m->lender));
   atomic_fetch_add(&m->refs, 1);
   return SC_OK;
}

ScStatus sc_mapped_unchanged(const ScMapped *m) {
   if (sc_pages_lost(m->pages))
      return sc_fail(SC_EIO, "%s: a part of it is gone: it was cut off while it was in use, or its disk failed",
                     m->path);
   return sc_source_unchanged(&m->source);
}
