#include "host/files/file_tensor.h"

#include <stdlib.h>
#include <string.h>

#include "host/core/transfer.h"

// A row of n elements, so many bytes apart in the file and in memory.
typedef void Row(const char *from, int64_t from_step, char *to, int64_t to_step, int64_t n);

#define ROW(name, FROM, TO)                                                                                    \
   static void name(const char *from, int64_t from_step, char *to, int64_t to_step, int64_t n) {               \
      for (int64_t i = 0; i < n; i++, from += from_step, to += to_step) {                                      \
         FROM element;                                                                                         \
         memcpy(&element, from, sizeof element);                                                               \
         *(TO *)to = element;                                                                                  \
      }                                                                                                        \
   }
ROW(copy1, uint8_t, uint8_t)
ROW(copy2, uint16_t, uint16_t)
ROW(copy4, uint32_t, uint32_t)
ROW(copy8, uint64_t, uint64_t)
ROW(widen4, int32_t, int64_t)

static Row *row_of(const ScFileType *type) {
   if ((size_t)type->size < sc_dtype_size(type->dtype)) return widen4;
   return type->size == 1 ? copy1 : type->size == 2 ? copy2 : type->size == 4 ? copy4 : copy8;
}

// One dimension of elements on their way from the order of the file to that of memory.
typedef struct {
   int64_t n, from, to; // how many, and how many bytes apart on either side
} Dim;

typedef struct {
   Row *row;
   int64_t from_size, to_size; // bytes of an element
   int rank;                   // at least 2
   Dim dims[SC_MAXRANK + 2];   // from the outermost to the innermost
} Move;

static int64_t step(const Dim *d) {
   return d->from < d->to ? d->from : d->to;
}

// Inside are the dimensions whose elements lie beside each other on one side or the other, so that what was
// fetched for one element serves its neighbours.
static void sort_dims(Move *m) {
   for (int i = 1; i < m->rank; i++)
      for (int k = i; k > 0 && step(&m->dims[k - 1]) < step(&m->dims[k]); k--) {
         Dim d = m->dims[k];
         m->dims[k] = m->dims[k - 1];
         m->dims[k - 1] = d;
      }
}

static Move move_of(const ScTensor *t, const ScFileType *type, const int64_t *strides) {
   int64_t to_strides[SC_MAXRANK];
   Move m = {row_of(type), type->size, (int64_t)sc_dtype_size(t->dtype), 0, {{0}}};
   sc_strides(t, to_strides);
   for (int i = 0; i < t->rank; i++)
      if (t->shape[i] > 1)
         m.dims[m.rank++] = (Dim){t->shape[i], strides[i] * m.from_size, to_strides[i] * m.to_size};
   sort_dims(&m);
   for (; m.rank < 2; m.rank++) {
      m.dims[1] = m.dims[0];
      m.dims[0] = (Dim){1, 0, 0};
   }
   return m;
}

// The two innermost dimensions, in squares that a cache holds.
static void move_plane(const Move *m, const char *from, char *to) {
   enum { SIDE = 32 };
   const Dim *down = &m->dims[m->rank - 2], *along = down + 1;
   for (int64_t top = 0; top < down->n; top += SIDE)
      for (int64_t left = 0; left < along->n; left += SIDE) {
         int64_t bottom = top + SIDE < down->n ? top + SIDE : down->n;
         int64_t width = left + SIDE < along->n ? SIDE : along->n - left;
         for (int64_t i = top; i < bottom; i++)
            m->row(from + i * down->from + left * along->from, along->from,
                   to + i * down->to + left * along->to, along->to, width);
      }
}

// The depth is at most SC_MAXRANK.
static void move(const Move *m, int dim, const char *from, char *to) {
   if (dim == m->rank - 2) return move_plane(m, from, to);
   const Dim *d = &m->dims[dim];
   for (int64_t i = 0; i < d->n; i++) move(m, dim + 1, from + i * d->from, to + i * d->to);
}

static void row_major(int rank, const int64_t *shape, int64_t strides[SC_MAXRANK]) {
   int64_t stride = 1;
   for (int i = rank - 1; i >= 0; i--) {
      strides[i] = stride;
      stride *= shape[i];
   }
}

static bool is_row_major(int rank, const int64_t *shape, const int64_t *strides) {
   int64_t expected[SC_MAXRANK];
   row_major(rank, shape, expected);
   for (int i = 0; i < rank; i++)
      if (shape[i] > 1 && strides[i] != expected[i]) return false;
   return true;
}

// Into the tensor's own memory, or by way of as much of the host's.
static ScStatus fill(ScTensor *t, const ScFileType *type, const int64_t *strides, const void *data) {
   const ScBackend *backend = t->device->backend;
   if (backend->shapes_only) return SC_OK;
   char *to = backend->host_memory ? t->buffer->data : malloc(sc_nbytes(t));
   if (!to) return sc_fail(SC_EMEM, "out of memory");
   Move m = move_of(t, type, strides);
   move(&m, 0, data, to);
   if (backend->host_memory) return SC_OK;
   ScStatus status = backend->upload(t->device, t->buffer->data, to, sc_nbytes(t));
   free(to);
   return sc_name_tensor(status, "writing", t, t->device);
}

ScStatus sc_file_tensor(ScTensor **out, ScDevice *device, const ScFileType *type, int rank,
                        const int64_t *shape, const int64_t *strides, const void *data) {
   ScTensor *tensor;
   int64_t dense[SC_MAXRANK];
   SC_TRY(sc_tensor_new(&tensor, device, type->dtype, rank, shape));
   row_major(rank, shape, dense);
   bool as_it_is = row_of(type) != widen4 && (!strides || is_row_major(rank, shape, strides));
   ScStatus status =
       as_it_is ? sc_tensor_write(tensor, data) : fill(tensor, type, strides ? strides : dense, data);
   if (status != SC_OK) {
      sc_tensor_release(tensor);
      return status;
   }
   *out = tensor;
   return SC_OK;
}
