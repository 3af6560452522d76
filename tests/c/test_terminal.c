// Pictures in a terminal: what each terminal gets, how large, and whether the pixels arrive.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/c/check.h"

#include "host/term/terminal.h"

static const ScTerminalSize usual = {80, 24, 10, 20};

static ScImage stripes(int width, int height) { // left half red, right half blue
   ScImage image;
   assert_ok(sc_image_new(width, height, &image));
   for (int i = 0; i < width * height; i++) {
      bool left = i % width < width / 2;
      image.rgb[3 * i] = left ? 255 : 0, image.rgb[3 * i + 1] = 0, image.rgb[3 * i + 2] = left ? 0 : 255;
   }
   return image;
}

static char *text_of(const ScImage *image, ScShow how, const ScTerminalSize *size, size_t *length) {
   char *text;
   assert_ok(sc_terminal_picture(image, how, size, &text, length));
   assert_true(*length > 1 && text[*length - 1] == '\n');
   text[*length - 1] = 0;
   return text;
}

static void set_terminal(const char *term, const char *name, const char *value) {
   static const char *const others[] = {"TMUX",      "COLORTERM",   "TERM_PROGRAM",
                                        "KITTY_PID", "VTE_VERSION", "CONTOUR_PROFILE"};
   for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) unsetenv(others[i]);
   if (term)
      setenv("TERM", term, 1);
   else
      unsetenv("TERM");
   if (name) setenv(name, value, 1);
}

static void knows_terminals(void **state) {
   (void)state;
   static const struct {
      const char *term, *name, *value;
      ScShow how;
   } cases[] = {
       {NULL, NULL, NULL, SC_SHOW_NONE},
       {"dumb", NULL, NULL, SC_SHOW_NONE},
       {"vt100", NULL, NULL, SC_SHOW_NONE},
       {"xterm-256color", NULL, NULL, SC_SHOW_BLOCKS},
       {"linux", NULL, NULL, SC_SHOW_BLOCKS},
       {"xterm-kitty", NULL, NULL, SC_SHOW_KITTY},
       {"foot", NULL, NULL, SC_SHOW_SIXEL},
       {"mlterm", NULL, NULL, SC_SHOW_SIXEL},
       {"xterm-256color", "TERM_PROGRAM", "iTerm.app", SC_SHOW_ITERM},
       {"xterm-kitty", "TMUX", "/tmp/tmux-0/default,1,0", SC_SHOW_BLOCKS},
       {"screen-256color", NULL, NULL, SC_SHOW_BLOCKS},
   };
   for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
      set_terminal(cases[i].term, cases[i].name, cases[i].value);
      if (sc_terminal_can_show() != cases[i].how)
         fail_msg("TERM=%s %s: %d", cases[i].term, cases[i].name, sc_terminal_can_show());
   }
}

static int count(const char *text, const char *part) {
   int n = 0;
   for (const char *at = strstr(text, part); at; at = strstr(at + 1, part)) n++;
   return n;
}

static void blocks_have_colours_and_a_size(void **state) {
   (void)state;
   set_terminal("xterm-256color", "COLORTERM", "truecolor");
   ScImage image = stripes(40, 40);
   size_t length;
   char *text = text_of(&image, SC_SHOW_BLOCKS, &usual, &length);
   assert_int_equal(count(text, "\n"), 20 - 1); // a letter is twice as high as wide
   assert_true(strstr(text, "48;2;255;0;0m") && strstr(text, "48;2;0;0;255m"));
   free(text);
   set_terminal("xterm", NULL, NULL); // 256 colours
   text = text_of(&image, SC_SHOW_BLOCKS, &(ScTerminalSize){80, 5, 10, 20}, &length);
   assert_int_equal(count(text, "\n"), 5 - 1);
   assert_true(!strstr(text, "8;2;") && strstr(text, "8;5;"));
   free(text);
   sc_image_free(&image);
}

