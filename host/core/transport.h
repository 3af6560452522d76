// A transport enters the registry when its plugin is opened.
#ifndef SCUTE_TRANSPORT_H
#define SCUTE_TRANSPORT_H

#include <layout.h> // made by the Makefile

#include "host/core/api.h"
#include "host/core/communicator.h"

// Named after the headers of this folder, as in host/core/register.h.
#define SC_TRANSPORT_NAMED(layout)  SC_TRANSPORT_NAMED_(layout)
#define SC_TRANSPORT_NAMED_(layout) sc_register_transport_##layout
#define sc_register_transport       SC_TRANSPORT_NAMED(SC_LAYOUT)

SC_API_BEGIN

typedef struct {
   const char *name; // "mpi", "nccl"
   // Joins the group that a launcher has started this process in; where it has not, a group of one.
   ScStatus (*join)(ScCommunicator **out);
   // The backend whose devices `connect` joins; NULL: none.
   const char *backend;
   // The communicator of a device's memory, between the processes of a world, each of which calls this.
   ScStatus (*connect)(struct ScDevice *, ScCommunicator *world, ScCommunicator **out);
} ScTransport;

void sc_register_transport(const ScTransport *);
const ScTransport *sc_find_transport(const char *name);      // NULL: its plugin is not open
const ScTransport *sc_transport_of(const struct ScDevice *); // that joins such devices; NULL: none does

SC_API_END

#define SC_TRANSPORT(variable)                                                                                 \
   __attribute__((constructor(201))) static void register_##variable(void) {                                   \
      sc_register_transport(&variable);                                                                        \
   }

#endif
