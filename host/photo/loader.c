#include "host/photo/loader.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "host/core/device.h"
#include "host/core/span.h"
#include "host/core/trace.h"
#include "host/photo/budget.h"

enum { DEPTH = 4, MAX_WORKERS = 256 };

// A sample's place in a batch that is under way.
typedef struct {
   ScStatus status;
   char *message; // if the status is bad
   bool lacks_end, is_cut;
   ScDigest digest;
   ScLook look;
} Outcome;

// A batch under way. Written by the workers, each its own samples; `left` under the lock.
typedef struct {
   ScTensor *pixels;
   Outcome *outcomes;
   int64_t left; // samples that are not done
} Slot;

struct ScLoader {
   ScLoaderConfig config; // paths, labels, crops and order are the loader's own
   void *masks;           // what the crops' masks are made of
   int64_t batches;
   Slot *slots;     // ring of config.depth
   int64_t head;    // batch to deliver next
   int64_t allowed; // batches before this one have a slot
   int64_t taken;   // samples, in the order, that somebody has begun
   pthread_t *threads;
   int thread_count;
   atomic_bool closing; // set under the lock
   pthread_mutex_t lock;
   pthread_cond_t work, ready;
};

static int64_t batch_start(const ScLoader *l, int64_t batch) {
   return batch < l->batches ? batch * l->config.batch_size : l->config.order_count;
}

static int64_t batch_length(const ScLoader *l, int64_t batch) {
   return batch_start(l, batch + 1) - batch_start(l, batch);
}

static Slot *slot_of(const ScLoader *l, int64_t batch) {
   return &l->slots[batch % l->config.depth];
}

// ---- one sample ----

// Erasing works on what is normalised. One value is put there by who normalises; noise is drawn here.
static ScDtype pixel_dtype(const ScLoader *l) {
   const ScAugment *a = &l->config.augment;
   return l->config.late_normalize && (a->erase == 0 || !a->erase_noise) ? SC_U8 : SC_F32;
}

static bool erases_late(const ScLoader *l) {
   return l->config.augment.erase > 0 && pixel_dtype(l) == SC_U8;
}

static ScRect hole_of(const ScLoader *l, int64_t index) {
   const ScLoaderConfig *c = &l->config;
   ScSample sample = {.seed = c->seed, .epoch = c->epoch, .index = (uint64_t)index};
   return sc_augment_draw_erase(&c->augment, &sample, c->preprocess.crop, c->preprocess.crop);
}

// Bytes of one sample.
static size_t sample_size(const ScLoader *l) {
   size_t crop = (size_t)l->config.preprocess.crop;
   return crop * crop * 3 * sc_dtype_size(pixel_dtype(l));
}

// The one place where a sample's content is decided, by its index alone.
static ScStatus load_pixels(const ScLoader *l, int64_t index, void *to, Outcome *outcome) {
   const ScLoaderConfig *c = &l->config;
   ScSample sample = {.seed = c->seed,
                      .epoch = c->epoch,
                      .index = (uint64_t)index,
                      .digest = c->digests ? &outcome->digest : NULL,
                      .look = c->digests ? &outcome->look : NULL,
                      .crop = c->crops ? &c->crops[index] : NULL,
                      .is_cut = &outcome->is_cut};
   const char *path = c->paths[index];
   return pixel_dtype(l) == SC_U8 ? sc_augment_load_bytes(path, &c->limits, &c->preprocess, &c->augment,
                                                          &sample, to, &outcome->lacks_end)
                                  : sc_augment_load(path, &c->limits, &c->preprocess, &c->augment, &sample, to,
                                                    &outcome->lacks_end);
}

