// Batches in the order that was asked for, whatever the number of workers, the bad photos and the moment of
// closing.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>

#include "host/core/device.h"
#include "host/photo/image_decode.h"
#include "host/photo/image_transform.h"
#include "host/photo/loader.h"
#include "tests/c/scratch.h"

#define FOLDER "tests/golden/images/"

enum { CROP = 24, SIZE = CROP * CROP * 3, GOOD = 6, COUNT = 8 };

// The last two are bad; test_* fills in their paths.
static const char *paths[COUNT] = {FOLDER "baseline.jpg", FOLDER "rgba.png",  FOLDER "rgb.bmp",
                                   FOLDER "palette.gif",  FOLDER "exif6.jpg", FOLDER "tiny.png"};
static const int64_t labels[COUNT] = {1, 2, 3, 1, 2, 3, 1, 2};

static ScLoaderConfig config(const int64_t *order, int64_t n, int64_t batch_size, int workers) {
   return (ScLoaderConfig){.count = COUNT,
                           .paths = paths,
                           .labels = labels,
                           .order = order,
                           .order_count = n,
                           .batch_size = batch_size,
                           .preprocess = {.resize = 28,
                                          .crop = CROP,
                                          .mean = {0.485f, 0.456f, 0.406f},
                                          .std = {0.229f, 0.224f, 0.225f}},
                           .workers = workers,
                           .skip_bad = true};
}

// These stand before the C library's. While `starved`, there is no memory for messages.
static atomic_bool starved;
static atomic_int opened; // files, so far

int open(const char *path, int flags, ...) {
   opened++;
   return (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0); // nothing here creates a file
}

char *strdup(const char *text) {
   if (starved && strstr(text, ": ")) return NULL;
   size_t bytes = strlen(text) + 1;
   char *copy = malloc(bytes);
   return copy ? memcpy(copy, text, bytes) : NULL;
}

static int setup(void **state) {
   static char broken[256], missing[256];
   if (scratch_setup(state)) return -1;
   strcpy(broken, scratch("broken.jpg"));
   strcpy(missing, scratch("missing.png"));
   size_t size;
   unsigned char *data = slurp(FOLDER "baseline.jpg", &size);
   spill(broken, data, size / 2);
   free(data);
   paths[GOOD] = broken;
   paths[GOOD + 1] = missing;
   return 0;
}

// What a sample must look like, computed step by step.
static void expected_pixels(int64_t index, float *out) {
   ScLoaderConfig c = config(NULL, 0, 1, 0);
   ScImage photo, fitted;
   assert_ok(sc_image_decode(paths[index], NULL, &photo));
   assert_ok(sc_image_preprocess(&photo, &c.preprocess, &fitted));
   sc_image_to_float(&fitted, c.preprocess.mean, c.preprocess.std, out);
   sc_image_free(&photo);
   sc_image_free(&fitted);
}

static void check_batch(const ScBatch *b, const int64_t *order) {
   int64_t good = 0, bad = 0;
   float expected[SIZE];
   for (int64_t i = 0; i < b->asked; i++) {
      if (order[i] >= GOOD) {
         assert_int_equal(b->bad[bad].index, order[i]);
         assert_non_null(strstr(b->bad[bad].message, paths[order[i]]));
         bad++;
         continue;
      }
      expected_pixels(order[i], expected);
      assert_int_equal(b->indices[good], order[i]);
      assert_int_equal(b->labels[good], labels[order[i]]);
      assert_memory_equal((float *)b->pixels->buffer->data + good * SIZE, expected, sizeof expected);
      good++;
   }
   assert_int_equal(b->n, good);
   assert_int_equal(b->bad_count, bad);
   if (good == 0) {
      assert_null(b->pixels);
      return;
   }
   int64_t shape[] = {good, 3, CROP, CROP};
   assert_int_equal(b->pixels->rank, 4);
   assert_memory_equal(b->pixels->shape, shape, sizeof shape);
}

