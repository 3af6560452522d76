// The registry of backends, their devices and kernels.
#include "host/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/pool.h"

enum { MAXBACKENDS = 8, MAXKERNELS = 512 };

typedef struct ScKernelTable {
   ScBackend *backend;
   ScDevice device;
   int n;
   const ScKernel *kernels[MAXKERNELS]; // by op name
} Table;

static Table tables[MAXBACKENDS];
static int ntables;

void sc_register_backend(ScBackend *backend) {
   if (ntables == MAXBACKENDS) return;
   Table *table = &tables[ntables++];
   table->backend = backend;
   table->device.backend = backend;
   snprintf(table->device.name, sizeof table->device.name, "%s", backend->name);
   table->device.pool = sc_pool_new();
   backend->kernels = table;
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

ScStatus sc_device_find(const char *name, ScDevice **out) {
   Table *table = find_table(strcmp(name, "auto") == 0 ? "cpu" : name);
   if (table && table->device.pool) {
      *out = &table->device;
      return SC_OK;
   }
   if (strncmp(name, "cuda", 4) == 0)
      return sc_fail(SC_EARG, "device '%s': this scute was built without its CUDA backend; use --device cpu",
                     name);
   return sc_fail(SC_EARG, "device '%s' is not known; expected cpu, ref or auto", name);
}

static ScDevice *always_there(const char *name) {
   return &find_table(name)->device;
}

ScDevice *sc_device_cpu(void) {
   return always_there("cpu");
}

ScDevice *sc_device_ref(void) {
   return always_there("ref");
}
