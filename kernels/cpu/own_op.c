// Functions of each element that a script declared, compiled as runs of floats that lie side by side. What lies
// otherwise, stretched (broadcasting), in another order or in bf16, goes through blocks of floats.
#include "host/ops/own_op.h"

#include <stdlib.h>
#include <string.h>

#include "host/ops/broadcast.h"
#include "kernels/cpu/half.h"
#include "kernels/cpu/loop.h"

enum {
   BLOCK = 1024,      // elements that go through blocks
   LONG_BLOCK = 8192, // where all are read and written where they are
   WORTH_THREADS = 32768,
   MOST_PARTS = 16, // that sums over stretched dimensions are made of, whatever the number of threads
   FEW_PARTS = 4,   // where it is little that is stretched,
   ROOM = 4 << 20,  // ... and that many sums are at most made for it
   MOST_SIDES = SC_MAXPARAM + 2 * SC_MAXOUT,
};

// A tensor as the loop sees it, along the elements of the result in its memory order.
typedef struct {
   void *data; // NULL: the loop does not look at it, or, of a gradient of the result, zeros
   bool used, half, in_order;
   ScLoop loop; // of the result and this tensor
   int64_t numel;
   double *sums; // of a gradient that is not in order: what is added up, for each part
} Side;

typedef struct {
   const ScTensor *like; // the result
   ScOwnLoop loop;
   double numbers[SC_MAXPARAM];
   int64_t n, block, parts;
   int nread, nwrite;
   Side read[MOST_SIDES], write[SC_MAXPARAM];
} Work;

static Side side_of(const ScTensor *t, const ScTensor *like, bool used) {
   Side side = {.used = used};
   if (!used || !t || !t->buffer) return side;
   int64_t strides[2][SC_MAXRANK];
   sc_strides(like, strides[0]);
   sc_broadcast_strides(t, like, strides[1]);
   sc_loop_init(&side.loop, like->rank, like->shape, 2, strides);
   side.data = t->buffer->data;
   side.half = sc_is_half(t);
   side.numel = sc_numel(t);
   side.in_order = side.numel == sc_numel(like) && side.loop.rank == 1 && sc_loop_step(&side.loop, 1) == 1;
   side.in_order |= sc_numel(like) == 1;
   return side;
}

// ---- one block ----

typedef void (*Run)(const Side *, float *block, double *sums, int64_t offset, int64_t step, int64_t n);

// Calls `run` for each run of elements `start` to `start + n` of the result that lie evenly in the other
// tensor.
static void each_run(const Side *side, int64_t start, int64_t n, float *block, double *sums, Run run) {
   const ScLoop *l = &side->loop;
   int inner = l->rank - 1;
   int64_t step = sc_loop_step(l, 1);
   for (int64_t done = 0, length; done < n; done += length) {
      int64_t column = (start + done) % l->size[inner], row = (start + done) / l->size[inner];
      int64_t offset = column * step, left = l->size[inner] - column;
      for (int d = inner - 1; d >= 0; d--) {
         offset += row % l->size[d] * l->stride[1][d];
         row /= l->size[d];
      }
      length = left < n - done ? left : n - done;
      run(side, block + done, sums, offset, step, length);
   }
}

static void gather(const Side *side, float *block, double *sums, int64_t offset, int64_t step, int64_t n) {
   (void)sums;
   if (step == 0) {
      float value = sc_at(side->data, offset, side->half);
      for (int64_t i = 0; i < n; i++) block[i] = value;
   } else if (step == 1 && !side->half) {
      memcpy(block, (const float *)side->data + offset, (size_t)n * sizeof *block);
   } else {
      for (int64_t i = 0; i < n; i++) block[i] = sc_at(side->data, offset + i * step, side->half);
   }
}

static void add_up(const Side *side, float *block, double *sums, int64_t offset, int64_t step, int64_t n) {
   (void)side;
   if (step == 0) {
      double total = 0;
      for (int64_t i = 0; i < n; i++) total += block[i];
      sums[offset] += total;
   } else {
      for (int64_t i = 0; i < n; i++) sums[offset + i * step] += block[i];
   }
}

static const void *read_side(const Side *side, int64_t start, int64_t n, float *block) {
   if (!side->used) return NULL;
   if (!side->data)
      memset(block, 0, (size_t)n * sizeof *block);
   else if (side->in_order && !side->half)
      return (const float *)side->data + start;
   else
      each_run(side, start, n, block, NULL, gather);
   return block;
}

// Where the loop writes: in place, or a block, also for what nobody wants.
static void *place_of(const Side *side, int64_t start, float *block) {
   if (!side->used) return NULL;
   return side->data && side->in_order && !side->half ? (float *)side->data + start : block;
}

static void write_side(const Side *side, int64_t part, int64_t start, int64_t n, float *block) {
   if (!side->data) return;
   if (side->sums)
      each_run(side, start, n, block, side->sums + part * side->numel, add_up);
   else if (side->half)
      for (int64_t i = 0; i < n; i++) sc_set(side->data, start + i, true, block[i]);
}

static void run_block(const Work *w, int64_t part, int64_t start, float (*room)[BLOCK]) {
   int64_t n = w->n - start < w->block ? w->n - start : w->block;
   const void *in[MOST_SIDES];
   void *out[SC_MAXPARAM];
   for (int i = 0; i < w->nread; i++) in[i] = read_side(&w->read[i], start, n, room[i]);
   for (int i = 0; i < w->nwrite; i++) out[i] = place_of(&w->write[i], start, room[w->nread + i]);
   w->loop(n, out, in, w->numbers);
   for (int i = 0; i < w->nwrite; i++) write_side(&w->write[i], part, start, n, room[w->nread + i]);
}

