// The reader of .pth files: both containers against PyPI's safetensors of the same values, files that must be
// refused, and damage. The files are made by tests/golden/make_pth.py.
#include "tests/c/damage.h"

#include "host/core/transfer.h"

#define GOLDEN      "tests/golden/pth/"
#define CHECKPOINTS "tests/golden/checkpoints/"

static void assert_same_files(const char *path, const char *expected) {
   ScState a, b;
   assert_ok(load(path, &a));
   assert_ok(load(expected, &b));
   assert_same_state(&a, &b);
   sc_state_free(&a);
   sc_state_free(&b);
}

static void reads_every_dtype_and_stride(void **state) {
   (void)state;
   assert_same_files(GOLDEN "zip.pth", GOLDEN "same.safetensors");
   assert_same_files(GOLDEN "legacy.pth", GOLDEN "same.safetensors");
   assert_same_files(GOLDEN "protocol4.pth", GOLDEN "same.safetensors");
}

static void reads_wrapped_and_old_files(void **state) {
   (void)state;
   static const char *const files[] = {"tiny.pth", "tiny_legacy.pth", "wrapped.pth", "wrapped_legacy.pth",
                                       "old.pth"};
   for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
      char path[128];
      snprintf(path, sizeof path, GOLDEN "%s", files[i]);
      assert_same_files(path, GOLDEN "tiny.safetensors");
   }
}

static void keeps_the_order_of_the_state_dict(void **state) {
   (void)state;
   static const char *const names[] = {"conv.weight", "conv.channels_last", "half", "bfloat", "double", "long"};
   ScState loaded;
   assert_ok(load(GOLDEN "zip.pth", &loaded));
   for (int i = 0; i < 6; i++) assert_string_equal(loaded.entries[i].name, names[i]);
   sc_state_free(&loaded);
}

static double at(const ScTensor *t, int64_t index) {
   double element; // room for any dtype
   assert_ok(sc_tensor_item(t, index, &element));
   return sc_load(t->dtype, &element, 0);
}

// Spot values from the formula in make_pth.py, so that a mistake common to both readers shows.
static void values_are_those_of_the_formula(void **state) {
   (void)state;
   ScState loaded;
   assert_ok(load(GOLDEN "legacy.pth", &loaded));
   const ScTensor *conv = find(&loaded, "conv.channels_last"), *transposed = find(&loaded, "transposed");
   for (int64_t i = 0; i < 48; i++) assert_true(at(conv, i) == (double)(i * 37 % 101) / 8 - 6);
   for (int64_t i = 0; i < 12; i++)
      assert_true(at(transposed, i) == (double)((i % 3 * 4 + i / 3) * 37 % 101) / 8 - 6);
   assert_int_equal(find(&loaded, "bn.num_batches_tracked")->rank, 0);
   sc_state_free(&loaded);
}

static const struct {
   const char *name, *message;
} refused[] = {
    {"os_system", "posix.system. The file is refused and nothing in it was executed"},
    {"os_system_legacy", "posix.system. The file is refused and nothing in it was executed"},
    {"eval", "builtins.eval. The file is refused"},
    {"protocol0", "instruction 0x"},
    {"offset", "outside of its storage"},
    {"stride", "outside of its storage"},
    {"stride_overflow", "outside of its storage"},
    {"shape_overflow", "far more memory"},
    {"expanded_bomb", "far more memory"},
    {"negative_stride", "stride"},
    {"negative_offset", "offset"},
    {"no_elements", "not a positive whole number"},
    {"rank9", "more than 8 dimensions"},
    {"view", "outside of its storage"},
    {"count", "another size"},
    {"huge_count", "a storage that cannot be"},
    {"unknown_key", "list of storages"},
    {"two_types", "in two ways"},
    {"magic", "not one of torch.save"},
    {"version", "expected 1001"},
    {"no_state_dict", "expected a dict from names to tensors"},
    {"empty", "expected a dict from names to tensors"},
    {"marks", "takes a value where there is none"},
    {"lists", "expected a dict from names to tensors"},
    {"long_string", "stops in the middle"},
    {"long_memo", "remembers too many"},
    {"no_memo", "recalls what it did not remember"},
    {"amplified", "more than a state dict ever needs"},
    {"self", "expected a dict from names to tensors"},
    {"stop_early", "takes a value where there is none"},
    {"no_stop", "stops in the middle"},
    {"duplicate", "is there twice"},
    {"zero_in_name", "a zero byte"},
    {"compressed", "compressed or encrypted"},
    {"big_endian", "big-endian"},
    {"other_zip", "no data.pkl"},
};

