// Decoding threads share one budget of memory: in turn, never more than there is, and with the same pixels in
// the same order as without one.
#include "host/photo/budget.h"

#include <pthread.h>
#include <sched.h>

#include "host/photo/image_decode.h"
#include "host/photo/loader.h"
#include "tests/c/exif.h"
#include "tests/c/heap.h"
#include "tests/c/photos.h"
#include "tests/c/scratch.h"

// ---- turns ----

typedef struct {
   size_t bytes;
   atomic_bool taken, done;
   const atomic_bool *given_up;
   pthread_t thread;
} Taker;

static void *take(void *argument) {
   Taker *t = argument;
   t->taken = sc_budget_take(SC_BUDGET_PIXELS, t->bytes, t->given_up);
   t->done = true;
   return NULL;
}

static void begin(Taker *t) {
   assert_int_equal(pthread_create(&t->thread, NULL, take, t), 0);
}

static void end(Taker *t) {
   assert_int_equal(pthread_join(t->thread, NULL), 0);
}

// Until `t` waits too, as the last of so many.
static void await(const Taker *t, int waiting) {
   while (sc_budget_use(SC_BUDGET_PIXELS).waiting != waiting) {
      if (t->done) fail_msg("it was expected to wait for its turn");
      sched_yield();
   }
}

static size_t pixels_taken(void) {
   return sc_budget_use(SC_BUDGET_PIXELS).taken;
}

// Of 400 bytes, 300 are for pixels. A small one that would fit does not pass a large one.
static void test_first_come_first_served(void **state) {
   (void)state;
   Taker large = {.bytes = 200}, small = {.bytes = 50};
   sc_budget_set(400);
   assert_true(sc_budget_take(SC_BUDGET_PIXELS, 200, NULL));
   begin(&large);
   await(&large, 1);
   begin(&small);
   await(&small, 2);
   sc_budget_give(SC_BUDGET_PIXELS, 200);
   end(&large);
   end(&small);
   assert_true(large.taken && small.taken);
   assert_int_equal(sc_budget_use(SC_BUDGET_PIXELS).most, 250);
   sc_budget_give(SC_BUDGET_PIXELS, 250);
}

// What is larger than the budget waits until it is alone, and nobody starts beside it.
static void test_alone(void **state) {
   (void)state;
   Taker huge = {.bytes = 1000}, small = {.bytes = 1};
   sc_budget_set(400);
   assert_true(sc_budget_take(SC_BUDGET_PIXELS, 10, NULL));
   assert_true(sc_budget_take(SC_BUDGET_PIXELS, 20, NULL));
   begin(&huge);
   await(&huge, 1);
   sc_budget_give(SC_BUDGET_PIXELS, 10);
   begin(&small);
   await(&small, 2);
   sc_budget_give(SC_BUDGET_PIXELS, 20);
   end(&huge);
   await(&small, 1);
   assert_int_equal(pixels_taken(), 1000);
   sc_budget_give(SC_BUDGET_PIXELS, 1000);
   end(&small);
   assert_int_equal(pixels_taken(), 1);
   sc_budget_give(SC_BUDGET_PIXELS, 1);
}

// Who gives up lets the next one pass.
static void test_given_up(void **state) {
   (void)state;
   atomic_bool given_up = false;
   Taker first = {.bytes = 300, .given_up = &given_up}, second = {.bytes = 100};
   sc_budget_set(400);
   assert_true(sc_budget_take(SC_BUDGET_PIXELS, 200, NULL));
   begin(&first);
   await(&first, 1);
   begin(&second);
   await(&second, 2);
   given_up = true;
   sc_budget_wake();
   end(&first);
   end(&second);
   assert_false(first.taken);
   assert_true(second.taken);
   assert_int_equal(pixels_taken(), 300);
   sc_budget_give(SC_BUDGET_PIXELS, 300);
}

static void test_no_end_of_it(void **state) {
   (void)state;
   sc_budget_set(0);
   for (int i = 0; i < 3; i++) assert_true(sc_budget_take(SC_BUDGET_FILES, SIZE_MAX / 4, NULL));
   for (int i = 0; i < 3; i++) sc_budget_give(SC_BUDGET_FILES, SIZE_MAX / 4);
   sc_budget_set(1); // one at a time, whatever it takes
   assert_true(sc_budget_take(SC_BUDGET_FILES, 1000, NULL));
   sc_budget_give(SC_BUDGET_FILES, 1000);
   sc_budget_set(0);
}

// ---- what is taken is what decoding takes ----

