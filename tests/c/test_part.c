// A part of a JPEG that is decoded alone: the same pixels as of the whole, in the same place, however the file
// is made, shrunk and turned; and what lies outside of it has to be there all the same.
#include "host/photo/image_decode.h"

#include "tests/c/photos.h"
#include "tests/c/scratch.h"

enum { PARTS = 12 };

typedef struct {
   int shrink;
   uint32_t seed; // of the part
   ScRect part;   // that was asked for
} Wish;

static int shrink_of(void *context, int width, int height) {
   (void)width, (void)height;
   return ((Wish *)context)->shrink;
}

static int below(uint32_t *seed, int n) {
   *seed = *seed * 1664525 + 1013904223;
   return (int)((uint64_t)*seed * (uint64_t)n >> 32);
}

static ScRect some_part(void *context, const ScPhoto *photo, int across, int down) {
   Wish *wish = context;
   (void)photo;
   int x = below(&wish->seed, across), y = below(&wish->seed, down);
   wish->part = (ScRect){x, y, 1 + below(&wish->seed, across - x), 1 + below(&wish->seed, down - y)};
   return wish->part;
}

static void expect_same(const ScPhoto *whole, const ScPhoto *some, const ScRect *part, const char *what) {
   int x = part->x + (int)(some->left - whole->left), y = part->y + (int)(some->top - whole->top);
   assert_true(x >= 0 && y >= 0);
   assert_true(x + part->width <= some->image.width && y + part->height <= some->image.height);
   for (int row = 0; row < part->height; row++)
      if (memcmp(some->image.rgb + 3 * ((y + row) * some->image.width + x),
                 whole->image.rgb + 3 * ((part->y + row) * whole->image.width + part->x),
                 3 * (size_t)part->width))
         fail_msg("%s: %d x %d pixels from (%d, %d) of %d x %d: other pixels in row %d", what, part->width,
                  part->height, part->x, part->y, whole->image.width, whole->image.height, row);
}

// Returns how many pixels were decoded less than there are.
static int64_t compare_parts(const char *path, int shrink, const char *what) {
   Wish wish = {.shrink = shrink, .seed = (uint32_t)shrink};
   ScPhoto whole, some;
   int64_t saved = 0;
   assert_ok(
       sc_image_decode_photo(path, NULL, &(ScPurpose){.choose_shrink = shrink_of, .context = &wish}, &whole));
   ScPurpose purpose = {.choose_shrink = shrink_of, .choose_part = some_part, .context = &wish};
   for (int i = 0; i < PARTS; i++) {
      assert_ok(sc_image_decode_photo(path, NULL, &purpose, &some));
      expect_same(&whole, &some, &wish.part, what);
      saved += (int64_t)whole.image.width * whole.image.height - (int64_t)some.image.width * some.image.height;
      sc_photo_free(&some);
   }
   sc_photo_free(&whole);
   return saved;
}

static void compare_kind(JpegKind kind) {
   char what[96];
   snprintf(what, sizeof what, "%d components, %d x %d, %s, orientation %d", kind.components, kind.across,
            kind.down, kind.progressive ? "progressive" : "baseline", kind.orientation);
   Content file = make_jpeg(kind);
   const char *path = scratch("part.jpg");
   spill(path, file.data, file.size);
   bool is_odd = kind.across * kind.down > 4; // which is decoded whole where it is shrunk
   for (int shrink = 1; shrink <= 8; shrink *= 2)
      assert_true(compare_parts(path, shrink, what) > 0 || (is_odd && shrink > 1));
   free(file.data);
}

static void test_kinds(void **state) {
   (void)state;
   static const struct {
      int components, across, down;
   } kinds[] = {{3, 2, 2}, {3, 2, 1}, {3, 1, 2}, {3, 1, 1}, {3, 4, 1},
                {3, 4, 2}, {3, 2, 4}, {1, 1, 1}, {1, 2, 2}, {4, 1, 1}};
   for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
      for (int progressive = 0; progressive < 2; progressive++)
         compare_kind((JpegKind){.width = 181,
                                 .height = 133,
                                 .components = kinds[i].components,
                                 .across = kinds[i].across,
                                 .down = kinds[i].down,
                                 .progressive = progressive,
                                 .seed = 5});
}

static void test_turned(void **state) {
   (void)state;
   for (int orientation = 1; orientation <= 8; orientation++)
      compare_kind((JpegKind){.width = 181,
                              .height = 133,
                              .components = 3,
                              .across = 2,
                              .down = 2,
                              .orientation = orientation,
                              .seed = 6});
}

// libjpeg makes up what is left out from blocks around, some of which lie outside of the part.
static void test_left_out_scans(void **state) {
   (void)state;
   for (int left_out = 1; left_out <= 8; left_out++)
      compare_kind((JpegKind){.width = 181,
                              .height = 133,
                              .components = 3,
                              .across = 2,
                              .down = 2,
                              .progressive = true,
                              .left_out = left_out,
                              .seed = 8});
}

static ScRect corner(void *context, const ScPhoto *photo, int across, int down) {
   (void)context, (void)photo, (void)across, (void)down;
   return (ScRect){0, 0, 8, 8};
}

// The first rows are wanted, and the last are missing.
static void test_missing_rows(void **state) {
   (void)state;
   for (int progressive = 0; progressive < 2; progressive++) {
      Content file = make_jpeg((JpegKind){.width = 181,
                                          .height = 133,
                                          .components = 3,
                                          .across = 2,
                                          .down = 2,
                                          .progressive = progressive,
                                          .seed = 7});
      const char *path = scratch("cut.jpg");
      ScPhoto photo;
      for (int part = 50; part < 100; part += 7) {
         spill(path, file.data, file.size * (size_t)part / 100);
         assert_fails(sc_image_decode_photo(path, NULL, &(ScPurpose){.choose_part = corner}, &photo),
                      SC_EFORMAT, "truncated or corrupt JPEG");
      }
      free(file.data);
   }
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(test_kinds),
       cmocka_unit_test(test_turned),
       cmocka_unit_test(test_left_out_scans),
       cmocka_unit_test(test_missing_rows),
   };
   return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
