// Which name was meant by one that is not known.
#include <string.h>

#include "host/core/suggest.h"
#include "host/core/synonyms.h"
#include "tests/c/check.h"

enum { MOST = 8 };

typedef struct {
   const char *name, *meant; // NULL: none
   const char *candidates[MOST];
} Case;

static const Case cases[] = {
    // another word for it, whatever else looks like it
    {"cat", "concat", {"cli", "cos", "concat"}},
    {"kernel", "kernel_size", {"kernels", "kernel_size"}},
    {"view", "reshape", {"div", "reshape"}},
    {"View", "Flatten", {"Flatten", "Identity"}},
    {"learning_rate", "lr", {"lr", "learning"}},
    {"lr", "learning_rate", {"learning_rate", "le"}},
    // with dots only where that one is meant
    {"fit", "train.fit", {"pca.fit", "train.fit"}},
    {"DataLoader", "scute.data.open", {"scute.weights.open", "scute.data.open"}},
    {"cat", "scute.concat", {"scute.cli", "scute.concat"}},
    {"CrossEntropyLoss", NULL, {"other_cross_entropy"}},
    // the same but for capitals and underscores, of the last part too
    {"Adam", "adam", {"adamw", "adam"}},
    {"zeroGrad", "zero_grad", {"zero", "zero_grad"}},
    {"Linear", "nn.Linear", {"linear", "nn.Linear"}},
    {"conv2", "layer1.0.conv2", {"conv1", "layer1.0.conv2"}},
    // one wrong letter
    {"strid", "stride", {"string", "stride"}},
    {"layer3.0.conv9", "layer3.0.conv1", {"layer3", "layer3.0", "layer3.0.conv1"}},
    // its beginning, a part of it, and the other way round: the one with the least more
    {"ad", "add", {"adamw", "adam", "add"}},
    {"resn", "resnet18", {"densenet121", "resnet18", "resnet101"}},
    {"strongest", "strong", {"string", "strong"}},
    {"entropy", "cross_entropy", {"center", "cross_entropy"}},
    {"max_epochs", "epochs", {"every", "epochs"}},
    {"layer3.0.x", NULL, {"lay"}},
    // wrong letters, of another word for it too
    {"fti", "fit", {"at", "fit"}},
    {"viw", "reshape", {"div", "reshape"}},
    {"brodcast_to", "expand", {"squares", "expand"}},
    {"momentn", "momentum", {"moment_of", "momentum"}},
    // nothing like it
    {"zzz", NULL, {"zeros", "abs"}},
    {"x", NULL, {"y", "p"}},
    {"", NULL, {"p", "add"}},
};

static int count(const char *const *candidates) {
   int n = 0;
   while (n < MOST && candidates[n]) n++;
   return n;
}

static void what_was_meant(void **state) {
   (void)state;
   for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
      const Case *c = &cases[i];
      int found = sc_nearest(c->name, count(c->candidates), c->candidates);
      const char *said = found < 0 ? "nothing" : c->candidates[found], *meant = c->meant ? c->meant : "nothing";
      if (strcmp(said, meant) != 0) fail_msg("'%s': found '%s', expected '%s'", c->name, said, meant);
   }
}

static void the_same_name_is_no_guess(void **state) {
   (void)state;
   static const char *const candidates[] = {"concat", "nn.Linear", "zero_grad"};
   assert_int_equal(sc_same_name("cat", 3, candidates), 0);
   assert_int_equal(sc_same_name("linear", 3, candidates), 1);
   assert_int_equal(sc_same_name("ZeroGrad", 3, candidates), 2);
   assert_int_equal(sc_same_name("conca", 3, candidates), -1);
   assert_int_equal(sc_same_name("zero", 3, candidates), -1);
}

static void the_end_of_a_message(void **state) {
   (void)state;
   static const char *const candidates[] = {"cpu", "cuda"};
   assert_string_equal(sc_meant("gpu", 2, candidates), "; did you mean 'cuda'?");
   assert_string_equal(sc_meant("nowhere", 2, candidates), "");
}

static void no_synonym_twice(void **state) {
   (void)state;
   for (const ScSynonym *a = sc_synonyms; a->word; a++)
      for (const ScSynonym *b = a + 1; b->word; b++)
         if (strcmp(a->word, b->word) == 0 && strcmp(a->target, b->target) == 0)
            fail_msg("'%s' stands for '%s' twice", a->word, a->target);
}

static void long_names(void **state) {
   (void)state;
   char name[300], other[300];
   memset(name, 'a', sizeof name - 1), name[sizeof name - 1] = '\0';
   memcpy(other, name, sizeof name);
   other[10] = 'b';
   const char *const candidates[] = {"b", other};
   assert_int_equal(sc_nearest(name, 2, candidates), 1);
   assert_int_equal(sc_nearest(name, 0, candidates), -1);
}

// A name of somebody's own is near by its letters alone.
static void spelling_alone(void **state) {
   (void)state;
   const char *const candidates[] = {"optimizer", "concat"};
   assert_int_equal(sc_nearest("lr", 2, candidates), 0);
   assert_int_equal(sc_near_spelling("lr", 2, candidates), -1);
   assert_int_equal(sc_near_spelling("optimzer", 2, candidates), 0);
   assert_int_equal(sc_near_spelling("conkat", 2, candidates), 1);
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(what_was_meant),       cmocka_unit_test(the_same_name_is_no_guess),
       cmocka_unit_test(the_end_of_a_message), cmocka_unit_test(no_synonym_twice),
       cmocka_unit_test(long_names),           cmocka_unit_test(spelling_alone),
   };
   return cmocka_run_group_tests(tests, NULL, NULL);
}