// ---- all of it ----

// Whether the loop reads and writes nothing but memory of tensors.
static bool is_direct(const Work *w) {
   bool direct = true;
   for (int i = 0; i < w->nread; i++) {
      const Side *s = &w->read[i];
      direct &= !s->used || (s->data && s->in_order && !s->half);
   }
   for (int i = 0; i < w->nwrite; i++) {
      const Side *s = &w->write[i];
      direct &= !s->used || (s->data && s->in_order && !s->half);
   }
   return direct;
}

static void run_all(Work *w) {
   w->block = is_direct(w) ? LONG_BLOCK : BLOCK;
   int64_t blocks = (w->n + w->block - 1) / w->block;
   int64_t tasks = w->parts ? w->parts : blocks; // a part is one thread's
#pragma omp parallel for if (w->n > WORTH_THREADS)
   for (int64_t task = 0; task < tasks; task++) {
      float room[MOST_SIDES + SC_MAXPARAM][BLOCK];
      for (int64_t i = task * blocks / tasks; i < (task + 1) * blocks / tasks; i++)
         run_block(w, task, i * w->block, room);
   }
}

// The sides, most of a work's memory, are not cleared: a small tensor's call would be nothing else.
static void begin(Work *w, const ScCall *c, const ScTensor *like, ScOwnLoop loop) {
   w->like = like;
   w->loop = loop;
   w->n = sc_numel(like);
   w->parts = w->nread = w->nwrite = 0;
   sc_own_op_numbers(c, w->numbers);
}

static ScStatus forward(ScCall *c) {
   const void *code;
   SC_TRY(sc_own_op_code(c, SC_OWN_HOST, &code));
   const ScTensor *y = c->out[0];
   Work w;
   begin(&w, c, y, ((const ScOwnLoops *)code)->forward);
   for (int i = 0; i < c->nin; i++) w.read[w.nread++] = side_of(c->in[i], y, true);
   for (int i = 0; i < c->nout; i++) w.write[w.nwrite++] = side_of(c->out[i], y, true);
   run_all(&w);
   return SC_OK;
}

// ---- backward ----

// In how many parts `total` gradients of n elements are summed, which the shapes alone say: few where there are
// many to add up in the end, but more than one thread has work where memory allows it.
static int64_t parts_of(int64_t n, int64_t total) {
   int64_t parts = n / (4 * total), least = n / total < FEW_PARTS ? n / total : FEW_PARTS;
   if (n <= WORTH_THREADS) return 1;
   if (parts < least && least * total <= ROOM) parts = least;
   return parts < 1 ? 1 : parts > MOST_PARTS ? MOST_PARTS : parts;
}

// Gradients that are not in the order of the result are summed in double, because a stretched input may collect
// millions of terms: in parts, which threads share.
static ScStatus begin_sums(Work *w, double **memory) {
   int64_t total = 0;
   for (int i = 0; i < w->nwrite; i++)
      if (w->write[i].data && !w->write[i].in_order) total += w->write[i].numel;
   if (total == 0) return SC_OK;
   w->parts = parts_of(w->n, total);
   *memory = calloc((size_t)(total * w->parts), sizeof **memory);
   if (!*memory) return sc_fail(SC_EMEM, "out of memory");
   double *next = *memory;
   for (int i = 0; i < w->nwrite; i++) {
      if (!w->write[i].data || w->write[i].in_order) continue;
      w->write[i].sums = next;
      next += w->write[i].numel * w->parts;
   }
   return SC_OK;
}

static void end_sums(const Work *w) {
   for (int k = 0; k < w->nwrite; k++) {
      const Side *s = &w->write[k];
      if (!s->sums) continue;
#pragma omp parallel for if (s->numel * w->parts > WORTH_THREADS)
      for (int64_t i = 0; i < s->numel; i++) {
         double total = 0;
         for (int64_t part = 0; part < w->parts; part++) total += s->sums[part * s->numel + i];
         sc_set(s->data, i, s->half, (float)total);
      }
   }
}

static const ScTensor *any_gradient(const ScCall *c) {
   for (int i = 0; i < c->nout; i++)
      if (c->grad_out[i]) return c->grad_out[i];
   return NULL;
}

static ScStatus backward(ScCall *c) {
   const void *code;
   SC_TRY(sc_own_op_code(c, SC_OWN_HOST, &code));
   const ScOwnOp *own = sc_own_op(c);
   const ScTensor *g = any_gradient(c);
   Work w;
   begin(&w, c, g, ((const ScOwnLoops *)code)->backward);
   for (int i = 0; i < c->nin; i++) w.read[w.nread++] = side_of(c->in[i], g, c->in[i]->buffer != NULL);
   for (int i = 0; i < c->nout; i++) w.read[w.nread++] = side_of(c->out[i], g, c->out[i]->buffer != NULL);
   for (int i = 0; i < c->nout; i++) w.read[w.nread++] = side_of(c->grad_out[i], g, true);
   for (int i = 0; i < c->nin; i++) w.write[w.nwrite++] = side_of(c->grad_in[i], g, own->gradients >> i & 1);
   double *memory = NULL;
   SC_TRY(begin_sums(&w, &memory));
   run_all(&w);
   end_sums(&w);
   free(memory);
   return SC_OK;
}

SC_KERNEL(cpu, own_op, SC_F32_AND_BF16, .forward = forward, .backward = backward)
