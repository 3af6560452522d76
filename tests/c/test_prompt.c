// What the prompt needs beside libedit: blocks in the history and its file, walking through them, what is
// pasted, and the rows of a text in a terminal, before and after it changed its width.
#include <locale.h>
#include <stdbool.h>
#include <wchar.h>

#include "host/term/history.h"
#include "host/term/keyboard.h"
#include "host/term/paste.h"
#include "host/term/recall.h"
#include "host/term/rows.h"
#include "tests/c/scratch.h"

// ---- the file ----

static char loaded[8][64];
static size_t entries;

static void take(void *context, const char *entry) {
   (void)context;
   snprintf(loaded[entries++ % 8], sizeof loaded[0], "%s", entry);
}

static int with_a_home(void **state) {
   entries = 0;
   return scratch_setup(state) || setenv("XDG_STATE_HOME", scratch_folder, 1);
}

static FILE *open_file(const char *how) {
   char path[128];
   snprintf(path, sizeof path, "%s/scute", scratch_folder);
   mkdir(path, 0700);
   strcat(path, "/history");
   FILE *file = fopen(path, how);
   assert_non_null(file);
   return file;
}

static void test_blocks_stay_whole(void **state) {
   (void)state;
   const char *block = "for i = 1, 2 do\n\tprint '\\n' -- i\nend";
   sc_history_append("x = 1");
   sc_history_append(block);
   sc_history_load(take, NULL);
   assert_int_equal(entries, 2);
   assert_string_equal(loaded[0], "x = 1");
   assert_string_equal(loaded[1], block);
}

static void test_old_files(void **state) {
   (void)state;
   FILE *file = open_file("w");
   fputs("s = \"a\\\\nb\"\nprint [[\\]]\nno newline at the end", file);
   fclose(file);
   sc_history_load(take, NULL);
   assert_int_equal(entries, 3);
   assert_string_equal(loaded[0], "s = \"a\\\\nb\"");
   assert_string_equal(loaded[2], "no newline at the end");
}

static void test_limits(void **state) {
   (void)state;
   char *huge = malloc(SC_HISTORY_LONGEST + 2);
   memset(huge, 'x', SC_HISTORY_LONGEST + 1);
   huge[SC_HISTORY_LONGEST + 1] = 0;
   sc_history_append(huge);
   free(huge);
   sc_history_load(take, NULL);
   assert_int_equal(entries, 0);
   FILE *file = open_file("w");
   for (int i = 1; i <= 2 * SC_HISTORY_KEPT + 1; i++) fprintf(file, "%d\r%d\n", i, i);
   fclose(file);
   sc_history_load(take, NULL);
   assert_int_equal(entries, SC_HISTORY_KEPT);
   entries = 0;
   sc_history_load(take, NULL); // what is left of the file
   assert_int_equal(entries, SC_HISTORY_KEPT);
   assert_string_equal(loaded[(SC_HISTORY_KEPT - 1) % 8], "2001\n2001");
}

// ---- walking ----

static const char *older(const char *line, size_t before) {
   return sc_recall(line, strlen(line), before, true);
}

static const char *newer(const char *line) {
   return sc_recall(line, strlen(line), strlen(line), false);
}

static void test_walk(void **state) {
   (void)state;
   assert_null(older("", 0));
   sc_recall_add("x = 1");
   sc_recall_add("for i = 1, 2 do\nend");
   sc_recall_add("x = 2");
   assert_null(newer("x"));
   assert_string_equal(older("x", 1), "x = 2");
   assert_string_equal(older("x = 2", 5), "x = 1"); // still by the x
   assert_null(older("x = 1", 5));
   assert_string_equal(newer("x = 1"), "x = 2");
   assert_string_equal(newer("x = 2"), "x"); // what was typed
   assert_null(newer("x"));
   assert_string_equal(older("", 0), "x = 2");
   assert_string_equal(older("x = 2", 0), "for i = 1, 2 do\nend");
   assert_string_equal(older("x = 17", 3), "x = 2"); // edited: a new walk
   sc_recall_free();
   assert_null(older("", 0));
}

