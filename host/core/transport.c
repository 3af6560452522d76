#include "host/core/transport.h"

#include <string.h>

#include "host/core/device.h"

enum { MOST = 4 };

static const ScTransport *transports[MOST];
static int many;

void sc_register_transport(const ScTransport *transport) {
   if (many < MOST) transports[many++] = transport;
}

const ScTransport *sc_find_transport(const char *name) {
   for (int i = 0; i < many; i++)
      if (strcmp(transports[i]->name, name) == 0) return transports[i];
   return NULL;
}

const ScTransport *sc_transport_of(const ScDevice *device) {
   for (int i = 0; i < many; i++)
      if (transports[i]->backend && strcmp(transports[i]->backend, device->backend->name) == 0)
         return transports[i];
   return NULL;
}
