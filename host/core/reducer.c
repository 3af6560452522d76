#include "host/core/reducer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/core/backward.h"
#include "host/core/clock.h"
#include "host/core/digest.h"
#include "host/core/retry.h"
#include "host/core/transfer.h"
#include "host/core/world.h"

typedef struct {
   ScCommunicator *group;
   ScTensor *flat; // the gradients one behind another
   int first, n;   // its parameters
   int left;       // of which that many gradients are not final yet
   ScPending *pending;
   bool is_under_way;
} Bucket;

struct ScReducer {
   int n;
   ScTensor **parameters; // the last of those that were given comes first
   int *bucket_of;
   bool *final;  // told of in the backward that is watched
   int64_t *has; // how many processes have a gradient of each; behind that: how many want it done again
   int nbuckets;
   Bucket *buckets;
   int begun;    // sums in this window, of the first buckets
   int guess;    // where the next leaf may be
   bool watches; // a backward
   ScLeafWatch before;
   bool spoiled; // what was begun came from a backward that failed
   bool broken;
};

// ---- making ----

static ScStatus check_dtype(const ScTensor *t) {
   if (t->dtype == SC_F32 || t->dtype == SC_F64) return SC_OK;
   return sc_fail(SC_EUNSUPPORTED, "several processes add up f32 and f64, not %s %s", sc_dtype_name(t->dtype),
                  sc_shape_text(t));
}

static bool belongs(const ScReducer *r, const Bucket *bucket, const ScTensor *t, size_t used, size_t bytes) {
   const ScTensor *first = r->parameters[bucket->first];
   return first->dtype == t->dtype && first->device == t->device && used + sc_nbytes(t) <= bytes;
}

// Shares the parameters out among buckets.
static ScStatus fill_buckets(ScReducer *r, size_t bytes) {
   size_t used = 0;
   for (int i = 0; i < r->n; i++) {
      const ScTensor *t = r->parameters[i];
      SC_TRY(check_dtype(t));
      if (r->nbuckets == 0 || !belongs(r, &r->buckets[r->nbuckets - 1], t, used, bytes)) {
         Bucket *next = &r->buckets[r->nbuckets++];
         next->first = i;
         SC_TRY(sc_world_for(t->device, &next->group));
         used = 0;
      }
      used += sc_nbytes(t);
      r->bucket_of[i] = r->nbuckets - 1;
      r->buckets[r->nbuckets - 1].n++;
   }
   return SC_OK;
}

static ScStatus make_room(void *context) {
   ScReducer *r = context;
   for (int i = 0; i < r->nbuckets; i++) {
      Bucket *bucket = &r->buckets[i];
      const ScTensor *first = r->parameters[bucket->first];
      int64_t count = 0;
      for (int k = 0; k < bucket->n; k++) count += sc_numel(r->parameters[bucket->first + k]);
      if (!bucket->flat) SC_TRY(sc_tensor_new(&bucket->flat, first->device, first->dtype, 1, &count));
      SC_TRY(sc_tensor_fill(bucket->flat, 0));
   }
   return SC_OK;
}

static uint64_t mix(uint64_t hash, int64_t value) {
   return sc_digest(hash, &value, sizeof value);
}

// Fails in all processes where their parameters are not alike.
static ScStatus agree(const ScReducer *r) {
   uint64_t hash = 0;
   long long numbers = 0;
   for (int i = 0; i < r->n; i++) {
      const ScTensor *t = r->parameters[i];
      numbers += sc_numel(t);
      hash = mix(mix(hash, t->dtype), t->rank);
      for (int d = 0; d < t->rank; d++) hash = mix(hash, t->shape[d]);
   }
   char text[SC_WORLD_TEXT];
   snprintf(text, sizeof text, "sums of the gradients of %d parameters (%lld numbers, shapes %016llx)", r->n,
            numbers, (unsigned long long)hash);
   return sc_world_same_call(text);
}

static ScStatus fill(ScReducer *r, int n, ScTensor *const *parameters, size_t bytes) {
   size_t room = (size_t)n + 1;
   r->parameters = calloc(room, sizeof(ScTensor *));
   r->bucket_of = calloc(room, sizeof *r->bucket_of);
   r->final = calloc(room, sizeof *r->final);
   r->has = calloc(room, sizeof *r->has);
   r->buckets = calloc(room, sizeof *r->buckets);
   if (!r->parameters || !r->bucket_of || !r->final || !r->has || !r->buckets)
      return sc_fail(SC_EMEM, "out of memory for sums of gradients");
   for (r->n = 0; r->n < n; r->n++) r->parameters[r->n] = sc_tensor_retain(parameters[n - 1 - r->n]);
   SC_TRY(fill_buckets(r, bytes));
   SC_TRY(sc_with_retry(make_room, r));
   return agree(r);
}

