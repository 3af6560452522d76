#include "kernels/cpu/onednn.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1024, MOST = 2048, ROOM = 1 << 16 };

struct ScPrimitive {
   ScKey key;
   int threads;       // a primitive divides its work when it is made
   ScPrimitive *next; // in its bucket
   uint64_t used;
   dnnl_primitive_t handle;
   size_t scratch; // bytes
   int nargs;
   int arg[SC_PRIMITIVE_ARGS];
   dnnl_memory_desc_t layout[SC_PRIMITIVE_ARGS];
   dnnl_memory_t memory[SC_PRIMITIVE_ARGS + 1]; // the last is the scratchpad
};

static dnnl_engine_t engine;
static dnnl_stream_t stream;
static ScPrimitive *buckets[BUCKETS];
static int count;
static uint64_t clock_;

// oneDNN's own cache of primitives would be a second one, from which nothing is ever dropped, and one that
// memory running out leaves damaged: what it was to hold is gone while its entry, and even its lock, stay.
static dnnl_status_t start(void) {
   dnnl_status_t status = engine ? dnnl_success : sc_dnnl.set_primitive_cache_capacity(0);
   if (status == dnnl_success && !engine) status = sc_dnnl.engine_create(&engine, dnnl_cpu, 0);
   if (status == dnnl_success && !stream)
      status = sc_dnnl.stream_create(&stream, engine, dnnl_stream_default_flags);
   return status;
}

dnnl_engine_t sc_onednn_engine(void) {
   return engine;
}

// Asked for before main, since the first time takes memory, and an answer there must be.
static dnnl_cpu_isa_t isa;

__attribute__((constructor)) static void ask_for_isa(void) {
   isa = dnnl_get_effective_cpu_isa();
}

static bool has_isa(dnnl_cpu_isa_t wanted) {
   return ((unsigned)isa & (unsigned)wanted) == (unsigned)wanted;
}

unsigned sc_cpu_half(const ScDevice *device) {
   (void)device;
   return has_isa(dnnl_cpu_isa_avx512_core_bf16) ? 1u << SC_BF16 : 0;
}

bool sc_cpu_has_amx(void) {
   return has_isa(dnnl_cpu_isa_avx512_core_amx);
}

bool sc_cpu_is_wide(void) {
   return has_isa(dnnl_cpu_isa_avx512_core);
}

bool sc_cpu_has_fma(void) {
   return has_isa(dnnl_cpu_isa_avx2);
}

ScStatus sc_onednn_failed(dnnl_status_t status, const char *what) {
   if (status == dnnl_unimplemented) return sc_fail(SC_EUNSUPPORTED, "oneDNN has no %s for this", what);
   if (status == dnnl_out_of_memory) return sc_fail(SC_EMEM, "out of memory in oneDNN (%s)", what);
   return sc_fail(SC_EUNSUPPORTED, "oneDNN refused %s (status %d)", what, (int)status);
}

// ---- the cache ----

static unsigned hash(const ScKey *key) {
   uint64_t h = 1469598103934665603u;
   for (int i = 0; i < SC_KEY_WORDS; i++) h = (h ^ (uint64_t)key->word[i]) * 1099511628211u, h ^= h >> 29;
   return (unsigned)(h % BUCKETS);
}

static void destroy(ScPrimitive *p) {
   for (int i = 0; i <= SC_PRIMITIVE_ARGS; i++)
      if (p->memory[i]) dnnl_memory_destroy(p->memory[i]);
   for (int i = 0; i < SC_PRIMITIVE_ARGS; i++)
      if (p->layout[i]) dnnl_memory_desc_destroy(p->layout[i]);
   if (p->handle) dnnl_primitive_destroy(p->handle);
   free(p);
}

static ScPrimitive *find(const ScKey *key) {
   int threads = omp_get_max_threads();
   for (ScPrimitive *p = buckets[hash(key)]; p; p = p->next)
      if (p->threads == threads && memcmp(&p->key, key, sizeof *key) == 0) return p;
   return NULL;
}

static void drop_least_used(void) {
   ScPrimitive **oldest = NULL;
   for (int i = 0; i < BUCKETS; i++)
      for (ScPrimitive **at = &buckets[i]; *at; at = &(*at)->next)
         if (!oldest || (*at)->used < (*oldest)->used) oldest = at;
   if (!oldest) return;
   ScPrimitive *dead = *oldest;
   *oldest = dead->next;
   destroy(dead);
   count--;
}

static void insert(ScPrimitive *p) {
   if (count == MOST) drop_least_used();
   ScPrimitive **bucket = &buckets[hash(&p->key)];
   p->next = *bucket;
   *bucket = p;
   count++;
}

void sc_onednn_flush(void) {
   for (int i = 0; i < BUCKETS; i++)
      while (buckets[i]) {
         ScPrimitive *dead = buckets[i];
         buckets[i] = dead->next;
         destroy(dead);
      }
   count = 0;
}

// ---- making and running ----

static dnnl_status_t make_attr(dnnl_primitive_attr_t *out, const_dnnl_post_ops_t post) {
   dnnl_status_t status = sc_dnnl.primitive_attr_create(out);
   if (status != dnnl_success) return status;
   status = sc_dnnl.primitive_attr_set_scratchpad_mode(*out, dnnl_scratchpad_mode_user);
   if (status == dnnl_success && post) status = sc_dnnl.primitive_attr_set_post_ops(*out, post);
   if (status != dnnl_success) dnnl_primitive_attr_destroy(*out);
   return status;
}

