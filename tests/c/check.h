// Checks of statuses. For tests only.
#ifndef SCUTE_TESTS_CHECK_H
#define SCUTE_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host/core/status.h"

#define assert_ok(expression)                                                                                  \
   do {                                                                                                        \
      if ((expression) != SC_OK) fail_msg("%s: %s", #expression, sc_error());                                  \
   } while (0)

#define assert_fails(expression, code, fragment)                                                               \
   do {                                                                                                        \
      assert_int_equal((expression), (code));                                                                  \
      if (!strstr(sc_error(), (fragment))) fail_msg("expected '%s' in: %s", (fragment), sc_error());           \
   } while (0)

#endif
