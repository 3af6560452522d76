// A library that goes by several names: the first that is there is taken.
#include "host/core/shared_library.h"

#include "tests/c/check.h"

static double (*cosine)(double);
static const ScSymbol symbols[] = {{"cos", &cosine}, {0}};

static void test_second_name(void **state) {
   (void)state;
   ScSharedLibrary library = {.files = (const char *const[]){"libnowhere.so.1", "libm.so.6", NULL},
                              .symbols = symbols};
   assert_ok(sc_shared_library_open(&library));
   assert_true(cosine(0) == 1);
}

static void test_none(void **state) {
   (void)state;
   ScSharedLibrary library = {.files = (const char *const[]){"libnowhere.so.1", "libneither.so.2", NULL},
                              .symbols = symbols,
                              .package = "libnowhere1"};
   assert_fails(sc_shared_library_open(&library), SC_EUNSUPPORTED, "libnowhere.so.1");
   assert_fails(sc_shared_library_open(&library), SC_EUNSUPPORTED,
                "; install libnowhere1 (Debian's name of the package)");
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(test_second_name),
       cmocka_unit_test(test_none),
   };
   return cmocka_run_group_tests(tests, NULL, NULL);
}