// A line that stands in the history twice is shown once in a row.
static void test_repeated(void **state) {
   (void)state;
   sc_recall_add("a");
   sc_recall_add("b");
   sc_recall_add("b");
   assert_string_equal(older("", 0), "b");
   assert_string_equal(older("b", 1), "a");
   for (int i = 0; i < SC_HISTORY_KEPT; i++) sc_recall_add("c");
   assert_string_equal(older("", 0), "c");
   assert_null(older("c", 1));
   sc_recall_free();
}

// ---- pasting ----

// What is read where these bytes come from the terminal, which then says nothing more or is gone.
static wchar_t *pasted(const char *bytes, bool gone) {
   static const ScScreen none = {0};
   int ends[2], input = dup(STDIN_FILENO);
   assert_int_equal(pipe(ends), 0);
   assert_int_equal(write(ends[1], bytes, strlen(bytes)), strlen(bytes));
   if (gone) close(ends[1]);
   dup2(ends[0], STDIN_FILENO);
   sc_keyboard_open(&none);
   wchar_t *text = sc_paste_read();
   sc_keys_forget();
   if (!gone) close(ends[1]);
   close(ends[0]);
   dup2(input, STDIN_FILENO);
   close(input);
   return text;
}

static void assert_pasted(const char *bytes, const wchar_t *wanted) {
   wchar_t *text = pasted(bytes, false);
   assert_non_null(text);
   assert_int_equal(wcscmp(text, wanted), 0);
   free(text);
}

static void test_paste(void **state) {
   (void)state;
   assert_pasted("\033[201~", L"");
   assert_pasted("a\r\nb\rc\n\n\033[201~", L"a\nb\nc");
   assert_pasted("\tgr\xc3\xbcn\033[201~", L"\tgr\u00fcn");
   assert_pasted("a\003\004\032\033[31m\177\xc2\x9b\033[201~rest", L"a[31m"); // controls of one byte and two
   assert_pasted("\xff\xc3(\xe6\x97\033[201~", L"(");                         // no UTF-8
}

static void test_unfinished_paste(void **state) {
   (void)state;
   assert_null(pasted("the terminal is gone", true));
   assert_null(pasted("somebody presses Ctrl-C\003", false));
}

// ---- rows ----

static void assert_place(ScPlace place, int row, int column) {
   assert_int_equal(place.row, row);
   assert_int_equal(place.column, column);
}

static void test_rows(void **state) {
   (void)state;
   assert_place(sc_place_after(L"> x", 3, 10), 0, 3);
   assert_place(sc_place_after(L"0123456789", 10, 10), 1, 0);
   assert_place(sc_place_after(L"ab\ncd", 5, 10), 1, 2);
   assert_place(sc_place_after(L"a\tb", 3, 20), 0, 9);
   assert_place(sc_place_after(L"012345678\u65e5", 10, 10), 1, 2); // too wide for the last column
   assert_place(sc_place_after(L"e\u0301", 2, 10), 0, 1);
}

static void test_rows_after_resize(void **state) {
   (void)state;
   const wchar_t *text = L"> 34567 90abcd"; // on 8 columns: "> 34567 " and "90abcd"
   assert_place(sc_place_after_resize(text, 14, 0, 8, 20), 0, 14);
   assert_place(sc_place_after_resize(text, 14, 14, 8, 20), 1,
                6); // drawn as a whole: the first row ended for good
   assert_place(sc_place_after_resize(text, 14, 14, 8, 4), 3, 2);
   assert_place(sc_place_after_resize(text, 14, 14, 8, 8), 1, 6);
}

int main(void) {
   setlocale(LC_CTYPE, "C.UTF-8");
   const struct CMUnitTest tests[] = {
       cmocka_unit_test_setup_teardown(test_blocks_stay_whole, with_a_home, scratch_teardown),
       cmocka_unit_test_setup_teardown(test_old_files, with_a_home, scratch_teardown),
       cmocka_unit_test_setup_teardown(test_limits, with_a_home, scratch_teardown),
       cmocka_unit_test(test_walk),
       cmocka_unit_test(test_repeated),
       cmocka_unit_test(test_paste),
       cmocka_unit_test(test_unfinished_paste),
       cmocka_unit_test(test_rows),
       cmocka_unit_test(test_rows_after_resize),
   };
   return cmocka_run_group_tests(tests, NULL, NULL);
}
