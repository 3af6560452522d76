// Masks in COCO's form: the pixels that pycocotools says, any part of them alone, and nothing but a message for
// whatever is damaged.
#include "host/photo/mask.h"

#include <math.h>

#include "tests/c/scratch.h"

// What has the pixels of a whole photo.
static unsigned char *draw_whole(const ScMask *mask, int width, int height) {
   unsigned char *out = malloc((size_t)width * (size_t)height);
   assert_ok(sc_mask_draw(mask, width, height, &(ScRect){0, 0, width, height}, out));
   return out;
}

static char *text_of(const unsigned char *pixels, size_t count) {
   int64_t *runs = calloc(count + 1, sizeof *runs);
   size_t n = 1;
   for (size_t i = 0; i < count; i++) {
      if (pixels[i] != (n + 1) % 2) n++;
      runs[n - 1]++;
   }
   char *text = malloc(SC_MASK_DIGITS * n + 1);
   text[sc_mask_text(runs, n, (unsigned char *)text)] = 0;
   free(runs);
   return text;
}

static int below(uint32_t *seed, int n) {
   *seed = *seed * 1664525 + 1013904223;
   return (int)((uint64_t)*seed * (uint64_t)n >> 32);
}

static void expect_parts(const ScMask *mask, int width, int height, const unsigned char *whole) {
   uint32_t seed = (uint32_t)(width * 1000 + height);
   for (int i = 0; i < 8; i++) {
      int x = below(&seed, width), y = below(&seed, height);
      ScRect p = {x, y, 1 + below(&seed, width - x), 1 + below(&seed, height - y)};
      unsigned char *part = malloc((size_t)p.width * (size_t)p.height);
      assert_ok(sc_mask_draw(mask, width, height, &p, part));
      for (int column = 0; column < p.width; column++)
         assert_memory_equal(part + column * p.height, whole + (p.x + column) * height + p.y, (size_t)p.height);
      free(part);
   }
}

// ---- golden ----

typedef struct {
   double numbers[4096];
   int64_t runs[65536];
   char text[65536];
   int width, height;
} Case;

static void read_polygons(FILE *list, Case *c, size_t *count) {
   int polygons, n;
   *count = 0;
   assert_int_equal(fscanf(list, "%d %d %d", &c->width, &c->height, &polygons), 3);
   for (int i = 0; i < polygons; i++) {
      assert_int_equal(fscanf(list, "%d", &n), 1);
      c->numbers[(*count)++] = n;
      for (int k = 0; k < n; k++) assert_int_equal(fscanf(list, "%lf", &c->numbers[(*count)++]), 1);
   }
   assert_int_equal(fscanf(list, "%65535s", c->text), 1);
}

static void expect_text(const ScMask *mask, const Case *c) {
   unsigned char *whole = draw_whole(mask, c->width, c->height);
   char *text = text_of(whole, (size_t)c->width * (size_t)c->height);
   assert_string_equal(text, c->text);
   expect_parts(mask, c->width, c->height, whole);
   free(text);
   free(whole);
}

static void expect_runs(FILE *list, Case *c) {
   size_t n;
   assert_int_equal(fscanf(list, "%d %d %65535s %zu", &c->width, &c->height, c->text, &n), 4);
   for (size_t i = 0; i < n; i++) assert_int_equal(fscanf(list, "%ld", &c->runs[i]), 1);
   expect_text(&(ScMask){SC_MASK_TEXT, c->width, c->height, c->text, strlen(c->text)}, c);
   expect_text(&(ScMask){SC_MASK_COUNTS, c->width, c->height, c->runs, n}, c);
}

static void test_golden(void **state) {
   (void)state;
   Case *c = malloc(sizeof *c);
   FILE *list = fopen("tests/golden/masks.txt", "r");
   char kind[16];
   int polygons = 0, runs = 0;
   size_t count;
   assert_non_null(list);
   while (fscanf(list, "%15s", kind) == 1) {
      if (strcmp(kind, "runs") == 0) {
         expect_runs(list, c);
         runs++;
         continue;
      }
      read_polygons(list, c, &count);
      expect_text(&(ScMask){.kind = SC_MASK_POLYGONS, .data = c->numbers, .count = count}, c);
      polygons++;
   }
   assert_true(polygons >= 100 && runs >= 20);
   fclose(list);
   free(c);
}

// ---- damage ----

static ScStatus draw(const ScMask *mask, int width, int height) {
   unsigned char *out = malloc((size_t)width * (size_t)height);
   ScStatus status = sc_mask_draw(mask, width, height, &(ScRect){0, 0, width, height}, out);
   free(out);
   return status;
}

static ScStatus draw_counts(const int64_t *runs, size_t n) {
   return draw(&(ScMask){SC_MASK_COUNTS, 10, 8, runs, n}, 10, 8);
}

static void test_counts(void **state) {
   (void)state;
   assert_ok(draw_counts((int64_t[]){80}, 1));
   assert_ok(draw_counts((int64_t[]){0, 80}, 2));
   assert_ok(draw_counts((int64_t[]){3, 0, 0, 77}, 4));
   assert_fails(draw_counts((int64_t[]){3, 4}, 2), SC_EFORMAT, "cut off: it ends after 7 of 80 pixels");
   assert_fails(draw_counts(NULL, 0), SC_EFORMAT, "cut off: it ends after 0 of 80 pixels");
   assert_fails(draw_counts((int64_t[]){3, 78}, 2), SC_EFORMAT, "a run of 78 pixels where 77 are left");
   assert_fails(draw_counts((int64_t[]){3, -1}, 2), SC_EFORMAT, "a run of -1 pixels");
   assert_fails(draw_counts((int64_t[]){INT64_MAX, INT64_MAX}, 2), SC_EFORMAT, "a run of 9223372036854775807");
   assert_fails(draw_counts((int64_t[]){INT64_MIN}, 1), SC_EFORMAT, "a run of -9223372036854775808");
   ScMask other = {SC_MASK_COUNTS, 8, 10, (int64_t[]){80}, 1};
   assert_fails(draw(&other, 10, 8), SC_EFORMAT, "of a photo of 8 x 10 pixels, and this one has 10 x 8");
}