static const float mean[3] = {0.485f, 0.456f, 0.406f}, deviation[3] = {0.229f, 0.224f, 0.225f};
static const ScPreprocess preprocess = {.resize = 64, .crop = 56, .mean = {0}, .std = {1, 1, 1}};

// For evaluation, on a square, and as random crops.
static void load_each_way(const char *path) {
   float *out = malloc(56 * 56 * 3 * sizeof *out);
   ScPreprocess square = preprocess;
   square.pad_square = true;
   ScAugment none = {0}, crops = {.crop = true, .crop_scale = {0.5, 1}, .crop_ratio = sc_crop_ratio};
   const struct {
      const ScPreprocess *preprocess;
      const ScAugment *augment;
   } ways[] = {{&preprocess, &none}, {&square, &none}, {&preprocess, &crops}, {&square, &crops}};
   for (uint64_t i = 0; i < 6; i++) {
      ScSample sample = {.seed = 1, .epoch = 1, .index = i};
      size_t before = live;
      sc_budget_set(0);
      most = before;
      assert_ok(sc_augment_load(path, NULL, ways[i % 4].preprocess, ways[i % 4].augment, &sample, out, NULL));
      size_t said = sc_budget_use(SC_BUDGET_FILES).most + sc_budget_use(SC_BUDGET_PIXELS).most,
             taken = most - before;
      if (taken > said) fail_msg("%s, way %d: %zu bytes were taken, %zu said", path, (int)i % 4, taken, said);
      if (taken > 1 << 20 && said > 4 * taken)
         fail_msg("%s, way %d: %zu bytes were taken, far fewer than %zu", path, (int)i % 4, taken, said);
      assert_int_equal(live, before);
   }
   assert_int_equal(pixels_taken() + sc_budget_use(SC_BUDGET_FILES).taken, 0);
   free(out);
}

static void load_content(const char *name, Content file) {
   const char *path = scratch(name);
   spill(path, file.data, file.size);
   free(file.data);
   load_each_way(path);
}

static void test_png_memory(void **state) {
   (void)state;
   static const PngKind kinds[] = {{.depth = 1, .type = 0}, {.depth = 8, .type = 0},  {.depth = 16, .type = 0},
                                   {.depth = 8, .type = 2}, {.depth = 16, .type = 2}, {.depth = 2, .type = 3},
                                   {.depth = 8, .type = 4}, {.depth = 8, .type = 6},  {.depth = 16, .type = 6}};
   for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
      for (int interlaced = 0; interlaced < 2; interlaced++)
         for (uint32_t seed = 0; seed < 2; seed++) {
            PngKind k = {500, 300, kinds[i].depth, kinds[i].type, interlaced};
            char name[64];
            snprintf(name, sizeof name, "depth%d_type%d_interlaced%d_seed%d.png", k.depth, k.type, interlaced,
                     (int)seed);
            load_content(name, make_png(k, length_of(k), seed));
         }
}

// On its side, and without the end of the file.
static void test_turned_png_memory(void **state) {
   (void)state;
   unsigned char exif[64];
   uint32_t size = (uint32_t)make_exif((ExifKind){.orientation = 6, .type = 3}, exif);
   for (uint32_t seed = 0; seed < 2; seed++) {
      PngKind k = {500, 300, 8, 2, false};
      Content png = begin_png(k);
      put_chunk(&png, "eXIf", exif, size);
      put_rows(&png, length_of(k), seed, 1000, false);
      load_content("turned.png", png);
   }
}

static void test_jpeg_memory(void **state) {
   (void)state;
   for (int components = 1; components <= 4; components += components == 1 ? 2 : 1)
      for (int sampling = 0; sampling < 2; sampling++)
         for (int kind = 0; kind < 2; kind++)
            for (int orientation = 0; orientation <= 6; orientation += 6) {
               JpegKind k = {.width = 700, .height = 500, .components = components, .across = 1 << sampling};
               k.down = k.across, k.progressive = kind == 1, k.arithmetic = kind == 1 && components == 1;
               k.orientation = orientation, k.seed = kind + 1;
               char name[96];
               snprintf(name, sizeof name, "components%d_sampling%d_kind%d_orientation%d.jpg", components,
                        sampling, kind, orientation);
               load_content(name, make_jpeg(k));
            }
}

