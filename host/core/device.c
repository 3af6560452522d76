// The registry of backends, their devices and kernels.
#include "host/core/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/core/communicator.h"
#include "host/core/place.h"
#include "host/core/plugin.h"
#include "host/core/recording.h"
#include "host/core/suggest.h"

enum { MAXBACKENDS = 8, MAXKERNELS = 512 };

typedef struct ScKernelTable {
   ScBackend *backend;
   int ndevices; // 0 until they were looked for
   ScDevice devices[SC_MAXDEVICES];
   int n;
   const ScKernel *kernels[MAXKERNELS]; // by op name
} Table;

static Table tables[MAXBACKENDS];
static int ntables;

static ScStatus add_device(Table *table, int index) {
   ScDevice *device = &table->devices[index];
   device->backend = table->backend;
   device->index = index;
   const char *format = table->backend->count ? "%s:%d" : "%s";
   snprintf(device->name, sizeof device->name, format, table->backend->name, index);
   SC_TRY(sc_pool_new(&device->pool, (ScPoolSource){.device = device,
                                                    .name = device->name,
                                                    .keeps = !table->backend->host_memory,
                                                    .allocate = table->backend->allocate,
                                                    .release = table->backend->release,
                                                    .holds = sc_records}));
   table->ndevices = index + 1;
   return SC_OK;
}

void sc_add_backend(ScBackend *backend) {
   if (ntables == MAXBACKENDS) return;
   Table *table = &tables[ntables++];
   table->backend = backend;
   backend->kernels = table;
   if (!backend->count) add_device(table, 0);
}

static Table *find_table(const char *backend) {
   for (int i = 0; i < ntables; i++)
      if (strcmp(tables[i].backend->name, backend) == 0) return &tables[i];
   return NULL;
}

void sc_register_kernel(const char *backend, const ScKernel *kernel) {
   Table *table = find_table(backend);
   if (!table || table->n == MAXKERNELS) return;
   int at = table->n++;
   for (; at > 0 && strcmp(table->kernels[at - 1]->op, kernel->op) > 0; at--)
      table->kernels[at] = table->kernels[at - 1];
   table->kernels[at] = kernel;
}

static int by_op(const void *name, const void *entry) {
   return strcmp(name, (*(const ScKernel *const *)entry)->op);
}

const ScKernel *sc_find_kernel(const ScDevice *device, const char *op) {
   const Table *table = device->backend->kernels;
   const ScKernel *const *found =
       bsearch(op, table->kernels, (size_t)table->n, sizeof table->kernels[0], by_op);
   return found ? *found : NULL;
}

bool sc_kernel_takes(const ScKernel *kernel, const ScDevice *device, ScDtype dtype) {
   if (!kernel) return false;
   unsigned dtypes = kernel->dtypes | (kernel->more_dtypes ? kernel->more_dtypes(device) : 0);
   return dtypes >> dtype & 1;
}

// ---- devices ----

// Asks a backend that may have several or none.
static ScStatus find_devices(Table *table) {
   if (table->ndevices > 0) return SC_OK;
   int n = 0;
   if (table->backend->count) SC_TRY(table->backend->count(&n));
   for (int i = 0; i < n && i < SC_MAXDEVICES; i++) SC_TRY(add_device(table, i));
   return table->ndevices > 0 ? SC_OK : sc_fail(SC_EUNSUPPORTED, "there is none");
}

static ScStatus device_of(Table *table, const char *name, long index, ScDevice **out) {
   SC_TRY(find_devices(table));
   if (index >= table->ndevices)
      return sc_fail(SC_EARG, "device '%s': there %s %d of them, numbered from 0", name,
                     table->ndevices == 1 ? "is" : "are", table->ndevices);
   ScDevice *device = &table->devices[index];
   if (!device->started && table->backend->start) SC_TRY(table->backend->start(device));
   device->started = true;
   *out = device;
   return SC_OK;
}

static const ScPlugin cuda = {.name = "cuda",
                              .brings = "cuda backend",
                              .advice = "build it where the CUDA toolkit is installed",
                              .instead = "use --device cpu"};

