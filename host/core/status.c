#include "host/core/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "host/core/visible.h"

static _Thread_local char message[2048];

void sc_keep_message(const char *format, ...) {
   char text[sizeof message]; // the arguments may point into the present message
   va_list args;
   va_start(args, format);
   vsnprintf(text, sizeof text, format, args);
   va_end(args);
   sc_make_visible(text); // names in it may be a file's
   memcpy(message, text, sizeof message);
}

ScStatus sc_wrap(ScStatus code, const char *format, ...) {
   char prefix[512];
   va_list args;
   va_start(args, format);
   vsnprintf(prefix, sizeof prefix, format, args);
   va_end(args);
   return sc_fail(code, "%s%s", prefix, message);
}

const char *sc_error(void) {
   return message;
}