// A gray ramp of 700 x 400 pixels.
static void test_bmp_and_gif_memory(void **state) {
   (void)state;
   enum { WIDTH = 700, HEIGHT = 400, HEAD = 54 };
   Content bmp = {calloc(HEAD + WIDTH * HEIGHT * 3, 1), HEAD + WIDTH * HEIGHT * 3};
   memcpy(bmp.data, "BM", 2);
   bmp.data[10] = HEAD, bmp.data[14] = 40, bmp.data[26] = 1, bmp.data[28] = 24;
   memcpy(bmp.data + 18, (int32_t[]){WIDTH, HEIGHT}, 8);
   load_content("plain.bmp", bmp);
   static const unsigned char head[] =
       "GIF87a\xbc\2\x90\1\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\xbc\2\x90\1\0\2\2\x4c\1\0;";
   Content gif = {malloc(sizeof head - 1), sizeof head - 1};
   memcpy(gif.data, head, gif.size);
   load_content("plain.gif", gif);
}

// The square that a long photo is put on has a fixed limit, which is told before anything is decoded.
static void test_square(void **state) {
   (void)state;
   JpegKind k = {.width = 20001, .height = 1, .components = 1, .across = 1, .down = 1};
   Content file = make_jpeg(k);
   const char *path = scratch("long.jpg");
   spill(path, file.data, file.size);
   free(file.data);
   ScPreprocess square = preprocess;
   square.pad_square = true;
   ScSample sample = {.seed = 1, .epoch = 1, .index = 1};
   float *out = malloc(56 * 56 * 3 * sizeof *out);
   for (int crop = 0; crop < 2; crop++) {
      ScAugment augment = {.crop = crop, .crop_scale = sc_crop_scale, .crop_ratio = sc_crop_ratio};
      assert_fails(sc_augment_load(path, NULL, &square, &augment, &sample, out, NULL), SC_EARG, "is too large");
      assert_ok(sc_augment_load(path, NULL, &preprocess, &augment, &sample, out, NULL));
   }
   free(out);
}

// ---- loaders ----

enum { PHOTOS = 16, CROP = 56 };

static const char *photos[PHOTOS];

static int setup(void **state) {
   static char names[PHOTOS][96];
   if (scratch_setup(state)) return -1;
   for (int i = 0; i < PHOTOS; i++) {
      Content file;
      if (i % 2) {
         PngKind k = {300 + 20 * i, 200, 8, 2, i % 4 == 1};
         file = make_png(k, length_of(k), (uint32_t)i);
      } else {
         file = make_jpeg((JpegKind){.width = 300 + 20 * i,
                                     .height = 200,
                                     .components = 3,
                                     .across = 2,
                                     .down = 2,
                                     .progressive = i % 4 == 0,
                                     .seed = (uint32_t)i + 1});
      }
      snprintf(names[i], sizeof names[i], "%s%d", scratch(i % 2 ? "photo.png" : "photo.jpg"), i);
      spill(names[i], file.data, file.size);
      free(file.data);
      photos[i] = names[i];
   }
   return 0;
}

static ScLoaderConfig config(const int64_t *order, int64_t n, int workers) {
   ScLoaderConfig c = {.count = PHOTOS, .paths = photos, .order = order, .order_count = n, .batch_size = 5};
   c.preprocess = preprocess;
   memcpy(c.preprocess.mean, mean, sizeof mean);
   memcpy(c.preprocess.std, deviation, sizeof deviation);
   c.workers = workers;
   return c;
}

static uint64_t digest(int workers) {
   enum { N = 64 };
   int64_t order[N];
   for (int i = 0; i < N; i++) order[i] = i * 7 % PHOTOS;
   ScLoaderConfig c = config(order, N, workers);
   ScLoader *loader;
   ScBatch batch;
   uint64_t hash = 14695981039346656037u;
   int64_t at = 0;
   assert_ok(sc_loader_open(&loader, &c));
   for (;; sc_batch_release(&batch)) {
      assert_ok(sc_loader_next(loader, &batch));
      if (batch.asked == 0) break;
      assert_int_equal(batch.n, batch.asked);
      for (int64_t i = 0; i < batch.n; i++) assert_int_equal(batch.indices[i], order[at++]);
      const unsigned char *bytes = batch.pixels->buffer->data;
      for (size_t i = 0; i < sc_nbytes(batch.pixels); i++) hash = (hash ^ bytes[i]) * 1099511628211u;
   }
   assert_int_equal(at, N);
   sc_loader_close(loader);
   return hash;
}

