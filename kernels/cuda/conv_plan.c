// Which algorithm a convolution runs with: what cuDNN thinks best, and when it comes again the fastest, which
// is timed then (or at the end of the epoch, if that comes before), unless the user insists on equal results at
// every run; and after those that failed, whatever else there is.
#include "kernels/cuda/conv_plan.h"

#include <stdlib.h>
#include <string.h>

#include "host/core/choices.h"
#include "host/core/recording.h"
#include "host/core/sync.h"
#include "kernels/cuda/conv_known.h"
#include "kernels/cuda/conv_pad.h"
#include "kernels/cuda/libraries.h"
#include "kernels/cuda/status.h"
#include "kernels/cuda/stream.h"
#include "kernels/cuda/workspace.h"

enum { BUCKETS = 256, MOST_PLANS = 2048 };

// A convolution's descriptors, and the algorithms for it from the best to the worst.
typedef struct Plan {
   struct Plan *next;
   ScConvKey key;
   ScDtype dtype;
   ScConv g;
   bool deterministic;
   bool too_large;      // for cuDNN to describe
   bool may_time;       // if it comes again
   cudnnStatus_t asked; // what came of asking for algorithms
   const void *filters; // with which it came first
   ScConvDescription description;
   ScConvChoices choices;
} Plan;

// A call of sc_conv_run, or a part of its batch.
typedef struct {
   const ScDevice *device;
   const char *what;
   ScPlanKind kind;
   ScDtype dtype;
   ScConv g;
   ScConvSides sides;
   bool add;     // to the gradient that other parts of the batch have left
   int64_t h, w; // of the photos before they are padded, for messages
} Run;

// ---- the cache ----

typedef struct {
   int count;
   Plan *bucket[BUCKETS];
} Plans;

static Plans caches[SC_MAXDEVICES];

static Plan **bucket_of(Plans *plans, const ScConvKey *key) {
   uint64_t h = 1469598103934665603u;
   for (int i = 0; i < SC_CONV_WORDS; i++) h = (h ^ (uint64_t)key->word[i]) * 1099511628211u, h ^= h >> 29;
   return &plans->bucket[h % BUCKETS];
}

static Plan *find(Plans *plans, const ScConvKey *key) {
   Plan *plan = *bucket_of(plans, key);
   while (plan && (memcmp(&plan->key, key, sizeof *key) || plan->deterministic != sc_choices()->deterministic))
      plan = plan->next;
   return plan;
}

// ---- choosing ----

static size_t largest_workspace(const ScConvChoices *choices) {
   size_t most = 0;
   for (int i = 0; i < choices->n; i++) {
      size_t bytes = choices->choice[i].workspace;
      if (bytes > most && bytes <= SC_CONV_MOST_WORKSPACE) most = bytes;
   }
   return most;
}

// Beside what the pool has; where that is all there is, what it only keeps is given up.
static ScStatus borrow(ScDevice *device, size_t bytes, void **out) {
   ScStatus status = device->backend->allocate(device, bytes, out);
   if (status != SC_EMEM) return status;
   sc_pool_flush(device->pool);
   return device->backend->allocate(device, bytes, out);
}

// In memory that is given back at once: what runs afterwards hardly needs as much. Where it is short nothing is
// timed.
static void run_all(const Run *r, cudnnHandle_t dnn, const Plan *plan, ScConvChoices *timed) {
   ScDevice *device = (ScDevice *)r->device;
   ScConvChoices ranked = {0};
   void *workspace = NULL;
   sc_conv_rank(dnn, &plan->description, r->dtype, &ranked);
   size_t bytes = largest_workspace(&ranked);
   if (bytes > 0 && borrow(device, bytes, &workspace) != SC_OK) return;
   sc_note_sync("convolutions timed");
   sc_conv_time(dnn, &plan->description, r->dtype, r->sides, workspace, bytes, timed);
   if (workspace) device->backend->release(device, workspace, bytes);
}

