#include "host/core/world_ordered.h"

#include <stdlib.h>
#include <string.h>

#include "host/core/clock.h"
#include "host/core/world.h"

// What all parts of a piece take together; smaller pieces than LEAST elements would be many messages.
enum { ROOM = 16 << 20, LEAST = 1024 };

// ---- totals as one row of numbers ----

// Those of one dtype lie one behind another.
typedef struct {
   int n;
   ScTensor *const *totals;
   ScDtype dtype;
   size_t width;   // bytes of a number
   int64_t length; // numbers
   int64_t piece;  // of these that are added up at a time
} Row;

static Row row_of(int n, ScTensor *const *totals, ScDtype dtype, int of) {
   Row row = {.n = n, .totals = totals, .dtype = dtype, .width = sc_dtype_size(dtype)};
   for (int i = 0; i < n; i++)
      if (totals[i]->dtype == dtype) row.length += sc_numel(totals[i]);
   int size = sc_world()->size, parts = of > size ? of : size;
   row.piece = ROOM / parts / (int64_t)row.width;
   if (row.piece < LEAST) row.piece = LEAST;
   return row;
}

static int64_t length_of_piece(const Row *row, int64_t from) {
   return row->length - from < row->piece ? row->length - from : row->piece;
}

// What is done with n numbers of a tensor (NULL: it counts as zeros) and as many of a piece.
typedef void (*Act)(const Row *, void *numbers, void *piece, int64_t n);

static void take(const Row *row, void *numbers, void *piece, int64_t n) {
   if (numbers)
      memcpy(piece, numbers, (size_t)n * row->width);
   else
      memset(piece, 0, (size_t)n * row->width);
}

static void put(const Row *row, void *numbers, void *piece, int64_t n) {
   memcpy(numbers, piece, (size_t)n * row->width);
}

static void add(const Row *row, void *numbers, void *piece, int64_t n) {
   if (row->dtype == SC_F32) {
      float *to = numbers;
      const float *from = piece;
      for (int64_t i = 0; i < n; i++) to[i] += from[i];
   } else {
      double *to = numbers;
      const double *from = piece;
      for (int64_t i = 0; i < n; i++) to[i] += from[i];
   }
}

// Numbers from .. from + count - 1 of the row, of the tensors of a list.
static void walk(const Row *row, ScTensor *const *list, int64_t from, int64_t count, char *piece, Act act) {
   for (int i = 0; i < row->n && count > 0; i++) {
      if (row->totals[i]->dtype != row->dtype) continue;
      int64_t size = sc_numel(row->totals[i]), here = size - from < count ? size - from : count;
      if (from >= size) {
         from -= size;
         continue;
      }
      char *data = list[i] ? list[i]->buffer->data : NULL;
      act(row, data ? data + (size_t)from * row->width : NULL, piece, here);
      piece += (size_t)here * row->width;
      count -= here;
      from = 0;
   }
}

// ---- checks ----

static ScStatus check_total(const ScTensor *t) {
   bool host = t->device->backend->host_memory && !t->device->backend->shapes_only;
   if (host && (t->dtype == SC_F32 || t->dtype == SC_F64)) return SC_OK;
   return sc_fail(SC_EUNSUPPORTED,
                  "several processes add up f32 and f64 in the host's memory in order, not %s %s on '%s'",
                  sc_dtype_name(t->dtype), sc_shape_text(t), t->device->name);
}

static ScStatus check(int n, ScTensor *const *totals, int parts, ScTensor *const *mine) {
   for (int i = 0; i < n; i++) SC_TRY(check_total(totals[i]));
   for (int i = 0; i < parts * n; i++) {
      const ScTensor *t = mine[i], *total = totals[i % n];
      if (t && (t->dtype != total->dtype || !sc_same_shape(t, total) || t->device != total->device))
         return sc_fail(SC_EARG, "world.add_parts: expected %s %s in a part, found %s %s",
                        sc_dtype_name(total->dtype), sc_shape_text(total), sc_dtype_name(t->dtype),
                        sc_shape_text(t));
   }
   return SC_OK;
}

static ScStatus own_all(int n, ScTensor *const *totals) {
   for (int i = 0; i < n; i++) SC_TRY(sc_tensor_own(totals[i], true));
   return SC_OK;
}

static void touch_all(int n, ScTensor *const *totals) {
   for (int i = 0; i < n; i++) sc_tensor_touch(totals[i]);
}

// ---- adding ----

typedef struct {
   int parts, most;        // of this process; the most of any
   int64_t *counts;        // by rank
   ScTensor *const *mine;  // parts * n
   char *here, *everybody; // room for `most` pieces; for as many of each process
} Parts;

