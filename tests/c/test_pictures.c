// Pictures where memory runs out are told as that, and nothing aborts. Each allocation of a PNG fails once;
// cairo, which some failures crash, is not called where room is short.
#include "host/draw/canvas_save.h"
#include "host/photo/image_decode.h"
#include "host/photo/image_png.h"

#include <sys/resource.h>

#include "tests/c/heap.h"
#include "tests/c/scratch.h"

typedef ScStatus (*Action)(void *context);

// With the n-th allocation failing; false where there are fewer than n.
static bool starve(int n, Action act, void *context, ScStatus *status) {
   seen = 0, failed = false, fails_at = n;
   *status = act(context);
   fails_at = 0;
   return failed;
}

static void starve_each(Action act, void *context) {
   ScStatus status;
   assert_ok(act(context)); // whatever is made once is made now
   for (int n = 1; starve(n, act, context, &status); n++)
      if (status != SC_EMEM) fail_msg("allocation %d: status %d, %s", n, status, sc_error());
   assert_ok(status);
}

// ---- PNG ----

static ScStatus write_png(void *context) {
   unsigned char *png = NULL;
   size_t size;
   ScStatus status = sc_image_encode_png(context, &png, &size);
   assert_true((status == SC_OK) == (png != NULL));
   free(png);
   return status;
}

static void test_png(void **state) {
   (void)state;
   ScImage image;
   assert_ok(sc_image_decode("tests/golden/images/photo.jpg", NULL, &image));
   assert_ok(write_png(&image));
   size_t before = live;
   starve_each(write_png, &image);
   assert_int_equal(live, before);
   sc_image_free(&image);
}

// ---- drawing ----

typedef struct {
   ScImage photo;
   double size; // of letters
   int format;  // a ScPictureFormat, or 3 for pixels
} Picture;

static ScStatus draw(ScCanvas *canvas, const Picture *p) {
   ScPaint line = {.red = 0.5, .alpha = 1, .width = 2, .ndash = 2, .dash = {4, 2}},
           fill = {.blue = 0.5, .alpha = 0.5, .fill = true};
   ScTextStyle plain = {.size = p->size}, bold = {.size = p->size + 1, .bold = true, .angle = 90};
   ScTextSize measured;
   SC_TRY(sc_canvas_polyline(canvas, (double[]){1, 1, 50, 60, 70, 20}, 3, false, &line));
   SC_TRY(sc_canvas_rect(canvas, 10, 10, 30, 40, &fill));
   SC_TRY(sc_canvas_circle(canvas, 50, 50, 20, &fill));
   SC_TRY(sc_canvas_push(canvas));
   SC_TRY(sc_canvas_clip(canvas, 0, 0, 80, 80));
   SC_TRY(sc_canvas_scale(canvas, 2, 2));
   SC_TRY(sc_canvas_image(canvas, &p->photo, 5, 5, 30, 20, 0.8, true));
   SC_TRY(sc_canvas_pop(canvas));
   SC_TRY(sc_canvas_measure(canvas, "accuracy", &plain, &measured));
   SC_TRY(sc_canvas_text(canvas, 10, 80, "accuracy äß 97 %", &plain, &fill));
   return sc_canvas_text(canvas, 20, 90, "Verlust", &bold, &fill);
}

static ScStatus finish(ScCanvas *canvas, int format) {
   const unsigned char *data;
   size_t size;
   ScImage pixels;
   if (format < 3) return sc_canvas_encode(canvas, (ScPictureFormat)format, 2, &data, &size);
   ScStatus status = sc_canvas_render(canvas, 1, &pixels);
   sc_image_free(&pixels);
   return status;
}

static ScStatus draw_and_write(void *context) {
   Picture *p = context;
   ScCanvas *canvas;
   p->size = p->size < 40 ? p->size + 0.25 : 8; // letters that no cache has
   SC_TRY(sc_canvas_new(120, 100, &canvas));
   ScStatus status = draw(canvas, p);
   if (!status) status = finish(canvas, p->format);
   sc_canvas_free(canvas);
   return status;
}

// Bytes of address space that the process has.
static size_t address_space(void) {
   size_t pages = 0;
   FILE *file = fopen("/proc/self/statm", "r");
   assert_non_null(file);
   assert_int_equal(fscanf(file, "%zu", &pages), 1);
   fclose(file);
   return pages * (size_t)getpagesize();
}

// With `room` bytes that the process may still take.
static ScStatus draw_within(size_t room, Picture *p) {
   struct rlimit before, less;
   assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
   less = before;
   less.rlim_cur = address_space() + room;
   assert_int_equal(setrlimit(RLIMIT_AS, &less), 0);
   ScStatus status = draw_and_write(p);
   setrlimit(RLIMIT_AS, &before);
   return status;
}

// Sanitizers take an address space of their own, which has no such limit.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = true };
#else
enum { SANITIZED = false };
#endif

static void test_drawing(void **state) {
   (void)state;
   if (SANITIZED) skip();
   enum { MEGABYTE = 1 << 20, MOST = 128 };
   Picture p = {.size = 8};
   assert_int_equal(sc_canvas_font(), SC_FONT_REAL);
   assert_ok(sc_image_decode("tests/golden/images/baseline.jpg", NULL, &p.photo));
   for (p.format = 0; p.format < 4; p.format++) {
      assert_int_equal(draw_within(0, &p), SC_EMEM);
      int drawn = 0;
      for (size_t room = 0; room < MOST; room += 3) {
         ScStatus status = draw_within(room * MEGABYTE, &p);
         if (status != SC_OK && status != SC_EMEM) fail_msg("%zu MB: status %d, %s", room, status, sc_error());
         drawn += status == SC_OK;
      }
      assert_in_range(drawn, 1, MOST / 3);
      assert_ok(draw_and_write(&p));
   }
   sc_image_free(&p.photo);
}

int main(void) {
   const struct CMUnitTest tests[] = {cmocka_unit_test(test_png), cmocka_unit_test(test_drawing)};
   return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
