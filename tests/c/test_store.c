// What runs leave for the next one: found under its key alone, within its room, across processes, and dropped
// in time.
#include "host/core/store.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/core/stamp.h"
#include "tests/c/scratch.h"

enum { ROOM = 1 << 20 };

static ScStoreKey key(const char *name) {
   return sc_store_key("test", name, strlen(name));
}

static void keep(const char *name, const char *text) {
   ScStoreKey k = key(name);
   sc_store_keep(&k, text, 2, text + 2, strlen(text) - 2);
}

static const char *find(const char *name) {
   static char text[64];
   size_t size = 0;
   ScStoreKey k = key(name);
   const char *found = sc_store_find(&k, &size);
   if (!found) return NULL;
   assert_true(size < sizeof text);
   memcpy(text, found, size);
   text[size] = '\0';
   return text;
}

static void keep_block(const char *name, size_t size) {
   ScStoreKey k = key(name);
   char *block = calloc(1, size);
   sc_store_keep(&k, block, size, NULL, 0);
   free(block);
}

static bool has(const char *name) {
   size_t size;
   ScStoreKey k = key(name);
   return sc_store_find(&k, &size) != NULL;
}

static int open_store(void **state) {
   (void)state;
   return !sc_store_open(ROOM);
}

static int close_store(void **state) {
   (void)state;
   sc_store_close();
   return 0;
}

static void finds_what_was_kept(void **state) {
   (void)state;
   assert_null(find("a"));
   keep("a", "head and body");
   keep("b", "another");
   assert_string_equal(find("a"), "head and body");
   assert_string_equal(find("b"), "another");
   keep("a", "something else");
   assert_string_equal(find("a"), "head and body");
   ScStoreKey other = sc_store_key("tes", "ta", 2);
   size_t size;
   assert_null(sc_store_find(&other, &size));
}

static void closed_it_keeps_nothing(void **state) {
   (void)state;
   assert_false(sc_store_is_open());
   keep("a", "text");
   assert_null(find("a"));
   sc_store_next_run();
   assert_int_equal(sc_store_use().bytes, 0);
}

static void a_process_leaves_it_to_the_next(void **state) {
   (void)state;
   pid_t child = fork();
   if (child == 0) {
      keep("a", "from the child");
      _exit(0);
   }
   assert_int_equal(waitpid(child, NULL, 0), child);
   sc_store_next_run();
   assert_string_equal(find("a"), "from the child");
}

static void more_than_its_room_is_not_kept(void **state) {
   (void)state;
   keep_block("a", ROOM / 2);
   keep_block("b", ROOM / 2 + 1);
   keep_block("c", ROOM / 2);
   keep_block("d", 1);
   assert_true(has("a") && !has("b") && has("c") && !has("d"));
   assert_true(sc_store_use().bytes <= ROOM);
}

static void what_was_not_used_yields_where_room_is_short(void **state) {
   (void)state;
   keep("small", "that moves");
   keep_block("a", ROOM / 2);
   keep("used", "stays here");
   sc_store_next_run();
   assert_string_equal(find("used"), "stays here");
   keep_block("b", ROOM / 2);
   assert_false(has("b"));
   sc_store_next_run();
   assert_true(!has("a") && !has("small"));
   assert_string_equal(find("used"), "stays here");
   keep_block("b", ROOM / 2);
   assert_true(has("b"));
}

static void what_no_run_uses_goes_after_some(void **state) {
   (void)state;
   keep("a", "text");
   int runs = 0;
   for (; sc_store_use().entries > 0 && runs < 100; runs++) sc_store_next_run();
   assert_in_range(runs, 3, 20);
}

static void many_entries_find_each_other_again(void **state) {
   (void)state;
   char name[24];
   for (int i = 0; i < 3000; i++) {
      snprintf(name, sizeof name, "entry %d", i);
      keep(name, name);
   }
   sc_store_next_run();
   for (int run = 0; run < 12; run++) { // one half is used and stays, the other goes
      for (int i = 0; i < 3000; i += 2) {
         snprintf(name, sizeof name, "entry %d", i);
         assert_string_equal(find(name), name);
      }
      sc_store_next_run();
   }
   assert_int_equal(sc_store_use().entries, 1500);
}

// ---- stamps ----

static ScStamp stamp_of(const char *path) {
   struct stat info;
   assert_int_equal(stat(path, &info), 0);
   return sc_stamp(&info);
}

static void write_text(const char *path, const char *text) {
   int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
   assert_true(file >= 0);
   assert_int_equal(write(file, text, strlen(text)), (ssize_t)strlen(text));
   close(file);
}

static void a_stamp_is_settled_once_its_tick_is_over(void **state) {
   (void)state;
   const char *path = scratch("file");
   write_text(path, "text");
   ScStamp stamp = stamp_of(path), old = stamp;
   stamp.changed += 100; // as of a clock that is ahead
   assert_false(sc_stamp_settled(&stamp));
   old.changed -= 1, old.changed_ns = 1;
   assert_true(sc_stamp_settled(&old));
   old.changed_ns = 0; // as of a file system that counts in seconds
   assert_false(sc_stamp_settled(&old));
   old.changed -= 4;
   assert_true(sc_stamp_settled(&old));
   ScStamp again = stamp_of(path), other = again;
   other.size++;
   assert_true(sc_stamp_same(&again, &(ScStamp){again.device, again.inode, again.size, again.written,
                                                again.written_ns, again.changed, again.changed_ns}));
   assert_false(sc_stamp_same(&again, &other));
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test_setup_teardown(finds_what_was_kept, open_store, close_store),
       cmocka_unit_test(closed_it_keeps_nothing),
       cmocka_unit_test_setup_teardown(a_process_leaves_it_to_the_next, open_store, close_store),
       cmocka_unit_test_setup_teardown(more_than_its_room_is_not_kept, open_store, close_store),
       cmocka_unit_test_setup_teardown(what_was_not_used_yields_where_room_is_short, open_store, close_store),
       cmocka_unit_test_setup_teardown(what_no_run_uses_goes_after_some, open_store, close_store),
       cmocka_unit_test_setup_teardown(many_entries_find_each_other_again, open_store, close_store),
       cmocka_unit_test(a_stamp_is_settled_once_its_tick_is_over),
   };
   return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
