// Memory that runs out while a file is read or written is told as that, wherever it happens, and never as a
// fault of the file: each allocation on the way fails once. What can do without gives the same as ever.
#include "host/core/call.h"
#include "host/core/device.h"
#include "host/core/retry.h"
#include "host/files/safetensors_write.h"
#include "host/files/save.h"
#include "host/photo/image_decode.h"

#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/c/damage.h"
#include "tests/c/heap.h"

// Saving a thousand times need not wait for the disk.
int fsync(int fd) {
   (void)fd;
   return 0;
}

// Works with the n-th allocation failing. False where there are fewer than n.
static bool starve(int n, ScStatus (*work)(const char *path), const char *path, ScStatus *status) {
   seen = 0, failed = false, fails_at = n;
   *status = work(path);
   fails_at = 0;
   return failed;
}

static void starve_each(ScStatus (*read)(const char *path), const char *path) {
   assert_ok(read(path)); // whatever is made once is made now
   ScStatus status;
   for (int n = 1; starve(n, read, path, &status); n++)
      if (status != SC_EMEM && status != SC_OK)
         fail_msg("%s: allocation %d: status %d, %s", path, n, status, sc_error());
   assert_int_equal(status, SC_OK);
}

// ---- what is read ----

static ScImage expected;

static ScStatus read_photo(const char *path) {
   ScImage image;
   ScStatus status = sc_image_decode(path, NULL, &image);
   if (status) return status;
   size_t bytes = (size_t)image.width * (size_t)image.height * 3;
   if (image.width != expected.width || image.height != expected.height ||
       memcmp(image.rgb, expected.rgb, bytes) != 0)
      status = sc_fail(SC_EFORMAT, "another picture");
   sc_image_free(&image);
   return status;
}

static ScStatus read_weights(const char *path) {
   ScState state = {0};
   ScFormat format;
   ScStatus status = sc_weights_load(path, sc_device_cpu(), &state, &format);
   sc_state_free(&state);
   return status;
}

static void read_each(const char *pattern) {
   glob_t found;
   assert_int_equal(glob(pattern, 0, NULL, &found), 0);
   for (size_t i = 0; i < found.gl_pathc; i++) {
      assert_ok(sc_image_decode(found.gl_pathv[i], NULL, &expected));
      starve_each(read_photo, found.gl_pathv[i]);
      sc_image_free(&expected);
   }
   globfree(&found);
}

// Not here: HEIC and AVIF, whose libraries are C++ that lack of memory ends; they are called where there is
// enough (see sc_image_check_memory).
static void photos(void **state) {
   (void)state;
   read_each("tests/golden/images/*.jpg");
   read_each("tests/golden/images/*.png");
   read_each("tests/golden/images/*.gif");
   read_each("tests/golden/images/*.bmp");
}

enum { IS_FINE, IS_OVER, IS_WRONG };

static int starve_in_child(int n, const char *path) {
   fflush(NULL);
   pid_t child = fork();
   if (child == 0) {
      ScStatus status;
      setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
      signal(SIGSEGV, SIG_DFL); // cmocka would go on from there
      bool there = starve(n, read_photo, path, &status);
      _exit(!there ? IS_OVER : status == SC_EMEM || status == SC_OK ? IS_FINE : IS_WRONG);
   }
   int how;
   assert_int_equal(waitpid(child, &how, 0), child);
   return WIFEXITED(how) ? WEXITSTATUS(how) : IS_FINE;
}

// libtiff 4.5 and libwebp 1.2 do not look at each allocation and crash at some: that takes a process of its
// own, and is as good as memory that nobody could have told of.
static void photos_of_libraries(void **state) {
   (void)state;
   static const char *const patterns[] = {"*.webp",    "gray.tif",   "palette.tif",   "jpeg.tif",
                                          "tiles.tif", "strips.tif", "rgb_tiff_*.tif"};
   for (size_t k = 0; k < sizeof patterns / sizeof *patterns; k++) {
      char pattern[64];
      glob_t found;
      snprintf(pattern, sizeof pattern, "tests/golden/readers/%s", patterns[k]);
      assert_int_equal(glob(pattern, 0, NULL, &found), 0);
      for (size_t i = 0; i < found.gl_pathc; i++) {
         if (sc_image_decode(found.gl_pathv[i], NULL, &expected)) continue; // a library that is not there
         int how = IS_FINE, n = 1;
         while ((how = starve_in_child(n, found.gl_pathv[i])) == IS_FINE) n++;
         if (how != IS_OVER)
            fail_msg("%s: allocation %d: called damaged, or another picture", found.gl_pathv[i], n);
         sc_image_free(&expected);
      }
      globfree(&found);
   }
}

static void weights(void **state) {
   (void)state;
   starve_each(read_weights, "tests/golden/pth/tiny.safetensors");
   starve_each(read_weights, "tests/golden/pth/zip.pth");
   starve_each(read_weights, "tests/golden/pth/legacy.pth");
}

// ---- what is written ----

static ScState written;

static void add(const char *name, ScDtype dtype, int rank, const int64_t *shape, double value) {
   ScTensor *t;
   assert_ok(sc_tensor_new(&t, test_device(), dtype, rank, shape));
   assert_ok(sc_tensor_fill(t, value));
   assert_ok(sc_state_add(&written, name, t));
}