static ScStatus draw_text(const char *text) {
   return draw(&(ScMask){SC_MASK_TEXT, 10, 8, text, strlen(text)}, 10, 8);
}

static void test_text(void **state) {
   (void)state;
   assert_ok(draw_text("`2")); // 80
   assert_fails(draw_text(""), SC_EFORMAT, "cut off");
   assert_fails(draw_text("`"), SC_EFORMAT, "cut off: it ends within a number");
   assert_fails(draw_text("3 4"), SC_EFORMAT, "the byte 32 at place 2");
   assert_fails(draw_text("3\xff"), SC_EFORMAT, "the byte 255 at place 2");
   assert_fails(draw_text("oooooooooooooooo0"), SC_EFORMAT, "no photo is large enough");
   assert_fails(draw_text("O"), SC_EFORMAT, "a run of -1 pixels");
}

// Every prefix of a text says less than the whole, and every change of it is an outcome.
static void test_damaged_text(void **state) {
   (void)state;
   enum { WIDTH = 40, HEIGHT = 30, PIXELS = WIDTH * HEIGHT, ROUNDS = 40 };
   unsigned char pixels[PIXELS];
   uint32_t seed = 5;
   for (int i = 0; i < PIXELS; i++)
      pixels[i] = i > 0 && below(&seed, 9) > 0 ? pixels[i - 1] : below(&seed, 2) > 0;
   char *text = text_of(pixels, PIXELS);
   size_t size = strlen(text);
   for (size_t n = 0; n < size; n++)
      assert_fails(draw(&(ScMask){SC_MASK_TEXT, WIDTH, HEIGHT, text, n}, WIDTH, HEIGHT), SC_EFORMAT, "cut off");
   int refused = 0;
   for (int round = 0; round < ROUNDS; round++)
      for (size_t at = 0; at < size; at++) {
         char *changed = malloc(size); // as long as it is, so that valgrind sees who reads on
         memcpy(changed, text, size);
         changed[at] = (char)below(&seed, 256);
         ScStatus status = draw(&(ScMask){SC_MASK_TEXT, WIDTH, HEIGHT, changed, size}, WIDTH, HEIGHT);
         assert_true(status == SC_OK || status == SC_EFORMAT);
         refused += status != SC_OK;
         free(changed);
      }
   assert_true(refused > 0);
   free(text);
}

static ScStatus draw_polygons(const double *numbers, size_t n) {
   return draw(&(ScMask){.kind = SC_MASK_POLYGONS, .data = numbers, .count = n}, 10, 8);
}

static void test_polygons(void **state) {
   (void)state;
   assert_ok(draw_polygons((double[]){6, 0, 0, 5, 0, 5, 5}, 7));
   assert_ok(draw_polygons((double[]){6, 1, 1, 1, 1, 1, 1}, 7)); // a point: nothing lies in it
   assert_fails(draw_polygons(NULL, 0), SC_EFORMAT, "no polygon");
   assert_fails(draw_polygons((double[]){4, 0, 0, 5, 5}, 5), SC_EFORMAT, "of 4 numbers; expected x and y");
   assert_fails(draw_polygons((double[]){7, 0, 0, 5, 0, 5, 5, 1}, 8), SC_EFORMAT, "of 7 numbers");
   assert_fails(draw_polygons((double[]){9, 0, 0, 5, 0, 5, 5}, 7), SC_EFORMAT, "of 9 numbers where 6 are left");
   assert_fails(draw_polygons((double[]){-1, 0}, 2), SC_EFORMAT, "of -1 numbers");
   assert_fails(draw_polygons((double[]){NAN, 0}, 2), SC_EFORMAT, "numbers where 1 are left");
   assert_fails(draw_polygons((double[]){6, 0, 0, 5, NAN, 5, 5}, 7), SC_EFORMAT, "far outside of the photo");
   assert_fails(draw_polygons((double[]){6, 0, 0, 5, 0, 1e300, 5}, 7), SC_EFORMAT, "far outside of the photo");
   assert_fails(draw_polygons((double[]){6, 0, 0, 5, 0, 5, -9}, 7), SC_EFORMAT, "far outside of the photo");
}

// An outline that goes to and fro for ever is refused, not drawn.
static void test_endless_outline(void **state) {
   (void)state;
   enum { CORNERS = 100000, SIDE = 3000 };
   double *numbers = malloc((2 * CORNERS + 1) * sizeof *numbers);
   numbers[0] = 2 * CORNERS;
   for (int i = 0; i < CORNERS; i++) numbers[2 * i + 1] = i % 2 ? SIDE : 0, numbers[2 * i + 2] = 0;
   unsigned char pixel;
   ScMask mask = {.kind = SC_MASK_POLYGONS, .data = numbers, .count = 2 * CORNERS + 1};
   assert_fails(sc_mask_draw(&mask, SIDE, 1, &(ScRect){0, 0, 1, 1}, &pixel), SC_EFORMAT, "outline is longer");
   free(numbers);
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(test_golden),   cmocka_unit_test(test_counts),
       cmocka_unit_test(test_text),     cmocka_unit_test(test_damaged_text),
       cmocka_unit_test(test_polygons), cmocka_unit_test(test_endless_outline),
   };
   return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