// Runs to the end and returns the number of batches.
static int run(const ScLoaderConfig *c) {
   ScLoader *loader;
   ScBatch batch;
   int batches = 0;
   int64_t at = 0;
   assert_ok(sc_loader_open(&loader, c));
   for (;; batches++) {
      assert_ok(sc_loader_next(loader, &batch));
      if (batch.asked == 0) break;
      check_batch(&batch, c->order + at);
      at += batch.asked;
      sc_batch_release(&batch);
   }
   assert_int_equal(at, c->order_count);
   assert_ok(sc_loader_next(loader, &batch)); // the end stays the end
   assert_int_equal(batch.asked, 0);
   sc_loader_close(loader);
   return batches;
}

static void test_order(void **state) {
   (void)state;
   enum { N = 101 };
   int64_t order[N];
   for (int i = 0; i < N; i++) order[i] = (i * 5 + i / 7) % COUNT;
   for (int workers = 0; workers <= 5; workers += workers ? 2 : 1)
      for (int depth = 1; depth <= 4; depth += 3)
         for (int64_t batch_size = 1; batch_size <= 128; batch_size = batch_size * 4 + 1) {
            ScLoaderConfig c = config(order, N, batch_size, workers);
            c.depth = depth;
            assert_int_equal(run(&c), (N + batch_size - 1) / batch_size);
         }
}

static void test_last_single(void **state) {
   (void)state;
   int64_t order[] = {0, 1, 2, 3, 4, 5, 0, 1, 2};
   ScLoaderConfig c = config(order, 9, 4, 2);
   assert_int_equal(run(&c), 3);
   c.merge_last_single = true;
   assert_int_equal(run(&c), 2);
   c.workers = 0;
   assert_int_equal(run(&c), 2);
   c.order_count = 8;
   assert_int_equal(run(&c), 2);
   c.order_count = 1; // nothing to merge with
   assert_int_equal(run(&c), 1);
   c.order_count = 0;
   assert_int_equal(run(&c), 0);
}

static void test_all_bad(void **state) {
   (void)state;
   int64_t order[] = {6, 7, 6, 0, 7, 7, 7};
   for (int workers = 0; workers < 3; workers++) {
      ScLoaderConfig c = config(order, 7, 3, workers);
      assert_int_equal(run(&c), 3);
   }
}

static void test_bad_is_an_error(void **state) {
   (void)state;
   int64_t order[] = {0, 1, 7, 6, 2, 3};
   for (int workers = 0; workers < 4; workers++) {
      ScLoaderConfig c = config(order, 6, 2, workers);
      ScLoader *loader;
      ScBatch batch;
      c.skip_bad = false;
      assert_ok(sc_loader_open(&loader, &c));
      assert_ok(sc_loader_next(loader, &batch));
      sc_batch_release(&batch);
      assert_fails(sc_loader_next(loader, &batch), SC_EIO, paths[7]); // the first in order, not in time
      assert_null(batch.pixels);
      assert_ok(sc_loader_next(loader, &batch));
      check_batch(&batch, order + 4);
      sc_batch_release(&batch);
      sc_loader_close(loader);
   }
}

// Closing does not work off what is queued.
static void test_close_in_the_middle(void **state) {
   (void)state;
   enum { N = 100000, ROUNDS = 20, DEPTH = 64, BATCH = 8, MOST = 3 };
   int64_t *order = calloc(N, sizeof *order);
   opened = 0;
   for (int round = 0; round < ROUNDS; round++) {
      ScLoaderConfig c = config(order, N, BATCH, 3);
      ScLoader *loader;
      ScBatch batch;
      c.depth = DEPTH;
      assert_ok(sc_loader_open(&loader, &c));
      for (int i = 0; i < round % (MOST + 1); i++) {
         assert_ok(sc_loader_next(loader, &batch));
         sc_batch_release(&batch);
      }
      sc_loader_close(loader);
   }
   assert_in_range(opened, 1, ROUNDS * (DEPTH + MOST) * BATCH); // of two million photos
   free(order);
   sc_loader_close(NULL);
}