static void make_state(void) {
   char name[32];
   for (int i = 0; i < 12; i++) { // enough for jansson's tables to grow
      snprintf(name, sizeof name, "layer%d.weight", i);
      add(name, SC_F32, 4, (int64_t[]){4, 3, 3, 2}, i);
   }
   add("half", SC_F16, 2, (int64_t[]){3, 5}, 0.5);
   add("count", SC_I64, 0, NULL, 7);
   assert_ok(sc_state_annotate(&written, "classes", "[\"green\",\"loggerhead\"]"));
   assert_ok(sc_state_annotate(&written, "architecture", "resnet18"));
}

static ScStatus write_plain(const char *path) {
   return sc_safetensors_write(path, &written);
}

static ScStatus write_sealed(const char *path) {
   return sc_safetensors_write_sealed(path, &written);
}

static ScStatus write_later(const char *path) {
   ScSave *save;
   SC_TRY(sc_save_begin(&save, path, &written));
   return sc_save_end(save, NULL);
}

static void assert_written(const char *path, int n) {
   ScState found;
   if (load(path, &found) != SC_OK) fail_msg("allocation %d: written, and not readable: %s", n, sc_error());
   assert_same_state(&written, &found);
   assert_int_equal(found.n, written.n);
   for (int i = 0; i < found.n; i++) assert_string_equal(found.entries[i].name, written.entries[i].name);
   const ScMetadata *metadata = found.metadata + found.nmetadata - 2; // behind a checksum, where there is one
   for (int i = 0; i < 2; i++) {
      assert_string_equal(metadata[i].key, written.metadata[i].key);
      assert_string_equal(metadata[i].value, written.metadata[i].value);
   }
   sc_state_free(&found);
}

static void assert_untouched(const char *path) {
   size_t size;
   unsigned char *bytes = slurp(path, &size);
   assert_int_equal(size, 3);
   assert_memory_equal(bytes, "old", 3);
   free(bytes);
}

static void each_save_is_right_or_told(ScStatus (*save)(const char *path)) {
   const char *path = scratch("saved.safetensors");
   assert_ok(save(path));
   ScStatus status;
   int n = 1;
   for (bool short_of_it = true; short_of_it; n++) {
      spill(path, "old", 3);
      short_of_it = starve(n, save, path, &status);
      if (status == SC_OK)
         assert_written(path, n);
      else if (status == SC_EMEM && strstr(sc_error(), "out of memory"))
         assert_untouched(path);
      else
         fail_msg("allocation %d: status %d, %s", n, status, sc_error());
      assert_int_equal(scratch_count("tmp"), 0);
   }
   assert_int_equal(status, SC_OK);
}

static void saves(void **state) {
   (void)state;
   make_state();
   each_save_is_right_or_told(write_plain);
   each_save_is_right_or_told(write_sealed);
   each_save_is_right_or_told(write_later);
   sc_state_free(&written);
}

// ---- what an op changes for good ----

static int changes;

static ScStatus infer(ScCall *c) {
   return sc_describe(c, 0, SC_F32, c->in[0]->rank, c->in[0]->shape);
}

static ScStatus change(ScCall *c) {
   c->committed = c->may_commit;
   changes += c->committed;
   return SC_OK;
}

static ScStatus change_late(ScCall *c) {
   (void)c;
   changes++;
   return SC_OK;
}

static const ScParam params[] = {{.name = "x", .kind = SC_TENSOR}};
SC_OP(changing, SC_PARAMS(params), .differentiable = true, .infer = infer, .commit = change_late)
SC_KERNEL(cpu, changing, .dtypes = 1u << SC_F32, .forward = change)

static ScStatus apply_changing(void *x) {
   ScTensor *y;
   SC_TRY(sc_apply(&y, "changing", 1, (ScTensor **)&x, NULL, 0));
   sc_tensor_release(y);
   return SC_OK;
}

// Memory that runs out once, or for good.
static void check_changes(ScTensor *x, int n, bool for_good) {
   changes = 0, seen = 0, failed = false, fails_at = n, fails_on = for_good;
   ScStatus status = sc_with_retry(apply_changing, x);
   fails_at = 0, fails_on = false;
   if (changes != (status == SC_OK) && !(changes == 1 && status != SC_EMEM))
      fail_msg("allocation %d: %d changes, status %d: %s", n, changes, status, sc_error());
}

static void changes_happen_once(void **state) {
   (void)state;
   ScTensor *x;
   assert_ok(sc_tensor_new(&x, sc_device_cpu(), SC_F32, 1, (int64_t[]){3}));
   x->requires_grad = true;
   for (int for_good = 0; for_good < 2; for_good++) {
      int n = 1;
      do check_changes(x, n, for_good);
      while (failed && n++ < 100);
      assert_in_range(n, 5, 50);
   }
   sc_tensor_release(x);
}

int main(void) {
   const struct CMUnitTest tests[] = {cmocka_unit_test(photos), cmocka_unit_test(photos_of_libraries),
                                      cmocka_unit_test(weights), cmocka_unit_test(saves),
                                      cmocka_unit_test(changes_happen_once)};
   return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