// Before those that there are; false: it has failed.
static bool put_first(Plan *plan, const ScConvChoice *first) {
   ScConvChoices rest = plan->choices;
   for (int i = 0; i < rest.n; i++)
      if (sc_conv_same_choice(&rest.choice[i], first) && rest.choice[i].refused) return false;
   plan->choices.n = 0;
   sc_conv_add_choice(&plan->choices, plan->description.kind, *first);
   for (int i = 0; i < rest.n; i++) sc_conv_add_choice(&plan->choices, plan->description.kind, rest.choice[i]);
   return true;
}

static bool put_used_first(const Run *r, Plan *plan) {
   ScConvChoice used;
   bool is_used = sc_conv_in_use(r->device, &plan->key, &used);
   if (is_used) put_first(plan, &used);
   return is_used;
}

static bool put_known_first(const Run *r, Plan *plan) {
   ScConvChoice known;
   bool is_known = sc_conv_recall(r->device, &plan->key, &known);
   if (is_known) put_first(plan, &known);
   return is_known;
}

static void time_all(const Run *r, cudnnHandle_t dnn, Plan *plan) {
   ScConvChoices timed = {0};
   const ScConvChoice *best = NULL;
   run_all(r, dnn, plan, &timed);
   for (int i = timed.n - 1; i >= 0; i--)
      if (put_first(plan, &timed.choice[i])) best = &timed.choice[i];
   if (best) sc_conv_learn(r->device, &plan->key, best);
}

// What wants more memory than is worth it comes last, whatever cuDNN thinks of it.
static void add_ranked(Plan *plan, const ScConvChoices *ranked, bool large) {
   for (int i = 0; i < ranked->n; i++)
      if ((ranked->choice[i].workspace > SC_CONV_MOST_WORKSPACE) == large)
         sc_conv_add_choice(&plan->choices, plan->description.kind, ranked->choice[i]);
}

static void choose(const Run *r, cudnnHandle_t dnn, Plan *plan) {
   ScConvChoices ranked = {0};
   plan->asked = sc_conv_rank(dnn, &plan->description, r->dtype, &ranked);
   add_ranked(plan, &ranked, false);
   add_ranked(plan, &ranked, true);
   plan->may_time = !plan->deterministic && !put_used_first(r, plan) && ranked.n > 1;
   plan->filters = r->sides.w;
}

// Timing runs everything several times, which is worth it only for what comes often: not for a prediction, the
// end of an epoch, or batches that turn out to be too large. Layers that are alike come again within one pass,
// so that a convolution comes again when its filters do; and where those are the result, when it did on the way
// forward.
static bool comes_again(const Run *r, const Plan *plan) {
   if (r->kind != SC_PLAN_WEIGHT_GRAD) return r->sides.w == plan->filters;
   ScConvKey key = sc_conv_key(SC_PLAN_FORWARD, r->dtype, &r->g);
   const Plan *forward = find(&caches[r->device->index], &key);
   return !forward || !forward->may_time;
}

// A gradient that is added to must not be overwritten by timing, which waits for the device: no graph can.
static void meet_again(const Run *r, cudnnHandle_t dnn, Plan *plan) {
   if (!plan->may_time || r->add || sc_records(r->device) || !comes_again(r, plan)) return;
   plan->may_time = false;
   if (!put_known_first(r, plan) && sc_conv_may_time(r->device)) time_all(r, dnn, plan);
}

// Of statuses that differ in their last digits the thousands tell the class.
static bool is_of_class(cudnnStatus_t status, cudnnStatus_t class) {
   return status / 1000 == class / 1000;
}

// Where cuDNN could not say what there is, it may the next time.
static bool has_to_ask_again(const Plan *plan) {
   return plan->choices.n == 0 && plan->asked != CUDNN_STATUS_SUCCESS &&
          !is_of_class(plan->asked, CUDNN_STATUS_NOT_SUPPORTED);
}