// A batch outlives its loader.
static void test_batch_outlives(void **state) {
   (void)state;
   int64_t order[] = {6, 3, 1};
   ScLoaderConfig c = config(order, 3, 3, 2);
   ScLoader *loader;
   ScBatch batch;
   assert_ok(sc_loader_open(&loader, &c));
   assert_ok(sc_loader_next(loader, &batch));
   sc_loader_close(loader);
   check_batch(&batch, order);
   sc_batch_release(&batch);
}

static void test_out_of_memory(void **state) {
   (void)state;
   int64_t order[] = {0, 1, 6, 2, 3, 4};
   for (int workers = 0; workers < 3; workers++) {
      ScLoaderConfig c = config(order, 6, 3, workers);
      ScLoader *loader;
      ScBatch batch;
      sc_device_flush(sc_device_cpu());
      sc_memory_limit(1);
      assert_ok(sc_loader_open(&loader, &c));
      assert_fails(sc_loader_next(loader, &batch), SC_EMEM, "loader");
      sc_memory_limit(0);
      assert_ok(sc_loader_next(loader, &batch)); // nothing was lost
      check_batch(&batch, order);
      sc_batch_release(&batch);
      assert_ok(sc_loader_next(loader, &batch));
      check_batch(&batch, order + 3);
      sc_batch_release(&batch);
      sc_loader_close(loader);
   }
   assert_int_equal(sc_device_memory(sc_device_cpu()).live, 0);
}

// A sample that memory was short for is not lost: it is loaded again when its batch is asked for, as often as
// that is.
static void test_starved_samples_are_tried_again(void **state) {
   (void)state;
   int64_t order[] = {0, 6, 1, 7}; // what is wrong with 6 and 7 is to be told
   for (int workers = 0; workers < 3; workers++) {
      ScLoaderConfig c = config(order, 4, 4, workers);
      ScLoader *loader;
      ScBatch batch;
      starved = true;
      ScStatus opened = sc_loader_open(&loader, &c), first = sc_loader_next(loader, &batch);
      starved = false;
      assert_ok(opened);
      assert_int_equal(first, SC_EMEM);
      assert_null(batch.pixels);
      assert_ok(sc_loader_next(loader, &batch));
      check_batch(&batch, order);
      sc_batch_release(&batch);
      sc_loader_close(loader);
   }
}

static volatile sig_atomic_t in_main;
static pthread_t main_thread;

static void on_signal(int number) {
   (void)number;
   in_main = pthread_equal(pthread_self(), main_thread) ? 1 : -1;
}

static void test_signals_stay_with_main(void **state) {
   (void)state;
   int64_t order[64] = {0};
   ScLoaderConfig c = config(order, 64, 8, 3);
   ScLoader *loader;
   sigset_t interrupt;
   main_thread = pthread_self();
   signal(SIGINT, on_signal);
   sigemptyset(&interrupt);
   sigaddset(&interrupt, SIGINT);
   assert_ok(sc_loader_open(&loader, &c));
   sigprocmask(SIG_BLOCK, &interrupt, NULL); // were a worker open to it, the kernel would choose that one now
   kill(getpid(), SIGINT);
   nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
   assert_int_equal(in_main, 0);
   sigprocmask(SIG_UNBLOCK, &interrupt, NULL);
   assert_int_equal(in_main, 1);
   signal(SIGINT, SIG_DFL);
   sc_loader_close(loader);
}