static void load_sample(ScLoader *l, int64_t batch, int64_t at) {
   Slot *slot = slot_of(l, batch);
   Outcome *outcome = &slot->outcomes[at];
   char *pixels = (char *)slot->pixels->buffer->data + (size_t)at * sample_size(l);
   int span = sc_span_begin("decoding photos");
   outcome->status = load_pixels(l, l->config.order[batch_start(l, batch) + at], pixels, outcome);
   sc_span_end(span);
   if (outcome->status == SC_OK) return;
   outcome->message = strdup(sc_error());
   if (!outcome->message) outcome->status = SC_EMEM;
}

// ---- workers ----

static bool take(ScLoader *l, int64_t *batch, int64_t *at) {
   while (!l->closing && l->taken == batch_start(l, l->allowed) && l->allowed < l->batches)
      pthread_cond_wait(&l->work, &l->lock);
   if (l->closing || l->taken == l->config.order_count) return false;
   *batch = l->taken / l->config.batch_size;
   if (*batch >= l->batches) *batch = l->batches - 1; // a merged last sample
   *at = l->taken++ - batch_start(l, *batch);
   return true;
}

static void *work(void *argument) {
   ScLoader *l = argument;
   int64_t batch, at;
   sc_trace_enter_thread("decoding");
   pthread_mutex_lock(&l->lock);
   while (take(l, &batch, &at)) {
      pthread_mutex_unlock(&l->lock);
      load_sample(l, batch, at);
      pthread_mutex_lock(&l->lock);
      if (--slot_of(l, batch)->left == 0) pthread_cond_signal(&l->ready);
   }
   pthread_mutex_unlock(&l->lock);
   sc_trace_leave_thread();
   return NULL;
}

// Fewer threads than asked for change nothing but the time it takes; none at all means decoding in the caller.
static void start_workers(ScLoader *l) {
   sigset_t all, before;
   sigfillset(&all); // signals such as Ctrl-C belong to the main thread; faults are delivered all the same
   pthread_sigmask(SIG_SETMASK, &all, &before);
   while (l->thread_count < l->config.workers &&
          pthread_create(&l->threads[l->thread_count], NULL, work, l) == 0)
      l->thread_count++;
   pthread_sigmask(SIG_SETMASK, &before, NULL);
}

// ---- slots ----

static void empty_slot(Slot *slot, int64_t length) {
   for (int64_t i = 0; slot->outcomes && i < length; i++) free(slot->outcomes[i].message);
   free(slot->outcomes);
   sc_tensor_release(slot->pixels);
   *slot = (Slot){0};
}

static ScStatus fill_slot(ScLoader *l, int64_t batch) {
   int64_t n = batch_length(l, batch), crop = l->config.preprocess.crop;
   Slot slot = {.left = n, .outcomes = calloc((size_t)n, sizeof(Outcome))};
   if (!slot.outcomes) return sc_fail(SC_EMEM, "loader: out of memory for a batch of %lld", (long long)n);
   ScStatus status =
       sc_tensor_new(&slot.pixels, sc_device_cpu(), pixel_dtype(l), 4, (int64_t[]){n, 3, crop, crop});
   if (status) {
      free(slot.outcomes);
      return sc_wrap(status, "loader: ");
   }
   *slot_of(l, batch) = slot;
   return SC_OK;
}

// Gives as many batches a slot as the depth allows. Short of memory the next one is enough for going on.
static ScStatus allow_more(ScLoader *l) {
   ScStatus status = SC_OK;
   while (!status && l->allowed < l->batches && l->allowed < l->head + l->config.depth) {
      status = fill_slot(l, l->allowed);
      if (status) break;
      pthread_mutex_lock(&l->lock);
      l->allowed++;
      pthread_cond_broadcast(&l->work);
      pthread_mutex_unlock(&l->lock);
   }
   return l->allowed > l->head ? SC_OK : status;
}

// ---- a batch ----

