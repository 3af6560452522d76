// A backend enters the registry (host/core/device.c) before main, or when its plugin is opened.
#ifndef SCUTE_REGISTER_H
#define SCUTE_REGISTER_H

#include <layout.h> // made by the Makefile

#include "host/core/api.h"
#include "host/core/device.h"

// What is registered by is named after the headers of this folder: a plugin that was built with others, and so
// has another idea of what a tensor looks like, finds no such function and is not opened.
#define SC_NAMED(layout)    SC_NAMED_(layout)
#define SC_NAMED_(layout)   sc_register_backend_##layout
#define sc_register_backend SC_NAMED(SC_LAYOUT)

SC_API_BEGIN
void sc_register_backend(ScBackend *);
SC_API_END

#define SC_BACKEND(variable)                                                                                   \
   __attribute__((constructor(201))) static void register_##variable(void) {                                   \
      sc_register_backend(&variable);                                                                          \
   }

#endif
