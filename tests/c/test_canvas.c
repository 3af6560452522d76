// The drawing surface: where ink falls, what the three formats are, and what is refused.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/draw/canvas_save.h"
#include "host/photo/image_decode.h"

static const ScPaint red = {.red = 1, .alpha = 1, .width = 1, .fill = true};
static const ScTextStyle plain = {.size = 20};

static ScCanvas *canvas_of(double width, double height) {
   ScCanvas *canvas;
   assert_int_equal(sc_canvas_new(width, height, &canvas), SC_OK);
   return canvas;
}

static unsigned pixel(const ScImage *image, int x, int y) {
   const unsigned char *p = image->rgb + 3 * (y * image->width + x);
   return (unsigned)p[0] << 16 | (unsigned)p[1] << 8 | p[2];
}

static void draws_where_it_should(void **state) {
   (void)state;
   ScCanvas *canvas = canvas_of(40, 20);
   assert_int_equal(sc_canvas_rect(canvas, 10, 5, 4, 4, &red), SC_OK);
   ScImage image;
   assert_int_equal(sc_canvas_render(canvas, 2, &image), SC_OK);
   assert_int_equal(image.width, 80);
   assert_int_equal(image.height, 40);
   assert_int_equal(pixel(&image, 20, 10), 0xff0000);
   assert_int_equal(pixel(&image, 27, 17), 0xff0000);
   assert_int_equal(pixel(&image, 28, 17), 0xffffff);
   assert_int_equal(pixel(&image, 19, 10), 0xffffff);
   sc_image_free(&image);
   sc_canvas_free(canvas);
}

static void keeps_the_state_of_push_and_pop(void **state) {
   (void)state;
   ScCanvas *canvas = canvas_of(20, 20);
   assert_int_equal(sc_canvas_push(canvas), SC_OK);
   assert_int_equal(sc_canvas_clip(canvas, 0, 0, 5, 20), SC_OK);
   assert_int_equal(sc_canvas_rect(canvas, 0, 0, 20, 5, &red), SC_OK);
   assert_int_equal(sc_canvas_pop(canvas), SC_OK);
   assert_int_equal(sc_canvas_rect(canvas, 0, 10, 20, 5, &red), SC_OK);
   ScImage image;
   assert_int_equal(sc_canvas_render(canvas, 1, &image), SC_OK);
   assert_int_equal(pixel(&image, 2, 2), 0xff0000);
   assert_int_equal(pixel(&image, 10, 2), 0xffffff);
   assert_int_equal(pixel(&image, 10, 12), 0xff0000);
   sc_image_free(&image);
   assert_int_equal(sc_canvas_pop(canvas), SC_EARG);
   assert_non_null(strstr(sc_error(), "no push"));
   sc_canvas_free(canvas);
}

static void shows_images_pixel_by_pixel(void **state) {
   (void)state;
   ScImage two, image;
   assert_int_equal(sc_image_new(2, 1, &two), SC_OK);
   memcpy(two.rgb, "\x10\x20\x30\xc0\xd0\xe0", 6);
   ScCanvas *canvas = canvas_of(20, 10);
   assert_int_equal(sc_canvas_image(canvas, &two, 0, 0, 20, 10, 1, false), SC_OK);
   sc_image_free(&two);
   assert_int_equal(sc_canvas_render(canvas, 1, &image), SC_OK);
   assert_int_equal(pixel(&image, 0, 0), 0x102030);
   assert_int_equal(pixel(&image, 9, 9), 0x102030);
   assert_int_equal(pixel(&image, 10, 0), 0xc0d0e0);
   assert_int_equal(pixel(&image, 19, 9), 0xc0d0e0);
   sc_image_free(&image);
   sc_canvas_free(canvas);
}

static void measures_and_draws_any_text(void **state) {
   (void)state;
   ScCanvas *canvas = canvas_of(200, 40);
   ScTextSize one, two;
   assert_int_equal(sc_canvas_measure(canvas, "turtle", &plain, &one), SC_OK);
   assert_int_equal(sc_canvas_measure(canvas, "turtleturtle", &plain, &two), SC_OK);
   assert_true(one.width > 0 && one.ascent > 0 && fabs(two.width - 2 * one.width) < 0.1 * one.width);
   assert_int_equal(sc_canvas_text(canvas, 5, 30, "bad \xff\xc3 \xed\xa0\x80 \n", &plain, &red), SC_OK);
   assert_int_equal(sc_canvas_text(canvas, 5, 30, "", &plain, &red), SC_OK);
   ScImage image;
   assert_int_equal(sc_canvas_render(canvas, 1, &image), SC_OK);
   int inked = 0;
   for (int i = 0; i < 200 * 40; i++) inked += pixel(&image, i % 200, i / 200) != 0xffffff;
   assert_true(inked > 20 || sc_canvas_font() == SC_FONT_NONE);
   sc_image_free(&image);
   sc_canvas_free(canvas);
}