// ---- keeping ----

static void destroy(Plan *plan) {
   sc_conv_describe_end(&plan->description);
   free(plan);
}

static void drop_all(Plans *plans) {
   for (int i = 0; i < BUCKETS; i++)
      while (plans->bucket[i]) {
         Plan *dead = plans->bucket[i];
         plans->bucket[i] = dead->next;
         destroy(dead);
      }
   plans->count = 0;
}

void sc_conv_plans_drop(const ScDevice *device) {
   drop_all(&caches[device->index]);
}

static ScStatus new_plan(Plan **out, cudnnHandle_t dnn, const Run *r, const ScConvKey *key) {
   Plan *plan = calloc(1, sizeof *plan);
   if (!plan) return sc_fail(SC_EMEM, "out of memory");
   plan->key = *key;
   plan->dtype = r->dtype;
   plan->g = r->g;
   plan->deterministic = sc_choices()->deterministic;
   cudnnStatus_t status = sc_conv_describe(&plan->description, r->kind, r->dtype, &r->g);
   plan->too_large = is_of_class(status, CUDNN_STATUS_NOT_SUPPORTED);
   if (status != CUDNN_STATUS_SUCCESS && !plan->too_large) {
      destroy(plan);
      return sc_cudnn_status(status, r->what);
   }
   if (!plan->too_large) choose(r, dnn, plan);
   *out = plan;
   return SC_OK;
}

// ---- settling ----

// The algorithm that the next call would begin with.
static const ScConvChoice *current(const Plan *plan) {
   for (int i = 0; i < plan->choices.n; i++)
      if (!plan->choices.choice[i].refused) return &plan->choices.choice[i];
   return NULL;
}

static bool is_settled(const ScDevice *device, const Plan *plan) {
   ScConvChoice used;
   return plan->deterministic || !current(plan) || sc_conv_in_use(device, &plan->key, &used);
}

// From now on it is computed as the next call would.
static void settle(const ScDevice *device, const Plan *plan) {
   if (!is_settled(device, plan)) sc_conv_keep(device, &plan->key, current(plan));
}

// The last, shorter batch of an epoch, say.
static bool is_rest(const ScDevice *device, const Plan *plan) {
   for (int i = 0; i < BUCKETS; i++)
      for (const Plan *other = caches[device->index].bucket[i]; other; other = other->next)
         if (sc_conv_is_rest(&plan->key, &other->key)) return true;
   return sc_conv_is_rest_of_used(device, &plan->key);
}

// What the user has asked for since, cuDNN would be asked for, too.
static bool is_as_wanted(const Plan *plan) {
   ScConvKey key = sc_conv_key(plan->description.kind, plan->dtype, &plan->g);
   return plan->deterministic == sc_choices()->deterministic && memcmp(&plan->key, &key, sizeof key) == 0;
}

static size_t side_bytes(int64_t n, ScDtype dtype) {
   return ((size_t)n * sc_dtype_size(dtype) + 255) & ~(size_t)255;
}

// With whatever lies in memory of its own: the time that it takes does not depend on that.
static void time_alone(const ScDevice *device, cudnnHandle_t dnn, Plan *plan) {
   const ScConv *g = &plan->g;
   size_t x = side_bytes(g->n * g->c * g->h * g->w, plan->dtype);
   size_t w = side_bytes(g->o * g->cg * g->kh * g->kw, plan->dtype);
   size_t bytes = x + w + side_bytes(g->n * g->o * g->oh * g->ow, plan->dtype);
   char *memory;
   if (borrow((ScDevice *)device, bytes, (void **)&memory) != SC_OK) return;
   Run alone = {.device = device, .kind = plan->description.kind, .dtype = plan->dtype, .g = *g};
   alone.sides = (ScConvSides){.x = memory, .w = memory + x, .y = memory + x + w};
   time_all(&alone, dnn, plan);
   device->backend->release((ScDevice *)device, memory, bytes);
}