// The most that one photo takes of a part.
static size_t largest(ScBudgetPart part) {
   size_t found = 0;
   for (int i = 0; i < PHOTOS; i++) {
      int64_t order = i;
      ScLoaderConfig c = config(&order, 1, 0);
      ScLoader *loader;
      ScBatch batch;
      sc_budget_set(0);
      assert_ok(sc_loader_open(&loader, &c));
      assert_ok(sc_loader_next(loader, &batch));
      sc_batch_release(&batch);
      sc_loader_close(loader);
      if (sc_budget_use(part).most > found) found = sc_budget_use(part).most;
   }
   return found;
}

static void test_never_more_than_the_budget(void **state) {
   (void)state;
   size_t one = largest(SC_BUDGET_PIXELS), file = largest(SC_BUDGET_FILES);
   sc_budget_set(0);
   uint64_t expected = digest(0);
   for (int workers = 1; workers <= 16; workers *= 4)
      for (size_t budget = 1; budget < 20 * one; budget = budget * 4 + one / 2) {
         sc_budget_set(budget);
         assert_true(digest(workers) == expected);
         ScBudgetUse pixels = sc_budget_use(SC_BUDGET_PIXELS), files = sc_budget_use(SC_BUDGET_FILES);
         size_t of_files = budget / 4, of_pixels = budget - budget / 4;
         assert_in_range(pixels.most, 1, of_pixels > one ? of_pixels : one); // more only alone
         assert_in_range(files.most, 1, of_files > file ? of_files : file);
         assert_int_equal(pixels.taken + files.taken + (size_t)pixels.waiting + (size_t)files.waiting, 0);
      }
   sc_budget_set(0);
}

// Two loaders and a single photo at a time draw on the same budget.
static void *decode_all(void *argument) {
   for (int i = 0; i < PHOTOS; i++) {
      ScImage image;
      *(ScStatus *)argument = sc_image_decode(photos[i], NULL, &image);
      if (*(ScStatus *)argument) break;
      sc_image_free(&image);
   }
   return NULL;
}

static void test_one_budget_for_all(void **state) {
   (void)state;
   size_t one = largest(SC_BUDGET_PIXELS);
   sc_budget_set(0);
   uint64_t expected = digest(0);
   ScStatus status = SC_EARG;
   int64_t order[PHOTOS];
   for (int i = 0; i < PHOTOS; i++) order[i] = PHOTOS - 1 - i;
   ScLoaderConfig c = config(order, PHOTOS, 3);
   ScLoader *other;
   pthread_t thread;
   sc_budget_set(one + one / 2);
   assert_ok(sc_loader_open(&other, &c));
   assert_int_equal(pthread_create(&thread, NULL, decode_all, &status), 0);
   assert_true(digest(4) == expected);
   pthread_join(thread, NULL);
   assert_int_equal(status, SC_OK);
   sc_loader_close(other);
   assert_in_range(sc_budget_use(SC_BUDGET_PIXELS).most, 1, one + one / 2);
   sc_budget_set(0);
}

// Threads that wait for memory, which the test holds, do not keep a loader from closing.
static void test_close_while_threads_wait(void **state) {
   (void)state;
   int64_t order[PHOTOS] = {0};
   for (int part = 0; part < 2; part++)
      for (int workers = 1; workers <= 8; workers *= 2) {
         ScLoaderConfig c = config(order, PHOTOS, workers);
         ScLoader *loader;
         sc_budget_set(1);
         assert_true(sc_budget_take((ScBudgetPart)part, 1, NULL));
         assert_ok(sc_loader_open(&loader, &c));
         while (sc_budget_use((ScBudgetPart)part).waiting == 0) sched_yield();
         sc_loader_close(loader);
         sc_budget_give((ScBudgetPart)part, 1);
         for (int i = 0; i < 2; i++) assert_int_equal(sc_budget_use((ScBudgetPart)i).taken, 0);
      }
   sc_budget_set(0);
}

int main(void) {
   alarm(120); // who waits in vain has failed
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(test_first_come_first_served),
       cmocka_unit_test(test_alone),
       cmocka_unit_test(test_given_up),
       cmocka_unit_test(test_no_end_of_it),
       cmocka_unit_test(test_png_memory),
       cmocka_unit_test(test_turned_png_memory),
       cmocka_unit_test(test_jpeg_memory),
       cmocka_unit_test(test_bmp_and_gif_memory),
       cmocka_unit_test(test_square),
       cmocka_unit_test(test_never_more_than_the_budget),
       cmocka_unit_test(test_one_budget_for_all),
       cmocka_unit_test(test_close_while_threads_wait),
   };
   return cmocka_run_group_tests(tests, setup, scratch_teardown);
}