static void refuses_with_a_reason(void **state) {
   (void)state;
   for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
      char path[128];
      ScState loaded;
      snprintf(path, sizeof path, GOLDEN "refused_%s.pth", refused[i].name);
      ScStatus status = load(path, &loaded);
      if (status == SC_OK) fail_msg("%s was read", path);
      if (!strstr(sc_error(), path)) fail_msg("%s is not named in: %s", path, sc_error());
      if (!strstr(sc_error(), refused[i].message)) fail_msg("%s: found: %s", path, sc_error());
   }
}

// Files of tests/golden/make_checkpoints.py: what is no tensor is inert, and the tensors are the same ones.
static void takes_the_tensors_out_of_checkpoints(void **state) {
   (void)state;
   static const char *const files[] = {"average_beside", "average_timm",      "nested", "extra", "two",
                                       "other_types",    "other_types_legacy"};
   ScState first;
   assert_ok(load(CHECKPOINTS "nested.pth", &first));
   assert_int_equal(first.n, 2);
   for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
      char path[128];
      ScState loaded;
      snprintf(path, sizeof path, CHECKPOINTS "%s.pth", files[i]);
      assert_ok(load(path, &loaded));
      assert_same_state(&first, &loaded);
      sc_state_free(&loaded);
   }
   sc_state_free(&first);
}

static void truncated_files_fail(void **state) {
   (void)state;
   every_prefix_fails(GOLDEN "tiny.pth");
   every_prefix_fails(GOLDEN "tiny_legacy.pth");
   every_prefix_fails(GOLDEN "old.pth");
   every_prefix_fails(CHECKPOINTS "lightning.pth");
   every_prefix_fails(CHECKPOINTS "lightning_legacy.pth");
}

static void changed_files_do_no_harm(void **state) {
   (void)state;
   changes_do_no_harm(GOLDEN "tiny.pth", 2);
   changes_do_no_harm(GOLDEN "tiny_legacy.pth", 8);
   changes_do_no_harm(GOLDEN "old.pth", 8);
   changes_do_no_harm(GOLDEN "wrapped_legacy.pth", 2);
   changes_do_no_harm(CHECKPOINTS "lightning_legacy.pth", 2);
   changes_do_no_harm(CHECKPOINTS "average_alone.pth", 1);
}

static void other_content_is_named(void **state) {
   (void)state;
   ScState loaded;
   spill(scratch("page.pth"), "<!DOCTYPE html><html>not found</html>", 37);
   assert_fails(load(scratch("page.pth"), &loaded), SC_EFORMAT, "a web page");
   spill(scratch("noise.pth"), "some text that is long enough", 29);
   assert_fails(load(scratch("noise.pth"), &loaded), SC_EFORMAT, "not a weight file");
   spill(scratch("keras.h5"), "\x89HDF\r\n\x1a\n and then", 17);
   assert_fails(load(scratch("keras.h5"), &loaded), SC_EFORMAT,
                "an HDF5 file, as Keras writes (.h5), which is not read");
   spill(scratch("net.onnx"),
         "\x08\x08\x12\x07pytorch\x1a\x05"
         "2.1.0",
         18);
   assert_fails(load(scratch("net.onnx"), &loaded), SC_EFORMAT, "an ONNX model, which is not read");
   assert_fails(load(scratch("missing.pth"), &loaded), SC_EIO, "No such file");
   assert_fails(load(scratch_folder, &loaded), SC_EIO, "directory");
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(reads_every_dtype_and_stride),
       cmocka_unit_test(reads_wrapped_and_old_files),
       cmocka_unit_test(keeps_the_order_of_the_state_dict),
       cmocka_unit_test(values_are_those_of_the_formula),
       cmocka_unit_test(refuses_with_a_reason),
       cmocka_unit_test(takes_the_tensors_out_of_checkpoints),
       cmocka_unit_test(truncated_files_fail),
       cmocka_unit_test(changed_files_do_no_harm),
       cmocka_unit_test(other_content_is_named),
   };
   return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
