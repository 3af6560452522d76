#include "host/core/halves.h"

#include <stdlib.h>

#include "host/core/compute.h"
#include "host/core/recording.h"
#include "host/core/retry.h"

// A parameter's copy, kept from step to step.
typedef struct ScHalf {
   ScCompanion companion;       // of the parameter
   ScTensor *owner, *copy;      // copy: NULL until there is one
   uint64_t of;                 // the stamp of the content that was copied
   struct ScHalf *next, **link; // in the list of all; link: what points here
} ScHalf;

static ScHalf *halves;

// ---- a list of tensors at once ----

static bool converts_lists(const ScDevice *device) {
   return !device->backend->host_memory && sc_find_kernel(device, "list_convert");
}

typedef struct {
   int n;
   ScTensor **to, **from;
} Lists;

static ScStatus convert_lists(const Lists *lists) {
   ScCall *call;
   SC_TRY(sc_call_new(&call, sc_op_find("list_convert"), 2 * lists->n));
   for (int i = 0; i < lists->n; i++) {
      call->in[i] = sc_tensor_retain(lists->to[i]);
      call->in[lists->n + i] = sc_tensor_retain(lists->from[i]);
   }
   call->count[0] = call->count[1] = lists->n;
   ScStatus status = sc_call_place(call);
   if (status == SC_OK) status = sc_compute(call);
   return sc_call_finish(call, sc_name_call(call, status), NULL);
}

// ---- parameters ----

static bool is_parameter(const ScTensor *t) {
   return t->requires_grad && !t->node && t->dtype == SC_F32 && t->buffer && converts_lists(t->device);
}

static bool is_current(const ScHalf *half) {
   return half->copy && half->of == half->owner->buffer->stamp;
}

const ScTensor *sc_half_of(const ScTensor *t, ScDtype dtype) {
   const ScHalf *half = (const ScHalf *)t->half;
   return half && half->copy && half->copy->dtype == dtype && is_current(half) ? half->copy : NULL;
}

static void release(ScCompanion *companion) {
   ScHalf *half = (ScHalf *)companion;
   *half->link = half->next;
   if (half->next) half->next->link = half->link;
   sc_tensor_release(half->copy);
   free(half);
}

static ScStatus find_half(ScTensor *t) {
   if (t->half) return SC_OK;
   ScHalf *half = calloc(1, sizeof *half);
   if (!half) return sc_fail(SC_EMEM, "out of memory");
   half->companion.release = release;
   half->owner = t;
   half->next = halves;
   half->link = &halves;
   if (halves) halves->link = &half->next;
   halves = half;
   t->half = &half->companion;
   sc_flush_too(sc_halves_flush);
   return SC_OK;
}

static void drop_copy(ScHalf *half) {
   sc_tensor_release(half->copy);
   half->copy = NULL;
}

// A tensor in that dtype that nobody else looks at.
static ScStatus make_room(ScHalf *half, ScDtype dtype) {
   const ScTensor *copy = half->copy, *t = half->owner;
   if (copy && copy->dtype == dtype && copy->buffer->refs == 1) return SC_OK;
   drop_copy(half);
   return sc_tensor_new(&half->copy, t->device, dtype, t->rank, t->shape);
}

// Of those that do not belong to it a graph would make copies again and again.
static bool belongs(const ScTensor *owner) {
   return !sc_records(owner->device) || sc_recording_watches(owner->device, owner->buffer->data);
}

static bool is_stale(const ScHalf *half, const ScTensor *like) {
   const ScTensor *owner = half->owner;
   return owner == like ||
          (owner->device == like->device && is_parameter(owner) && !is_current(half) && belongs(owner));
}

// What has been frozen since is no parameter any more.
static void drop_frozen(void) {
   for (ScHalf *half = halves; half; half = half->next)
      if (converts_lists(half->owner->device) && !is_parameter(half->owner)) drop_copy(half);
}

static ScStatus refresh(ScTensor *t, ScDtype dtype, Lists *lists, ScHalf **stale) {
   for (ScHalf *half = halves; half; half = half->next) {
      if (!is_stale(half, t)) continue;
      half->of = 0;
      SC_TRY(make_room(half, dtype));
      lists->to[lists->n] = half->copy, lists->from[lists->n] = half->owner;
      stale[lists->n++] = half;
   }
   SC_TRY(convert_lists(lists));
   for (int i = 0; i < lists->n; i++) stale[i]->of = stale[i]->owner->buffer->stamp;
   return SC_OK;
}

ScStatus sc_half_refresh(ScTensor *t, ScDtype dtype) {
   if (!is_parameter(t) || sc_half_of(t, dtype)) return SC_OK;
   SC_TRY(find_half(t));
   drop_frozen();
   size_t n = 0;
   for (const ScHalf *half = halves; half; half = half->next) n++;
   void **room = calloc(3 * n, sizeof *room);
   if (!room) return sc_fail(SC_EMEM, "out of memory");
   Lists lists = {0, (ScTensor **)room, (ScTensor **)(room + n)};
   ScStatus status = refresh(t, dtype, &lists, (ScHalf **)(room + 2 * n));
   free(room);
   return status;
}