// What came only once would be timed by each program that goes on from here, and not come to the same.
static void time_once(const ScDevice *device, Plan *plan) {
   cudnnHandle_t dnn;
   ScConvChoice known;
   if (plan->choices.n < 2 || is_settled(device, plan) || is_rest(device, plan) || !is_as_wanted(plan)) return;
   if (sc_conv_recall(device, &plan->key, &known) || !sc_conv_may_time(device)) return;
   if (sc_cuda_dnn(device, &dnn) == SC_OK) time_alone(device, dnn, plan);
}

void sc_conv_plans_settle(const ScDevice *device) {
   Plans *plans = &caches[device->index];
   for (int i = 0; i < BUCKETS && !sc_records(device); i++)
      for (Plan *plan = plans->bucket[i]; plan; plan = plan->next) time_once(device, plan);
   for (int i = 0; i < BUCKETS; i++)
      for (const Plan *plan = plans->bucket[i]; plan; plan = plan->next) settle(device, plan);
   sc_conv_plans_drop(device);
}

// ---- finding ----

static ScStatus find_or_add(Plan **out, Plans *plans, cudnnHandle_t dnn, const Run *r) {
   ScConvKey key = sc_conv_key(r->kind, r->dtype, &r->g);
   *out = find(plans, &key);
   if (*out) {
      if (has_to_ask_again(*out) && !(*out)->too_large) choose(r, dnn, *out);
      meet_again(r, dnn, *out);
      return SC_OK;
   }
   SC_TRY(new_plan(out, dnn, r, &key));
   if (plans->count == MOST_PLANS) drop_all(plans);
   Plan **bucket = bucket_of(plans, &key);
   (*out)->next = *bucket;
   *bucket = *out;
   plans->count++;
   return SC_OK;
}

// What a graph has from now on a checkpoint tells, too: the plans themselves go when it is recorded.
static ScStatus find_plan(Plan **out, Plans *plans, cudnnHandle_t dnn, const Run *r) {
   SC_TRY(find_or_add(out, plans, dnn, r));
   if (sc_records(r->device)) settle(r->device, *out);
   return SC_OK;
}

// ---- running ----

static bool is_short_of_memory(cudnnStatus_t status) {
   return status == CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED ||
          status == CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED;
}

static ScStatus none_left(const Run *r, const Plan *plan) {
   static const char *const names[] = {"forward", "input gradient", "weight gradient"};
   const ScConv *g = &r->g;
   bool is_unsure = is_short_of_memory(plan->asked) || is_of_class(plan->asked, CUDNN_STATUS_EXECUTION_FAILED);
   if (plan->choices.n == 0 && is_unsure) return sc_cudnn_status(plan->asked, r->what);
   if (r->dtype != SC_F32 || r->kind != sc_conv_search_kind(r->kind)) return SC_EUNSUPPORTED;
   const ScConvChoice *last = plan->choices.n > 0 ? &plan->choices.choice[plan->choices.n - 1] : NULL;
   cudnnStatus_t said = last ? last->refused : plan->asked;
   return sc_fail(
       SC_EDEVICE,
       "%s: cuDNN has no %salgorithm (%s%s%s) for %lld -> %lld channels in %lld groups, kernel %lld x "
       "%lld, stride {%lld, %lld}, dilation {%lld, %lld}, input %lld x %lld x %lld; %s",
       r->what, sc_choices()->deterministic ? "deterministic " : "", names[r->kind],
       last   ? "; the last of those there are said "
       : said ? "; asked for them it said "
              : "",
       said ? cudnnGetErrorString(said) : "", (long long)g->c, (long long)g->o, (long long)g->groups,
       (long long)g->kh, (long long)g->kw, (long long)g->sh, (long long)g->sw, (long long)g->dh,
       (long long)g->dw, (long long)g->n, (long long)r->h, (long long)r->w,
       sc_choices()->deterministic ? "scute.deterministic(false) permits others"
                                   : "report it, or use --device cpu");
}