static dnnl_status_t wrap_arguments(ScPrimitive *p, const_dnnl_primitive_desc_t desc) {
   const_dnnl_memory_desc_t scratch = dnnl_primitive_desc_query_md(desc, dnnl_query_scratchpad_md, 0);
   p->scratch = dnnl_memory_desc_get_size(scratch);
   dnnl_status_t status =
       sc_dnnl.memory_create(&p->memory[SC_PRIMITIVE_ARGS], scratch, engine, DNNL_MEMORY_NONE);
   for (int i = 0; i < p->nargs && status == dnnl_success; i++) {
      const_dnnl_memory_desc_t layout = dnnl_primitive_desc_query_md(desc, dnnl_query_exec_arg_md, p->arg[i]);
      status = sc_dnnl.memory_desc_clone(&p->layout[i], layout);
      if (status == dnnl_success)
         status = sc_dnnl.memory_create(&p->memory[i], p->layout[i], engine, DNNL_MEMORY_NONE);
   }
   return status;
}

// Descriptions begin with a block of 14 kB whose address oneDNN (3.2) does not look at: where that much is not
// there, it is not asked for one.
static dnnl_status_t want_room(void) {
   void *volatile room = malloc(ROOM); // volatile: or the compiler does without
   free(room);
   return room ? dnnl_success : dnnl_out_of_memory;
}

static dnnl_status_t make(ScPrimitive *p, ScDescribe describe, const void *spec, const_dnnl_post_ops_t post) {
   dnnl_primitive_attr_t attr;
   dnnl_primitive_desc_t desc;
   dnnl_status_t status = make_attr(&attr, post);
   if (status != dnnl_success) return status;
   status = want_room();
   if (status == dnnl_success) status = describe(&desc, attr, spec);
   dnnl_primitive_attr_destroy(attr);
   if (status != dnnl_success) return status;
   status = sc_dnnl.primitive_create(&p->handle, desc);
   if (status == dnnl_success) status = wrap_arguments(p, desc);
   dnnl_primitive_desc_destroy(desc);
   return status;
}

ScStatus sc_primitive(ScPrimitive **out, const ScKey *key, ScDescribe describe, const void *spec,
                      const_dnnl_post_ops_t post, int nargs, const int *args) {
   ScPrimitive *p = find(key);
   if (!p) {
      dnnl_status_t status = start();
      if (status != dnnl_success) return sc_onednn_failed(status, "engine");
      p = calloc(1, sizeof *p);
      if (!p) return sc_fail(SC_EMEM, "out of memory");
      p->key = *key;
      p->threads = omp_get_max_threads();
      p->nargs = nargs;
      memcpy(p->arg, args, (size_t)nargs * sizeof *args);
      status = make(p, describe, spec, post);
      if (status != dnnl_success) {
         destroy(p);
         return sc_onednn_failed(status, "primitive");
      }
      insert(p);
   }
   p->used = ++clock_;
   *out = p;
   return SC_OK;
}

const_dnnl_memory_desc_t sc_primitive_layout(const ScPrimitive *p, int index) {
   return p->layout[index];
}

ScStatus sc_primitive_run(ScPrimitive *p, ScDevice *device, void *const *data) {
   dnnl_exec_arg_t args[SC_PRIMITIVE_ARGS + 1];
   ScBuffer *scratch = NULL;
   if (p->scratch > 0) SC_TRY(sc_buffer_new(&scratch, device, p->scratch));
   dnnl_status_t status = dnnl_success;
   for (int i = 0; i < p->nargs && status == dnnl_success; i++) {
      args[i] = (dnnl_exec_arg_t){p->arg[i], p->memory[i]};
      status = sc_dnnl.memory_set_data_handle(p->memory[i], data[i]);
   }
   dnnl_memory_t pad = p->memory[SC_PRIMITIVE_ARGS];
   args[p->nargs] = (dnnl_exec_arg_t){DNNL_ARG_SCRATCHPAD, pad};
   if (status == dnnl_success && scratch) status = sc_dnnl.memory_set_data_handle(pad, scratch->data);
   if (status == dnnl_success) status = sc_dnnl.primitive_execute(p->handle, stream, p->nargs + 1, args);
   if (status == dnnl_success) status = sc_dnnl.stream_wait(stream);
   sc_buffer_release(scratch);
   return status == dnnl_success ? SC_OK : sc_onednn_failed(status, "execution");
}

typedef struct {
   const_dnnl_memory_desc_t from, to;
} Reorder;

static dnnl_status_t describe_reorder(dnnl_primitive_desc_t *out, const_dnnl_primitive_attr_t attr,
                                      const void *spec) {
   const Reorder *r = spec;
   return sc_dnnl.reorder_primitive_desc_create(out, r->from, engine, r->to, engine, attr);
}

ScStatus sc_reorder(ScPrimitive **out, const ScKey *key, const_dnnl_memory_desc_t from,
                    const_dnnl_memory_desc_t to) {
   Reorder spec = {from, to};
   return sc_primitive(out, key, describe_reorder, &spec, NULL, 2, (int[]){DNNL_ARG_FROM, DNNL_ARG_TO});
}

const char *sc_onednn_version(void) {
   static char text[48];
   const dnnl_version_t *version = dnnl_version();
   snprintf(text, sizeof text, "oneDNN %d.%d.%d", version->major, version->minor, version->patch);
   return text;
}