ScStatus sc_reducer_new(ScReducer **out, int n, ScTensor *const *parameters, size_t bytes) {
   ScReducer *r = calloc(1, sizeof *r);
   if (!r) return sc_fail(SC_EMEM, "out of memory for sums of gradients");
   ScStatus status = fill(r, n, parameters, bytes);
   if (status != SC_OK) {
      sc_reducer_free(r);
      return status;
   }
   *out = r;
   return SC_OK;
}

// Memory of a sum that is under way is still the transport's.
void sc_reducer_free(ScReducer *r) {
   if (!r) return;
   sc_reducer_unwatch(r);
   if (r->begun > 0) sc_world_give_up();
   for (int i = 0; i < r->nbuckets; i++)
      if (!r->buckets[i].is_under_way) sc_tensor_release(r->buckets[i].flat);
   sc_tensor_release_all(r->n, r->parameters);
   free(r->parameters);
   free(r->bucket_of);
   free(r->final);
   free(r->has);
   free(r->buckets);
   free(r);
}

// ---- one bucket ----

static ScStatus clear(ScDevice *device, char *to, size_t bytes, size_t size) {
   const uint64_t zero = 0;
   if (!device->backend->host_memory)
      return device->backend->fill(device, to, &zero, size, (int64_t)(bytes / size));
   memset(to, 0, bytes);
   return SC_OK;
}

static ScStatus check_gradient(const ScTensor *t) {
   const ScTensor *gradient = t->grad;
   if (gradient->dtype == t->dtype && gradient->device == t->device && sc_same_shape(gradient, t)) return SC_OK;
   return sc_fail(SC_EARG,
                  "several processes add up gradients that are like their parameters: %s %s on %s has "
                  "one that is %s %s on %s",
                  sc_dtype_name(t->dtype), sc_shape_text(t), t->device->name, sc_dtype_name(gradient->dtype),
                  sc_shape_text(gradient), gradient->device->name);
}

static ScStatus pack(const ScReducer *r, const Bucket *bucket) {
   char *at = bucket->flat->buffer->data;
   ScDevice *device = bucket->flat->device;
   for (int i = bucket->first; i < bucket->first + bucket->n; i++) {
      const ScTensor *t = r->parameters[i];
      size_t bytes = sc_nbytes(t);
      if (!t->grad) {
         SC_TRY(clear(device, at, bytes, sc_dtype_size(t->dtype)));
      } else {
         SC_TRY(check_gradient(t));
         SC_TRY(device->backend->copy(device, at, t->grad->buffer->data, bytes));
      }
      at += bytes;
   }
   return SC_OK;
}

static ScStatus begin_next(ScReducer *r) {
   Bucket *bucket = &r->buckets[r->begun];
   ScTensor *flat = bucket->flat;
   if (!r->spoiled) SC_TRY(pack(r, bucket));
   SC_TRY(bucket->group->begin_all_reduce(bucket->group, flat->dtype, sc_numel(flat), flat->buffer->data,
                                          &bucket->pending));
   bucket->is_under_way = true;
   r->begun++;
   return SC_OK;
}

static ScStatus end_all(ScReducer *r) {
   for (int i = 0; i < r->nbuckets; i++) {
      Bucket *bucket = &r->buckets[i];
      double start = sc_seconds();
      ScStatus status = bucket->group->finish(bucket->group, bucket->pending);
      sc_world_add_waited(start);
      SC_TRY(status);
      bucket->is_under_way = false;
   }
   return SC_OK;
}

// ---- during backward ----

static ScStatus go_on(const ScReducer *r) {
   for (int i = 0; i < r->begun; i++) {
      ScCommunicator *group = r->buckets[i].group;
      bool is_new = i == 0 || group != r->buckets[i - 1].group;
      if (is_new && group->progress) SC_TRY(group->progress(group));
   }
   return SC_OK;
}

// They come in about the order of the parameters. -1: it is none of them.
static int find(ScReducer *r, const ScTensor *leaf) {
   for (int i = 0; i < r->n; i++) {
      int at = (r->guess + i) % r->n;
      if (r->parameters[at] != leaf) continue;
      r->guess = at + 1;
      return at;
   }
   return -1;
}