// Of several processes on a computer each has a GPU of its own: the one that it sees, where that is another for
// each of them, else that of its number.
static ScStatus own_index(Table *table, ScPlace place, long *out) {
   SC_TRY(find_devices(table));
   bool is_given = place.own_gpu != 0 && table->ndevices == 1;
   *out = is_given ? 0 : place.rank;
   if (is_given || place.size <= table->ndevices) return SC_OK;
   return sc_fail(
       SC_EUNSUPPORTED,
       "there are %d processes on this computer, each of which needs a GPU of its own, and %d GPU%s: "
       "start fewer processes, or use --device cpu",
       place.size, table->ndevices, table->ndevices == 1 ? "" : "s");
}

static ScStatus find_gpu(const char *name, ScDevice **out) {
   char *end = NULL;
   bool is_own = name[4] == 0;
   long index = name[4] == ':' ? strtol(name + 5, &end, 10) : 0;
   if (name[4] != 0 && (name[4] != ':' || end == name + 5 || *end || index < 0))
      return sc_fail(SC_EARG, "device '%s' is not known; expected cuda or cuda:0, cuda:1, ...", name);
   ScStatus status = find_table(cuda.name) ? SC_OK : sc_plugin_open(&cuda);
   if (status == SC_OK && !find_table(cuda.name))
      status = sc_fail(SC_EUNSUPPORTED, "its plugin brings no backend");
   if (status == SC_OK && is_own) status = own_index(find_table(cuda.name), sc_place(), &index);
   if (status == SC_OK) status = device_of(find_table(cuda.name), name, index, out);
   return status == SC_OK || status == SC_EARG ? status : sc_wrap(status, "device '%s': ", name);
}

ScStatus sc_device_find(const char *name, ScDevice **out) {
   if (strcmp(name, "auto") == 0) {
      if (find_gpu("cuda", out) == SC_OK) return SC_OK;
      name = "cpu";
   }
   if (strncmp(name, "cuda", 4) == 0) return find_gpu(name, out);
   Table *table = find_table(name);
   if (table) return device_of(table, name, 0, out);
   static const char *const known[] = {"cpu", "cuda", "ref", "auto"};
   return sc_fail(SC_EARG, "device '%s' is not known; expected cpu, cuda, ref or auto%s", name,
                  sc_meant(name, sizeof known / sizeof known[0], known));
}

ScDevice *sc_device_at(int index) {
   for (int i = 0; i < ntables; i++) {
      if (index < tables[i].ndevices) return &tables[i].devices[index];
      index -= tables[i].ndevices;
   }
   return NULL;
}

static ScDevice *always_there(const char *name) {
   return &find_table(name)->devices[0];
}

ScDevice *sc_device_cpu(void) {
   return always_there("cpu");
}

ScDevice *sc_device_ref(void) {
   return always_there("ref");
}

ScMemory sc_device_memory(ScDevice *device) {
   return sc_pool_memory(device->pool);
}

static void (*flushed_too)(const ScDevice *);

void sc_flush_too(void (*flush)(const ScDevice *)) {
   flushed_too = flush;
}

// What a graph has recorded by now is not to lose its memory.
void sc_device_flush(ScDevice *device) {
   if (sc_records(device)) return;
   if (flushed_too) flushed_too(device);
   if (device->backend->flush) device->backend->flush(device);
   sc_pool_flush(device->pool);
}

void sc_begin_range(const char *name) {
   for (int i = 0; i < ntables; i++)
      if (tables[i].ndevices > 0 && tables[i].backend->begin_range) tables[i].backend->begin_range(name, "");
}

void sc_end_range(void) {
   for (int i = 0; i < ntables; i++)
      if (tables[i].ndevices > 0 && tables[i].backend->end_range) tables[i].backend->end_range();
}

size_t sc_live_bytes(void) {
   size_t live = 0;
   for (int i = 0; sc_device_at(i); i++) live += sc_device_memory(sc_device_at(i)).live;
   return live;
}

void sc_flush_devices(void) {
   for (int i = 0; sc_device_at(i); i++) sc_device_flush(sc_device_at(i));
}

static void leave_group(ScDevice *device) {
   if (device->communicator) device->communicator->close(device->communicator);
   device->communicator = NULL;
}

void sc_close_devices(void) {
   for (int i = 0; sc_device_at(i); i++) leave_group(sc_device_at(i));
   sc_flush_devices();
   for (int i = 0; sc_device_at(i); i++)
      if (sc_device_at(i)->backend->close) sc_device_at(i)->backend->close(sc_device_at(i));
}