// An error that has left the device unusable: then it is told by whatever is asked of it.
static ScStatus check_device(const Run *r) {
   cudaGetLastError();
   cudaError_t error = cudaStreamQuery(sc_cuda_stream(r->device));
   return error == cudaErrorNotReady ? SC_OK : sc_cuda_status(error, r->what);
}

// Whatever an algorithm fails with, the next one may do: heuristics list some that cannot. One for which memory
// does not suffice gives way this time only. While work is recorded nothing can be asked, and another algorithm
// would be the graph's at each launch: a step without a graph will find out.
static ScStatus try_choice(const Run *r, cudnnHandle_t dnn, const Plan *plan, ScConvChoice *choice,
                           bool *done) {
   void *workspace = NULL;
   if (choice->workspace) SC_TRY(sc_cuda_workspace(r->device, choice->workspace, &workspace));
   cudnnStatus_t status = sc_conv_execute(dnn, &plan->description, choice, r->sides, workspace, r->add);
   *done = status == CUDNN_STATUS_SUCCESS;
   if (*done) return SC_OK;
   ScStatus told = sc_cudnn_status(status, r->what);
   if (is_short_of_memory(status) || sc_records(r->device)) return told;
   SC_TRY(check_device(r));
   choice->refused = status;
   return SC_OK;
}

// What was known for the fastest has failed, and this one took its place. Of what goes on after the convolution
// that says nothing about the convolution by itself.
static void replace_known(const Run *r, const Plan *plan, const ScConvChoice *ran) {
   ScConvChoice known;
   if (plan->deterministic || r->kind != sc_conv_search_kind(r->kind)) return;
   if (!sc_conv_in_use(r->device, &plan->key, &known)) return;
   for (int i = 0; i < plan->choices.n; i++)
      if (plan->choices.choice[i].refused && sc_conv_same_choice(&plan->choices.choice[i], &known))
         sc_conv_learn(r->device, &plan->key, ran);
}

static ScStatus run_plan(const Run *r, cudnnHandle_t dnn, Plan *plan) {
   ScStatus status = SC_OK;
   bool failed = false;
   for (int i = 0; i < plan->choices.n; i++) {
      ScConvChoice *choice = &plan->choices.choice[i];
      bool done = false;
      if (choice->refused != CUDNN_STATUS_SUCCESS) continue;
      ScStatus tried = try_choice(r, dnn, plan, choice, &done);
      failed = failed || choice->refused;
      if (done && failed) replace_known(r, plan, choice);
      if (done || (tried != SC_OK && (tried != SC_EMEM || sc_records(r->device)))) return tried;
      if (tried == SC_EMEM) status = tried;
   }
   return status == SC_EMEM ? status : none_left(r, plan);
}

// ---- batches of more elements than cuDNN counts ----

static bool is_beyond_cudnn(const ScConv *g) {
   int64_t x = g->n * g->c * g->h * g->w, y = g->n * g->o * g->oh * g->ow, w = g->o * g->cg * g->kh * g->kw;
   return x > INT32_MAX || y > INT32_MAX || w > INT32_MAX;
}

static ScStatus run(const Run *);

static Run part_of(const Run *r, int64_t first, int64_t n) {
   Run part = *r;
   size_t size = sc_dtype_size(r->dtype);
   size_t x = (size_t)(first * r->g.c * r->g.h * r->g.w) * size;
   size_t y = (size_t)(first * r->g.o * r->g.oh * r->g.ow) * size;
   part.g.n = n;
   part.sides.x = (char *)r->sides.x + x;
   part.sides.y = (char *)r->sides.y + y;
   if (r->sides.residual) part.sides.residual = (const char *)r->sides.residual + y;
   part.add = r->add || (r->kind == SC_PLAN_WEIGHT_GRAD && first > 0);
   return part;
}