// The pixels of kitty's protocol: base64 of RGBA in chunks, between "ESC _ G ... ;" and "ESC \".
static size_t kitty_pixels(const char *text, unsigned char *out, size_t room) {
   static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
   size_t n = 0;
   for (const char *at = strstr(text, "\033_G"); at; at = strstr(at + 1, "\033_G")) {
      const char *p = strpbrk(at, ";\\");
      unsigned bits = 0;
      int have = 0;
      for (p = *p == ';' ? p + 1 : p; *p != '\033' && *p != '=' && *p != '\\'; p++) {
         const char *letter = strchr(letters, *p);
         assert_non_null(letter);
         bits = bits << 6 | (unsigned)(letter - letters), have += 6;
         if (have >= 8 && n < room) have -= 8, out[n++] = (unsigned char)(bits >> have);
      }
   }
   return n;
}

static void kitty_gets_the_pixels(void **state) {
   (void)state;
   set_terminal("xterm-kitty", NULL, NULL);
   ScImage image = stripes(40, 20);
   size_t length;
   char *text = text_of(&image, SC_SHOW_KITTY, &usual, &length);
   assert_non_null(strstr(text, "s=40,v=20,c=4,r=1"));
   static unsigned char rgba[64 * 64 * 4];
   assert_int_equal(kitty_pixels(text, rgba, sizeof rgba), 40 * 20 * 4);
   const unsigned char red[] = {255, 0, 0}, blue[] = {0, 0, 255};
   for (int i = 0; i < 40 * 20; i++)
      if (i % 40 < 18 || i % 40 > 21) { // but for the seam
         assert_memory_equal(rgba + 4 * i, i % 40 < 20 ? red : blue, 3);
         assert_true(rgba[4 * i + 3] >= 0xf0); // libchafa's scaling leaves a border that is not quite opaque
      }
   free(text);
   sc_image_free(&image);
}

static void sixels_are_sixels(void **state) {
   (void)state;
   set_terminal("xterm", NULL, NULL); // not known to take them, but asked for
   ScImage image = stripes(40, 20);
   size_t length;
   char *text = text_of(&image, SC_SHOW_SIXEL, &usual, &length);
   assert_memory_equal(text, "\033P", 2);
   assert_non_null(strstr(text, "q\"1;1;40;"));
   assert_non_null(strstr(text, "\033\\"));
   assert_non_null(strstr(text, ";2;100;0;0")); // a palette entry: red in percent
   free(text);
   text = text_of(&image, SC_SHOW_ITERM, &usual, &length);
   assert_non_null(strstr(text, "\033]1337;File=inline=1;width=4;height=1;"));
   free(text);
   sc_image_free(&image);
}

static void fits(void **state) {
   (void)state;
   set_terminal("xterm-kitty", NULL, NULL);
   static const struct {
      int width, height;
      const char *expected;
   } cases[] = {
       {1, 1, "c=1,r=1,"},
       {8000, 10, "c=80,r=1,"},
       {3, 9000, "c=1,r=24,"},
       {1600, 480, "c=80,r=12,"},
   };
   for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
      ScImage image = stripes(cases[i].width, cases[i].height);
      size_t length;
      char *text = text_of(&image, SC_SHOW_KITTY, &usual, &length);
      if (!strstr(text, cases[i].expected)) fail_msg("%s: %.60s", cases[i].expected, text + 1);
      free(text);
      sc_image_free(&image);
   }
}

static void refuses(void **state) {
   (void)state;
   ScImage image = stripes(2, 2);
   char *text;
   size_t length;
   assert_fails(sc_terminal_picture(&image, SC_SHOW_NONE, &usual, &text, &length), SC_EARG, "found none");
   assert_null(text);
   assert_fails(sc_terminal_picture(&image, SC_SHOW_KITTY, &(ScTerminalSize){0, 1, 10, 20}, &text, &length),
                SC_EARG, "at least 1 column and row, found 0 and 1");
   sc_image_free(&image);
   ScTerminalSize size;
   int pipes[2];
   assert_int_equal(pipe(pipes), 0);
   assert_false(sc_terminal_size(pipes[1], &size));
   assert_int_equal(size.columns, 80);
   close(pipes[0]), close(pipes[1]);
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(knows_terminals),
       cmocka_unit_test(blocks_have_colours_and_a_size),
       cmocka_unit_test(kitty_gets_the_pixels),
       cmocka_unit_test(sixels_are_sixels),
       cmocka_unit_test(fits),
       cmocka_unit_test(refuses),
   };
   return cmocka_run_group_tests(tests, NULL, NULL);
}