// Runs to the end and adds up what came out, position by position, so that every bit counts.
static uint64_t digest(const ScLoaderConfig *c) {
   ScLoader *loader;
   ScBatch batch;
   uint64_t hash = 14695981039346656037u;
   assert_ok(sc_loader_open(&loader, c));
   for (;;) {
      assert_ok(sc_loader_next(loader, &batch));
      if (batch.asked == 0) break;
      const unsigned char *bytes = batch.pixels->buffer->data;
      for (size_t i = 0; i < sc_nbytes(batch.pixels); i++) hash = (hash ^ bytes[i]) * 1099511628211u;
      sc_batch_release(&batch);
   }
   sc_loader_close(loader);
   return hash;
}

static ScLoaderConfig augmented(const int64_t *order, int64_t n, int64_t batch_size, int workers) {
   ScLoaderConfig c = config(order, n, batch_size, workers);
   c.augment = (ScAugment){.crop = true,
                           .crop_scale = sc_crop_scale,
                           .crop_ratio = sc_crop_ratio,
                           .flip = 0.5,
                           .rotate = true,
                           .degrees = {-20, 20},
                           .jitter = {true, true, true, true},
                           .jitter_range = {{0.5, 1.5}, {0.5, 1.5}, {0.5, 1.5}, {-0.1, 0.1}},
                           .policy = SC_POLICY_RAND,
                           .policy_count = 2,
                           .policy_magnitude = 9,
                           .policy_bins = 31,
                           .erase = 0.5,
                           .erase_scale = sc_erase_scale,
                           .erase_ratio = sc_erase_ratio,
                           .erase_noise = true};
   c.seed = 7;
   c.epoch = 2;
   return c;
}

static void test_augmented(void **state) {
   (void)state;
   enum { N = 60 };
   int64_t order[N];
   for (int i = 0; i < N; i++) order[i] = i * 5 % GOOD;
   ScLoaderConfig c = augmented(order, N, 7, 0);
   uint64_t expected = digest(&c);
   for (int workers = 1; workers <= 4; workers *= 2)
      for (int depth = 1; depth <= 4; depth += 3) {
         c = augmented(order, N, 7, workers);
         c.depth = depth;
         assert_true(digest(&c) == expected);
      }
   c.batch_size = 11; // nor do batches matter
   assert_true(digest(&c) == expected);
   c.epoch++;
   assert_true(digest(&c) != expected);
   c.epoch--, c.seed++;
   assert_true(digest(&c) != expected);
}

// A sample looks the same wherever it stands in the order, and its neighbours in the data set do not matter.
static void test_augmented_sample(void **state) {
   (void)state;
   int64_t order[] = {3, 1, 5, 3};
   ScLoaderConfig c = augmented(order, 4, 4, 2);
   ScLoader *loader;
   ScBatch batch;
   float expected[SIZE];
   assert_ok(sc_loader_open(&loader, &c));
   assert_ok(sc_loader_next(loader, &batch));
   const float *pixels = batch.pixels->buffer->data;
   for (int i = 0; i < 4; i++) {
      ScSample sample = {.seed = 7, .epoch = 2, .index = (uint64_t)order[i]};
      assert_ok(sc_augment_load(paths[order[i]], NULL, &c.preprocess, &c.augment, &sample, expected, NULL));
      assert_memory_equal(pixels + i * SIZE, expected, sizeof expected);
   }
   sc_batch_release(&batch);
   sc_loader_close(loader);
}

// What the bytes of a batch become: normalised, and erased where that is left to do.
static void finish_late(const ScLoaderConfig *c, const ScBatch *bytes, float *to) {
   ScImage all = {CROP, CROP * (int)bytes->n, bytes->pixels->buffer->data};
   sc_image_to_float(&all, c->preprocess.mean, c->preprocess.std, to);
   for (int64_t i = 0; bytes->holes && i < bytes->n; i++)
      for (int y = 0; y < bytes->holes[i].height; y++)
         for (int x = 0; x < 3 * bytes->holes[i].width; x++)
            to[i * SIZE + 3 * (CROP * (bytes->holes[i].y + y) + bytes->holes[i].x) + x] =
                c->augment.erase_value[x % 3];
}