// ---- what is frozen ----

static bool is_frozen(const ScTensor *t) {
   return !t->requires_grad && !t->node && t->dtype == SC_F32 && t->buffer;
}

static bool was_seen(const ScHalf *half) {
   return half->of == half->owner->buffer->stamp;
}

ScStatus sc_half_keep(ScTensor *t, ScTensor *copy) {
   if (!t->device->backend->host_memory) return SC_OK;
   if (!is_frozen(t) && t->half) drop_copy((ScHalf *)t->half);
   if (!is_frozen(t) || sc_half_of(t, copy->dtype)) return SC_OK;
   SC_TRY(find_half(t));
   ScHalf *half = (ScHalf *)t->half;
   bool again = was_seen(half);
   drop_copy(half);
   half->of = t->buffer->stamp;
   if (again) half->copy = sc_tensor_retain(copy);
   return SC_OK;
}

void sc_halves_flush(const ScDevice *device) {
   for (ScHalf *half = halves; half; half = half->next)
      if (half->owner->device == device) drop_copy(half);
}

// ---- gradients ----

static bool is_late(const ScNode *node) {
   const ScCall *call = node->call;
   const ScTensor *leaf = node->edges[0].leaf, *gradient = call->grad_out[0];
   return call->op == sc_op_find("to") && leaf && leaf->dtype == SC_F32 && sc_dtype_is_half(gradient->dtype) &&
          converts_lists(leaf->device);
}

static ScStatus grow(ScTensor ***list, int capacity) {
   ScTensor **grown = realloc(*list, (size_t)capacity * sizeof *grown);
   if (!grown) return sc_fail(SC_EMEM, "out of memory");
   *list = grown;
   return SC_OK;
}

ScStatus sc_late_take(ScLateGradients *late, ScNode *node, bool *taken) {
   *taken = is_late(node);
   if (!*taken) return SC_OK;
   if (late->n == late->capacity) {
      int capacity = late->capacity ? 2 * late->capacity : 64;
      SC_TRY(grow(&late->leaves, capacity));
      SC_TRY(grow(&late->gradients, capacity));
      late->capacity = capacity;
   }
   late->leaves[late->n] = sc_tensor_retain(node->edges[0].leaf);
   late->gradients[late->n++] = node->call->grad_out[0];
   node->call->grad_out[0] = NULL;
   return SC_OK;
}

typedef struct {
   const ScLateGradients *late;
   ScTensor **wide; // one for each, NULL before it is made
} Widening;

static bool belong_together(const ScTensor *a, const ScTensor *b) {
   return a->dtype == b->dtype && a->device == b->device;
}

// All that are like number `first`, and come after it.
static ScStatus widen_like(const Widening *w, int first, Lists *lists) {
   lists->n = 0;
   for (int i = first; i < w->late->n; i++) {
      ScTensor *half = w->late->gradients[i];
      if (w->wide[i] || !belong_together(half, w->late->gradients[first])) continue;
      SC_TRY(sc_tensor_new(&w->wide[i], half->device, SC_F32, half->rank, half->shape));
      lists->to[lists->n] = w->wide[i], lists->from[lists->n++] = half;
   }
   return convert_lists(lists);
}

static ScStatus widen(void *context) {
   const Widening *w = context;
   int n = w->late->n;
   sc_tensor_release_all(n, w->wide); // of a first try
   ScTensor **room = calloc(2 * (size_t)n, sizeof *room);
   if (!room) return sc_fail(SC_EMEM, "out of memory");
   Lists lists = {0, room, room + n};
   ScStatus status = SC_OK;
   for (int i = 0; i < n && status == SC_OK; i++)
      if (!w->wide[i]) status = widen_like(w, i, &lists);
   free(room);
   return status;
}

ScStatus sc_late_convert(ScLateGradients *late, ScStatus (*hand)(void *, ScTensor *leaf, ScTensor *gradient),
                         void *context) {
   if (late->n == 0) return SC_OK;
   ScTensor **wide = calloc((size_t)late->n, sizeof *wide);
   if (!wide) return sc_fail(SC_EMEM, "out of memory");
   ScStatus status = sc_with_retry(widen, &(Widening){late, wide});
   for (int i = 0; i < late->n && status == SC_OK; i++) {
      sc_tensor_release(late->gradients[i]);
      late->gradients[i] = NULL;
      status = hand(context, late->leaves[i], wide[i]);
      wide[i] = NULL;
   }
   sc_tensor_release_all(late->n, wide);
   free(wide);
   if (status != SC_OK) return status;
   sc_tensor_release_all(late->n, late->leaves);
   late->n = 0;
   return SC_OK;
}

void sc_late_free(ScLateGradients *late) {
   sc_tensor_release_all(late->n, late->leaves);
   sc_tensor_release_all(late->n, late->gradients);
   free(late->leaves);
   free(late->gradients);
}