// cuDNN's vectors are of 16 bytes, at which each part has to begin.
static bool begins_aligned(const Run *part) {
   return ((uintptr_t)part->sides.x | (uintptr_t)part->sides.y | (uintptr_t)part->sides.residual) % 16 == 0;
}

// How many photos the first part has: half of them, or up to 7 more.
static int64_t first_photos(const Run *r) {
   int64_t n = r->g.n, first = n / 2, step = 16 / (int64_t)sc_dtype_size(r->dtype);
   Run rest = part_of(r, first, n - first);
   return begins_aligned(&rest) ? first : (first + step - 1) / step * step;
}

static ScStatus run_halves(const Run *r) {
   int64_t n = r->g.n, part = first_photos(r);
   if (n == 1)
      return sc_fail(SC_EDEVICE,
                     "%s: one photo of %lld x %lld with %lld -> %lld channels has more numbers than cuDNN "
                     "counts (2^31); use a smaller --image-size",
                     r->what, (long long)r->h, (long long)r->w, (long long)r->g.c, (long long)r->g.o);
   if (part >= n)
      return sc_fail(SC_EMEM,
                     "%s: %lld photos of %lld x %lld with %lld -> %lld channels have more numbers than cuDNN "
                     "counts (2^31); use a smaller --batch-size",
                     r->what, (long long)n, (long long)r->h, (long long)r->w, (long long)r->g.c,
                     (long long)r->g.o);
   Run first = part_of(r, 0, part), second = part_of(r, part, n - part);
   SC_TRY(run(&first));
   return run(&second);
}

static ScStatus run(const Run *r) {
   cudnnHandle_t dnn;
   Plan *plan;
   if (is_beyond_cudnn(&r->g)) return run_halves(r);
   SC_TRY(sc_cuda_dnn(r->device, &dnn));
   SC_TRY(find_plan(&plan, &caches[r->device->index], dnn, r));
   return plan->too_large ? run_halves(r) : run_plan(r, dnn, plan);
}

// ---- photos that are padded differently on both sides ----

// A gradient of photos is cut out when it is there, photos are padded before.
static ScStatus run_with(const Run *r, const Run *even) {
   if (r->kind == SC_PLAN_INPUT_GRAD) {
      SC_TRY(run(even));
      return sc_conv_cut(r->device, r->what, r->dtype, &r->g, even->sides.x, r->sides.x);
   }
   SC_TRY(sc_conv_pad(r->device, r->what, r->dtype, &r->g, r->sides.x, even->sides.x));
   return run(even);
}

// Nothing is padded for what has turned out to have no algorithm.
static const Plan *hopeless(const Run *r) {
   ScConvKey key = sc_conv_key(r->kind, r->dtype, &r->g);
   const Plan *plan = find(&caches[r->device->index], &key);
   return plan && !plan->too_large && !has_to_ask_again(plan) && !current(plan) ? plan : NULL;
}

// All that knows convolutions by their geometry, as cuDNN does, sees the one that pads evenly.
static ScStatus run_evened(const Run *r) {
   Run even = *r;
   ScBuffer *x;
   even.g = sc_conv_evened(&r->g);
   const Plan *none = hopeless(&even);
   if (none) return none_left(&even, none);
   size_t bytes = side_bytes(even.g.n * even.g.c * even.g.h * even.g.w, r->dtype);
   SC_TRY(sc_buffer_new(&x, (ScDevice *)r->device, bytes));
   even.sides.x = x->data;
   ScStatus status = run_with(r, &even);
   sc_buffer_release(x);
   return status;
}

ScStatus sc_conv_run(const ScDevice *device, const char *what, ScPlanKind kind, ScDtype dtype, const ScConv *g,
                     ScConvSides sides) {
   Run r = {device, what, kind, dtype, *g, sides, false, g->h, g->w};
   return sc_conv_pads_evenly(g) ? run(&r) : run_evened(&r);
}