// Bytes are what the floats are made of, bit for bit, augmented or not; erasing with noise needs the floats.
static void test_late_normalize(void **state) {
   (void)state;
   int64_t order[] = {3, 6, 1, 5, 0}; // one is bad, so that those behind it move up
   for (int round = 0; round < 6; round++) {
      ScLoaderConfig c = round < 3 ? config(order, 5, 5, round) : augmented(order, 5, 5, round - 3);
      ScLoader *late, *early;
      ScBatch bytes, floats;
      if (round != 3) c.augment.erase = 0;
      c.augment.erase_noise = false;
      assert_ok(sc_loader_open(&early, &c));
      c.late_normalize = true;
      assert_ok(sc_loader_open(&late, &c));
      assert_ok(sc_loader_next(early, &floats));
      assert_ok(sc_loader_next(late, &bytes));
      assert_int_equal(bytes.n, 4);
      assert_int_equal(bytes.bad_count, 1);
      assert_int_equal(bytes.pixels->dtype, SC_U8);
      assert_true(sc_same_shape(bytes.pixels, floats.pixels));
      assert_true((bytes.holes != NULL) == (round == 3));
      float expected[4 * SIZE];
      finish_late(&c, &bytes, expected);
      assert_memory_equal(floats.pixels->buffer->data, expected, sizeof expected);
      sc_batch_release(&bytes);
      sc_batch_release(&floats);
      sc_loader_close(late);
      sc_loader_close(early);
   }
   ScLoaderConfig c = augmented(order, 5, 5, 0);
   assert_true(c.augment.erase > 0);
   c.augment.erase_noise = true;
   uint64_t expected = digest(&c);
   c.late_normalize = true;
   assert_true(digest(&c) == expected);
}

static void test_bad_configuration(void **state) {
   (void)state;
   int64_t order[] = {0, COUNT};
   ScLoader *loader;
   ScLoaderConfig c = config(order, 2, 2, 1);
   assert_fails(sc_loader_open(&loader, &c), SC_EARG, "order: entry 2 is sample 9 of 8");
   c.order_count = 1, c.batch_size = 0;
   assert_fails(sc_loader_open(&loader, &c), SC_EARG, "batch_size");
   c.batch_size = 1, c.workers = -1;
   assert_fails(sc_loader_open(&loader, &c), SC_EARG, "workers");
   c.workers = 0, c.preprocess.crop = 0;
   assert_fails(sc_loader_open(&loader, &c), SC_EARG, "crop");
   c.preprocess.crop = 4, c.preprocess.std[1] = 0;
   assert_fails(sc_loader_open(&loader, &c), SC_EARG, "loader: std");
   c = config(order, 1, 1, 0);
   c.augment.flip = 2;
   assert_fails(sc_loader_open(&loader, &c), SC_EARG, "loader: horizontal_flip");
   c.augment.flip = 0, c.epoch = 1 << 24;
   assert_fails(sc_loader_open(&loader, &c), SC_EARG, "loader: epoch");
   c = config(order, 1, 1, 0);
   c.count = 0;
   assert_fails(sc_loader_open(&loader, &c), SC_EARG, "path");
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(test_order),
       cmocka_unit_test(test_last_single),
       cmocka_unit_test(test_all_bad),
       cmocka_unit_test(test_bad_is_an_error),
       cmocka_unit_test(test_close_in_the_middle),
       cmocka_unit_test(test_batch_outlives),
       cmocka_unit_test(test_out_of_memory),
       cmocka_unit_test(test_starved_samples_are_tried_again),
       cmocka_unit_test(test_signals_stay_with_main),
       cmocka_unit_test(test_augmented),
       cmocka_unit_test(test_augmented_sample),
       cmocka_unit_test(test_late_normalize),
       cmocka_unit_test(test_bad_configuration),
   };
   return cmocka_run_group_tests(tests, setup, scratch_teardown);
}
