#include "host/ops/gather.h"

#include <string.h>

#include "host/core/op.h"
#include "kernels/cpu/loop.h"

// The places of `index` along dimension `dim` are a line; runs of lines are walked together. Steps, in
// elements, in the index, in the tensor of its places and in the one whose entries are chosen.
typedef struct {
   const int64_t *index;
   const char *from;
   char *to;
   int64_t lines, places; // of a run
   int64_t line[3], place[3];
} Run;

#define TAKE(type)                                                                                             \
   static inline void take_##type(const Run *r, int64_t i, int64_t k) {                                        \
      int64_t entry = r->index[i * r->line[0] + k * r->place[0]] - 1;                                          \
      ((type *)r->to)[i * r->line[1] + k * r->place[1]] =                                                      \
          ((const type *)r->from)[i * r->line[2] + entry * r->place[2]];                                       \
   }
TAKE(uint8_t)
TAKE(uint16_t)
TAKE(uint32_t)
TAKE(uint64_t)

#define ADD(type, plus)                                                                                        \
   static inline void add_##type(const Run *r, int64_t i, int64_t k) {                                         \
      int64_t entry = r->index[i * r->line[0] + k * r->place[0]] - 1;                                          \
      type *to = (type *)r->to + i * r->line[2] + entry * r->place[2];                                         \
      *to = plus(*to, ((const type *)r->from)[i * r->line[1] + k * r->place[1]]);                              \
   }
#define PLUS(a, b)       ((a) + (b))
#define PLUS_BYTES(a, b) ((a) + (b) > 255 ? 255 : (uint8_t)((a) + (b)))

// Ends at the ends of the range.
static inline int64_t plus_whole(int64_t a, int64_t b) {
   int64_t sum;
   return __builtin_add_overflow(a, b, &sum) ? (a < 0 ? INT64_MIN : INT64_MAX) : sum;
}
typedef uint8_t byte;
ADD(float, PLUS)
ADD(double, PLUS)
ADD(int64_t, plus_whole)
ADD(byte, PLUS_BYTES)

// The order within a line is that of its places; of lines and places the one whose steps are shorter is walked
// the faster.
#define EACH(act)                                                                                              \
   static void each_##act(const Run *r) {                                                                      \
      if (r->lines > 1 && r->line[0] <= r->place[0]) {                                                         \
         for (int64_t k = 0; k < r->places; k++)                                                               \
            for (int64_t i = 0; i < r->lines; i++) act(r, i, k);                                               \
      } else {                                                                                                 \
         for (int64_t i = 0; i < r->lines; i++)                                                                \
            for (int64_t k = 0; k < r->places; k++) act(r, i, k);                                              \
      }                                                                                                        \
   }
EACH(take_uint8_t)
EACH(take_uint16_t)
EACH(take_uint32_t)
EACH(take_uint64_t)
EACH(add_float)
EACH(add_double)
EACH(add_int64_t)
EACH(add_byte)

typedef void Each(const Run *);

// `adds`: from the places to what is chosen, else the other way round.
static void walk(ScTensor *to, const ScTensor *from, int64_t dim, const ScTensor *index, bool adds,
                 Each *each) {
   const ScTensor *tensors[] = {index, adds ? from : to, adds ? to : from};
   int64_t strides[3][SC_MAXRANK] = {{0}}, shape[SC_MAXRANK];
   Run all = {.places = index->shape[dim]};
   memcpy(shape, index->shape, sizeof shape);
   shape[dim] = 1;
   for (int t = 0; t < 3; t++) {
      sc_strides(tensors[t], strides[t]);
      all.place[t] = strides[t][dim];
   }
   ScLoop loop;
   sc_loop_init(&loop, index->rank, shape, 3, strides);
   for (int t = 0; t < 3; t++) all.line[t] = sc_loop_step(&loop, t);
   size_t size = sc_dtype_size(to->dtype);
#pragma omp parallel for if (loop.tasks > 1 && sc_numel(index) > 32768)
   for (int64_t task = 0; task < loop.tasks; task++) {
      int64_t at[SC_LOOP_MAX];
      Run run = all;
      run.lines = sc_loop_task(&loop, task, at);
      run.index = (const int64_t *)index->buffer->data + at[0];
      run.to = (char *)to->buffer->data + (size_t)at[adds ? 2 : 1] * size;
      run.from = (const char *)from->buffer->data + (size_t)at[adds ? 1 : 2] * size;
      each(&run);
   }
}

static void take(ScTensor *to, const ScTensor *from, int64_t dim, const ScTensor *index) {
   static Each *const by_size[] = {
       [1] = each_take_uint8_t, [2] = each_take_uint16_t, [4] = each_take_uint32_t, [8] = each_take_uint64_t};
   walk(to, from, dim, index, false, by_size[sc_dtype_size(to->dtype)]);
}

static ScStatus add(ScTensor *to, const ScTensor *from, int64_t dim, const ScTensor *index) {
   static Each *const by_dtype[SC_NDTYPE] = {[SC_F32] = each_add_float,
                                             [SC_F64] = each_add_double,
                                             [SC_I64] = each_add_int64_t,
                                             [SC_U8] = each_add_byte};
   if (!by_dtype[to->dtype]) return SC_EUNSUPPORTED; // halves are added up in f32
   walk(to, from, dim, index, true, by_dtype[to->dtype]);
   return SC_OK;
}

static ScStatus gather(ScCall *c) {
   take(c->out[0], c->in[0], c->attr[SC_GATHER_DIM].i, c->in[1]);
   return SC_OK;
}

static ScStatus gather_backward(ScCall *c) {
   memset(c->grad_in[0]->buffer->data, 0, sc_nbytes(c->grad_in[0]));
   return add(c->grad_in[0], c->grad_out[0], c->attr[SC_GATHER_DIM].i, c->in[1]);
}

static ScStatus scatter(ScCall *c) {
   memcpy(c->out[0]->buffer->data, c->in[SC_SCATTER_X]->buffer->data, sc_nbytes(c->out[0]));
   return add(c->out[0], c->in[SC_SCATTER_SRC], c->attr[SC_GATHER_DIM].i, c->in[SC_SCATTER_INDEX]);
}

static ScStatus scatter_backward(ScCall *c) {
   ScTensor *to = c->grad_in[SC_SCATTER_SRC];
   memset(to->buffer->data, 0, sc_nbytes(to));
   take(to, c->grad_out[0], c->attr[SC_GATHER_DIM].i, c->in[SC_SCATTER_INDEX]);
   return SC_OK;
}

SC_KERNEL(cpu, gather, .dtypes = SC_ALL_DTYPES, .forward = gather, .backward = gather_backward)
SC_KERNEL(cpu, scatter_add, .dtypes = SC_NUMBERS, .forward = scatter, .backward = scatter_backward)