static void finish_head(ScLoader *l) {
   Slot *slot = slot_of(l, l->head);
   if (l->thread_count == 0) {
      for (int64_t n = batch_length(l, l->head); slot->left > 0; slot->left--)
         load_sample(l, l->head, n - slot->left);
      return;
   }
   int span = sc_span_begin("waiting for photos");
   pthread_mutex_lock(&l->lock);
   while (slot->left > 0) pthread_cond_wait(&l->ready, &l->lock);
   pthread_mutex_unlock(&l->lock);
   sc_span_end(span);
}

// Memory may be there by now, so that these samples are not lost.
static ScStatus retry_starved(ScLoader *l) {
   Slot *slot = slot_of(l, l->head);
   int64_t n = batch_length(l, l->head);
   for (int64_t i = 0; i < n; i++) {
      if (slot->outcomes[i].status != SC_EMEM) continue;
      free(slot->outcomes[i].message);
      slot->outcomes[i].message = NULL;
      load_sample(l, l->head, i);
      if (slot->outcomes[i].status == SC_EMEM) return SC_EMEM;
   }
   return SC_OK;
}

static ScStatus first_failure(const Slot *slot, int64_t n) {
   for (int64_t i = 0; i < n; i++)
      if (slot->outcomes[i].status) return sc_fail(slot->outcomes[i].status, "%s", slot->outcomes[i].message);
   return SC_OK;
}

// Moves the good samples together and sorts good and bad; cannot fail.
static void sort_out(ScLoader *l, Slot *slot, ScBatch *out) {
   const int64_t *order = l->config.order + batch_start(l, l->head);
   size_t size = sample_size(l);
   char *pixels = slot->pixels->buffer->data;
   for (int64_t i = 0; i < out->asked; i++) {
      Outcome *outcome = &slot->outcomes[i];
      if (outcome->status) {
         out->bad[out->bad_count++] = (ScBadSample){order[i], outcome->message};
         outcome->message = NULL;
         continue;
      }
      if (out->n < i) memcpy(pixels + (size_t)out->n * size, pixels + (size_t)i * size, size);
      if (outcome->lacks_end) out->notes[out->note_count++] = (ScNote){order[i], SC_NOTE_ENDLESS};
      if (outcome->is_cut) out->notes[out->note_count++] = (ScNote){order[i], SC_NOTE_CUT};
      if (out->digests) out->digests[out->n] = outcome->digest;
      if (out->looks) out->looks[out->n] = outcome->look;
      if (out->labels) out->labels[out->n] = l->config.labels[order[i]];
      if (out->holes) out->holes[out->n] = hole_of(l, order[i]);
      out->indices[out->n++] = order[i];
   }
}

static ScStatus deliver(ScLoader *l, Slot *slot, ScBatch *out) {
   int64_t asked = batch_length(l, l->head), good = 0, crop = l->config.preprocess.crop;
   for (int64_t i = 0; i < asked; i++) good += slot->outcomes[i].status == SC_OK;
   out->indices = malloc((size_t)asked * sizeof *out->indices);
   out->labels = l->config.labels ? malloc((size_t)asked * sizeof *out->labels) : NULL;
   out->notes = malloc(2 * (size_t)asked * sizeof *out->notes);
   out->bad = malloc((size_t)(asked - good + 1) * sizeof *out->bad);
   out->digests = l->config.digests ? malloc((size_t)asked * sizeof *out->digests) : NULL;
   out->looks = l->config.digests ? malloc((size_t)asked * sizeof *out->looks) : NULL;
   out->holes = erases_late(l) ? malloc((size_t)asked * sizeof *out->holes) : NULL;
   if (!out->indices || !out->notes || !out->bad || (l->config.labels && !out->labels) ||
       (erases_late(l) && !out->holes) || (l->config.digests && (!out->digests || !out->looks)))
      return sc_fail(SC_EMEM, "loader: out of memory for a batch of %lld", (long long)asked);
   if (good > 0) SC_TRY(sc_tensor_alias(&out->pixels, slot->pixels, 4, (int64_t[]){good, 3, crop, crop}));
   out->asked = asked;
   sort_out(l, slot, out);
   return SC_OK;
}