static ScStatus is_final(void *context, ScTensor *leaf) {
   ScReducer *r = context;
   int at = find(r, leaf);
   if (at >= 0 && !r->final[at]) {
      r->final[at] = true;
      r->buckets[r->bucket_of[at]].left--;
   }
   while (r->begun < r->nbuckets && r->buckets[r->begun].left == 0) SC_TRY(begin_next(r));
   return go_on(r);
}

static ScStatus check_whole(const ScReducer *r) {
   if (!r->broken) return SC_OK;
   return sc_fail(SC_EARG, "sums of gradients have failed before, and cannot go on");
}

static const ScReducer *watching; // NULL: none

ScStatus sc_reducer_watch(ScReducer *r) {
   SC_TRY(check_whole(r));
   sc_reducer_unwatch(r);
   if (watching)
      return sc_fail(SC_EARG, "sums of other gradients watch backward already: unwatch() them first");
   if (r->begun > 0) r->spoiled = true; // it is done again
   if (r->spoiled) return SC_OK;
   memset(r->final, 0, (size_t)r->n * sizeof *r->final);
   for (int i = 0; i < r->nbuckets; i++) r->buckets[i].left = r->buckets[i].n;
   r->guess = 0;
   r->before = sc_watch_leaves((ScLeafWatch){is_final, r});
   r->watches = true;
   watching = r;
   return SC_OK;
}

void sc_reducer_unwatch(ScReducer *r) {
   if (!r->watches) return;
   sc_watch_leaves(r->before);
   r->watches = false;
   watching = NULL;
}

// ---- the end of a window ----

static ScStatus begin_rest(ScReducer *r) {
   while (r->begun < r->nbuckets) SC_TRY(begin_next(r));
   return SC_OK;
}

ScStatus sc_reducer_begin_rest(ScReducer *r, bool spoiled) {
   SC_TRY(check_whole(r));
   sc_reducer_unwatch(r);
   if (spoiled) r->spoiled = true;
   ScStatus status = begin_rest(r);
   r->broken = status != SC_OK;
   return status;
}

static ScStatus exchange(ScReducer *r) {
   for (int i = 0; i < r->n; i++) r->has[i] = r->parameters[i]->grad != NULL;
   r->has[r->n] = r->spoiled;
   return sc_world_sum(SC_I64, r->n + 1, r->has);
}

// Nobody has written over a gradient yet.
static ScStatus sum_again(ScReducer *r) {
   r->begun = 0;
   r->spoiled = false;
   SC_TRY(begin_rest(r));
   return end_all(r);
}

// What the sums are written into.
static ScStatus make_gradients(void *context) {
   const ScReducer *r = context;
   for (int i = 0; i < r->n; i++) {
      ScTensor *t = r->parameters[i];
      if (r->has[i] == 0) continue;
      if (!t->grad) SC_TRY(sc_tensor_new(&t->grad, t->device, t->dtype, t->rank, t->shape));
      SC_TRY(sc_tensor_own(t->grad, false));
   }
   return SC_OK;
}

static ScStatus unpack(const ScReducer *r, const Bucket *bucket) {
   const char *at = bucket->flat->buffer->data;
   ScDevice *device = bucket->flat->device;
   for (int i = bucket->first; i < bucket->first + bucket->n; i++) {
      ScTensor *gradient = r->parameters[i]->grad;
      if (r->has[i] > 0) {
         SC_TRY(device->backend->copy(device, gradient->buffer->data, at, sc_nbytes(gradient)));
         sc_tensor_touch(gradient);
      }
      at += sc_nbytes(r->parameters[i]);
   }
   return SC_OK;
}

// As long as processes have not told each other how many of them want it done again, what is begun is as long
// as in those that do not: a spoiled bucket is sent as it is.
static ScStatus sum(ScReducer *r) {
   SC_TRY(begin_rest(r));
   SC_TRY(exchange(r));
   SC_TRY(end_all(r));
   if (r->has[r->n] > 0) SC_TRY(sum_again(r));
   ScStatus status = sc_with_retry(make_gradients, r);
   if (status != SC_OK) return status == SC_EMEM ? SC_EDEVICE : status; // the others will not try again
   for (int i = 0; i < r->nbuckets; i++) SC_TRY(unpack(r, &r->buckets[i]));
   r->begun = 0;
   return SC_OK;
}

ScStatus sc_reducer_finish(ScReducer *r) {
   SC_TRY(check_whole(r));
   sc_reducer_unwatch(r);
   ScStatus status = sum(r);
   r->broken = status != SC_OK;
   return status;
}

int sc_reducer_buckets(const ScReducer *r) {
   return r->nbuckets;
}

int sc_reducer_begun(const ScReducer *r) {
   return r->begun;
}