static void writes_three_formats(void **state) {
   (void)state;
   static const char *const starts[] = {[SC_PNG] = "\x89PNG", [SC_SVG] = "<?xml", [SC_PDF] = "%PDF"};
   ScCanvas *canvas = canvas_of(20, 10);
   assert_int_equal(sc_canvas_rect(canvas, 1, 1, 5, 5, &red), SC_OK);
   for (int format = SC_PNG; format <= SC_PDF; format++) {
      const unsigned char *data;
      size_t size;
      assert_int_equal(sc_canvas_encode(canvas, (ScPictureFormat)format, 1, &data, &size), SC_OK);
      assert_true(size > 50);
      assert_memory_equal(data, starts[format], 4);
   }
   char path[] = "/tmp/test_canvas_XXXXXX.png";
   close(mkstemps(path, 4));
   assert_int_equal(sc_canvas_save(canvas, path, 1), SC_OK);
   ScImage image;
   assert_int_equal(sc_image_decode(path, NULL, &image), SC_OK);
   assert_int_equal(pixel(&image, 3, 3), 0xff0000);
   sc_image_free(&image);
   unlink(path);
   assert_int_equal(sc_canvas_save(canvas, "/tmp/picture.gif", 1), SC_EARG);
   assert_non_null(strstr(sc_error(), ".png, .svg or .pdf"));
   assert_int_equal(sc_canvas_save(canvas, "/nowhere/there/x.png", 1), SC_EIO);
   sc_canvas_free(canvas);
}

static void refuses_and_goes_on(void **state) {
   (void)state;
   ScCanvas *canvas;
   assert_int_equal(sc_canvas_new(0, 10, &canvas), SC_EARG);
   assert_null(canvas);
   assert_int_equal(sc_canvas_new(NAN, 10, &canvas), SC_EARG);
   assert_int_equal(sc_canvas_new(1e6, 10, &canvas), SC_EARG);
   canvas = canvas_of(20, 10);
   const double good[] = {1, 2, 3, 4};
   const ScPaint thin = {.alpha = 1, .width = 0}, loud = {.red = 2, .alpha = 1, .width = 1};
   const ScPaint zeros = {.alpha = 1, .width = 1, .ndash = 2};
   for (int i = 0; i < 4; i++) {
      double bad[] = {1, 2, 3, 4};
      bad[i] = i % 2 ? INFINITY : NAN;
      assert_int_equal(sc_canvas_polyline(canvas, bad, 2, false, &red), SC_EARG);
   }
   assert_int_equal(sc_canvas_polyline(canvas, good, 0, false, &red), SC_EARG);
   assert_int_equal(sc_canvas_polyline(canvas, good, 2, false, &thin), SC_EARG);
   assert_int_equal(sc_canvas_polyline(canvas, good, 2, false, &loud), SC_EARG);
   assert_int_equal(sc_canvas_polyline(canvas, good, 2, false, &zeros), SC_EARG);
   assert_int_equal(sc_canvas_circle(canvas, 1, 1, -1, &red), SC_EARG);
   assert_int_equal(sc_canvas_scale(canvas, 0, 1), SC_EARG);
   ScImage image;
   assert_int_equal(sc_canvas_render(canvas, 1e6, &image), SC_EARG);
   assert_int_equal(sc_canvas_rect(canvas, 0, 0, 20, 10, &red), SC_OK);
   assert_int_equal(sc_canvas_render(canvas, 1, &image), SC_OK);
   assert_int_equal(pixel(&image, 3, 3), 0xff0000);
   sc_image_free(&image);
   sc_canvas_free(canvas);
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(draws_where_it_should),       cmocka_unit_test(keeps_the_state_of_push_and_pop),
       cmocka_unit_test(shows_images_pixel_by_pixel), cmocka_unit_test(measures_and_draws_any_text),
       cmocka_unit_test(writes_three_formats),        cmocka_unit_test(refuses_and_goes_on),
   };
   return cmocka_run_group_tests(tests, NULL, NULL);
}