static ScStatus add_piece(const Row *row, const Parts *p, int64_t from, int root) {
   ScCommunicator *world = sc_world();
   int64_t count = length_of_piece(row, from);
   size_t bytes = (size_t)count * row->width;
   for (int i = 0; i < p->most; i++) {
      if (i < p->parts)
         walk(row, p->mine + (ptrdiff_t)i * row->n, from, count, p->here + (size_t)i * bytes, take);
      else
         memset(p->here + (size_t)i * bytes, 0, bytes);
   }
   double start = sc_seconds();
   ScStatus status = world->gather(world, root, (size_t)p->most * bytes, p->here, p->everybody);
   sc_world_add_waited(start);
   if (status != SC_OK || world->rank != root) return status;
   for (int rank = 0; rank < world->size; rank++)
      for (int64_t i = 0; i < p->counts[rank]; i++)
         walk(row, row->totals, from, count, p->everybody + (size_t)(rank * (int64_t)p->most + i) * bytes, add);
   return SC_OK;
}

static ScStatus add_row(const Row *row, const Parts *p) {
   int size = sc_world()->size, root = 0;
   for (int64_t from = 0; from < row->length; from += row->piece, root = (root + 1) % size)
      SC_TRY(add_piece(row, p, from, root));
   return SC_OK;
}

static ScStatus add_together(const Row rows[2], Parts *p) {
   int size = sc_world()->size;
   size_t bytes = 0;
   for (int i = 0; i < size; i++)
      if (p->counts[i] > p->most) p->most = (int)p->counts[i];
   for (int i = 0; i < 2; i++) {
      size_t piece = (size_t)length_of_piece(&rows[i], 0) * rows[i].width;
      if (piece > bytes) bytes = piece;
   }
   if (p->most == 0 || bytes == 0) return SC_OK;
   p->here = malloc((size_t)p->most * bytes);
   p->everybody = malloc((size_t)size * (size_t)p->most * bytes);
   // The others were met: trying again would have them wait.
   if (!p->here || !p->everybody) return sc_fail(SC_EDEVICE, "out of memory for sums of gradients");
   for (int i = 0; i < 2; i++) SC_TRY(add_row(&rows[i], p));
   return SC_OK;
}

static void add_alone(int n, ScTensor *const *totals, const Row rows[2], const Parts *p) {
   for (int i = 0; i < p->parts * n; i++) {
      ScTensor *total = totals[i % n];
      if (p->mine[i])
         add(&rows[total->dtype == SC_F64], total->buffer->data, p->mine[i]->buffer->data, sc_numel(total));
   }
}

ScStatus sc_world_add_parts(int n, ScTensor *const *totals, int parts, ScTensor *const *mine, int of) {
   if (n <= 0) return SC_OK;
   SC_TRY(check(n, totals, parts, mine));
   SC_TRY(own_all(n, totals));
   Row rows[2] = {row_of(n, totals, SC_F32, of), row_of(n, totals, SC_F64, of)};
   Parts p = {.parts = parts, .mine = mine};
   ScStatus status = SC_OK;
   if (sc_world()->size == 1) {
      add_alone(n, totals, rows, &p);
   } else {
      p.counts = calloc((size_t)sc_world()->size, sizeof *p.counts);
      status = p.counts ? sc_world_exchange(parts, p.counts)
                        : sc_fail(SC_EMEM, "out of memory for sums of gradients");
      if (status == SC_OK) status = add_together(rows, &p);
   }
   touch_all(n, totals);
   free(p.counts);
   free(p.here);
   free(p.everybody);
   return status;
}

// ---- sharing ----

static ScStatus share_row(const Row *row, char *piece) {
   ScCommunicator *world = sc_world();
   int root = 0;
   for (int64_t from = 0; from < row->length; from += row->piece, root = (root + 1) % world->size) {
      int64_t count = length_of_piece(row, from);
      if (world->rank == root) walk(row, row->totals, from, count, piece, take);
      double start = sc_seconds();
      ScStatus status = world->broadcast(world, root, (size_t)count * row->width, piece);
      sc_world_add_waited(start);
      SC_TRY(status);
      if (world->rank != root) walk(row, row->totals, from, count, piece, put);
   }
   return SC_OK;
}

ScStatus sc_world_share_totals(int n, ScTensor *const *totals, int of) {
   if (n <= 0 || sc_world()->size == 1) return SC_OK;
   SC_TRY(check(n, totals, 0, NULL));
   SC_TRY(own_all(n, totals));
   Row rows[2] = {row_of(n, totals, SC_F32, of), row_of(n, totals, SC_F64, of)};
   size_t bytes = (size_t)(rows[0].piece > rows[1].piece ? rows[0].piece : rows[1].piece) * sizeof(double);
   char *piece = malloc(bytes);
   if (!piece) return sc_fail(SC_EMEM, "out of memory for sums of gradients");
   ScStatus status = share_row(&rows[0], piece);
   if (status == SC_OK) status = share_row(&rows[1], piece);
   free(piece);
   touch_all(n, totals);
   return status;
}