ScStatus sc_loader_next(ScLoader *l, ScBatch *out) {
   *out = (ScBatch){0};
   if (l->head == l->batches) return SC_OK;
   SC_TRY(allow_more(l));
   finish_head(l);
   SC_TRY(retry_starved(l));
   Slot *slot = slot_of(l, l->head);
   int64_t n = batch_length(l, l->head);
   ScStatus status = l->config.skip_bad ? SC_OK : first_failure(slot, n);
   if (!status) {
      status = deliver(l, slot, out);
      if (status) { // before anything was moved: the caller may try again
         sc_batch_release(out);
         return status;
      }
   }
   empty_slot(slot, n);
   l->head++;
   if (!status) (void)allow_more(l); // what fails here is tried again, and told, when that batch is asked for
   return status;
}

void sc_batch_release(ScBatch *batch) {
   for (int64_t i = 0; i < batch->bad_count; i++) free(batch->bad[i].message);
   free(batch->bad);
   free(batch->notes);
   free(batch->labels);
   free(batch->indices);
   free(batch->digests);
   free(batch->looks);
   free(batch->holes);
   sc_tensor_release(batch->pixels);
   *batch = (ScBatch){0};
}

int64_t sc_loader_batches(const ScLoader *l) {
   return l->batches;
}

const char *sc_loader_path(const ScLoader *l, int64_t index) {
   return l->config.paths[index];
}

// ---- opening and closing ----

static ScStatus check(const ScLoaderConfig *c) {
   if (c->count < 1 || !c->paths) return sc_fail(SC_EARG, "loader: expected at least one path, found none");
   if (c->batch_size < 1)
      return sc_fail(SC_EARG, "loader: batch_size: expected at least 1, found %lld", (long long)c->batch_size);
   if (c->workers < 0 || c->workers > MAX_WORKERS)
      return sc_fail(SC_EARG, "loader: workers: expected 0 to %d, found %d", MAX_WORKERS, c->workers);
   if (c->depth < 0 || c->depth > 1024)
      return sc_fail(SC_EARG, "loader: depth: expected 0 (the default) to 1024, found %d", c->depth);
   if (c->order_count < 0 || (c->order_count > 0 && !c->order))
      return sc_fail(SC_EARG, "loader: order: expected sample indices, found none");
   for (int64_t i = 0; i < c->order_count; i++)
      if (c->order[i] < 0 || c->order[i] >= c->count)
         return sc_fail(SC_EARG, "loader: order: entry %lld is sample %lld of %lld", (long long)i + 1,
                        (long long)c->order[i] + 1, (long long)c->count);
   if (c->preprocess.crop < 1)
      return sc_fail(SC_EARG, "loader: crop: expected at least 1, so that all photos have one size");
   if (c->epoch >> 24)
      return sc_fail(SC_EARG, "loader: epoch: expected less than 2^24, found %llu",
                     (unsigned long long)c->epoch);
   ScStatus status = sc_preprocess_check(&c->preprocess);
   if (!status) status = sc_augment_check(&c->augment);
   return status ? sc_wrap(status, "loader: ") : SC_OK;
}

static void *copy_of(const void *from, size_t bytes) {
   void *copy = malloc(bytes ? bytes : 1);
   if (copy && bytes) memcpy(copy, from, bytes);
   return copy;
}

// Copies the crops and what their masks are made of, in one block.
static bool copy_crops(ScLoader *l, const ScLoaderConfig *c) {
   size_t bytes = 0, at = 0;
   for (int64_t i = 0; i < c->count; i++) bytes += (sc_mask_bytes(&c->crops[i].mask) + 7) / 8 * 8;
   ScCrop *crops = copy_of(c->crops, (size_t)c->count * sizeof *crops);
   char *masks = malloc(bytes + 1);
   l->config.crops = crops;
   l->masks = masks;
   if (!crops || !masks) return false;
   for (int64_t i = 0; i < c->count; i++) {
      size_t own = sc_mask_bytes(&crops[i].mask);
      if (own) memcpy(masks + at, crops[i].mask.data, own);
      crops[i].mask.data = masks + at;
      at += (own + 7) / 8 * 8;
   }
   return true;
}

