// How the core reports: every function that can fail returns an ScStatus; the message that goes with it is kept
// per thread. The core never exits and never aborts; only host/bind turns a status into a Lua error.
#ifndef SCUTE_STATUS_H
#define SCUTE_STATUS_H

#include "host/core/api.h"

SC_API_BEGIN

typedef enum {
   SC_OK = 0,
   SC_EARG,         // an argument is wrong: shape, dtype, device, range
   SC_EMEM,         // out of memory, told before any side effect
   SC_EIO,          // disk or network
   SC_EFORMAT,      // a file is not what it should be
   SC_EUNSUPPORTED, // no kernel for this dtype on this device (the dispatcher may fall back to ref)
   SC_EINTERRUPTED, // Ctrl-C or SIGTERM
   SC_ELUA,         // a Lua callback failed; the message is Lua's
   SC_EDEVICE,      // a GPU, its driver or its libraries failed
} ScStatus;

// Keeps the message for sc_error() and returns `code`, so that a check reads `return sc_fail(SC_EARG, ...)`.
// A message names the op or file, the argument, what was expected and what was found. No newline at the end;
// control characters, which names out of a file may have, become ?.
// (A macro around the function so that the compiler sees which status comes back.)
#define sc_fail(code, ...) (sc_keep_message(__VA_ARGS__), (code))
void sc_keep_message(const char *format, ...) __attribute__((format(printf, 1, 2)));

// The message of the last failure in this thread; never NULL, valid until the next sc_fail here.
const char *sc_error(void);

// Puts a context in front of the last message, as in "in layer3.0.conv2 (conv2d): ...". Returns `code`.
ScStatus sc_wrap(ScStatus code, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define SC_TRY(expression)                                                                                     \
   do {                                                                                                        \
      ScStatus status_ = (expression);                                                                         \
      if (status_ != SC_OK) return status_;                                                                    \
   } while (0)

SC_API_END

#endif