static bool copy_config(ScLoader *l, const ScLoaderConfig *c) {
   l->config = *c;
   l->config.labels = NULL;
   l->config.crops = NULL;
   l->config.limits.given_up = &l->closing;
   l->config.order = copy_of(c->order, (size_t)c->order_count * sizeof *c->order);
   if (c->labels) l->config.labels = copy_of(c->labels, (size_t)c->count * sizeof *c->labels);
   char **paths = calloc((size_t)c->count, sizeof *paths);
   l->config.paths = (const char *const *)paths;
   bool complete =
       paths && l->config.order && (!c->labels || l->config.labels) && (!c->crops || copy_crops(l, c));
   for (int64_t i = 0; complete && i < c->count; i++) complete = (paths[i] = strdup(c->paths[i])) != NULL;
   return complete;
}

static void set_defaults(ScLoader *l) {
   ScLoaderConfig *c = &l->config;
   if (c->limits.max_pixels == 0) c->limits.max_pixels = sc_image_limits.max_pixels;
   if (c->limits.max_bytes == 0) c->limits.max_bytes = sc_image_limits.max_bytes;
   if (c->depth == 0) c->depth = DEPTH;
   if (c->workers == 0) c->depth = 1;
   l->batches = (c->order_count + c->batch_size - 1) / c->batch_size;
   if (c->merge_last_single && l->batches > 1 && c->order_count % c->batch_size == 1) l->batches--;
}

ScStatus sc_loader_open(ScLoader **out, const ScLoaderConfig *config) {
   SC_TRY(check(config));
   ScLoader *l = calloc(1, sizeof *l);
   if (!l) return sc_fail(SC_EMEM, "loader: out of memory");
   pthread_mutex_init(&l->lock, NULL);
   pthread_cond_init(&l->work, NULL);
   pthread_cond_init(&l->ready, NULL);
   bool complete = copy_config(l, config);
   set_defaults(l);
   l->slots = calloc((size_t)l->config.depth, sizeof *l->slots);
   l->threads = calloc((size_t)l->config.workers + 1, sizeof *l->threads);
   if (!complete || !l->slots || !l->threads) {
      sc_loader_close(l);
      return sc_fail(SC_EMEM, "loader: out of memory for %lld paths", (long long)config->count);
   }
   start_workers(l);
   if (l->thread_count > 0) (void)allow_more(l); // a failure is told by the first sc_loader_next
   *out = l;
   return SC_OK;
}

static void join_workers(ScLoader *l) {
   pthread_mutex_lock(&l->lock);
   l->closing = true;
   pthread_cond_broadcast(&l->work);
   pthread_mutex_unlock(&l->lock);
   sc_budget_wake();
   for (int i = 0; i < l->thread_count; i++) pthread_join(l->threads[i], NULL);
}

void sc_loader_close(ScLoader *l) {
   if (!l) return;
   join_workers(l);
   for (int64_t b = l->head; l->slots && b < l->allowed; b++) empty_slot(slot_of(l, b), batch_length(l, b));
   for (int64_t i = 0; l->config.paths && i < l->config.count; i++) free((char *)l->config.paths[i]);
   free((void *)l->config.paths);
   free((void *)l->config.labels);
   free((void *)l->config.order);
   free((void *)l->config.crops);
   free(l->masks);
   free(l->slots);
   free(l->threads);
   pthread_cond_destroy(&l->ready);
   pthread_cond_destroy(&l->work);
   pthread_mutex_destroy(&l->lock);
   free(l);
}
