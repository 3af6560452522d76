// The writer of whole files on a disk that misbehaves: each of its calls can be told to.
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/syscall.h>

#include "host/files/file.h"
#include "tests/c/scratch.h"

// ---- these stand before those of the C library ----

static bool writes_nothing, cannot_truncate;

ssize_t write(int fd, const void *data, size_t bytes) {
   return writes_nothing ? 0 : syscall(SYS_write, fd, data, bytes);
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset) {
   return writes_nothing ? 0 : syscall(SYS_pwrite64, fd, data, bytes, offset);
}

int ftruncate(int fd, off_t length) {
   if (!cannot_truncate) return (int)syscall(SYS_ftruncate, fd, length);
   errno = EIO;
   return -1;
}

// ---- what becomes of the files ----

static void assert_content(const char *path, const char *expected) {
   size_t size;
   unsigned char *bytes = slurp(path, &size);
   assert_int_equal(size, strlen(expected));
   assert_memory_equal(bytes, expected, size);
   free(bytes);
}

// A disk that takes nothing and gives no reason is not asked for ever.
static void a_write_of_nothing_is_a_failure(void **context) {
   (void)context;
   const char *path = scratch("file");
   ScFile *file;
   assert_ok(sc_file_save(path, "old", 3));
   assert_ok(sc_file_create(&file, path));
   assert_ok(sc_file_write(file, "new", 3));
   writes_nothing = true;
   ScStatus written = sc_file_write(file, "x", 1), patched = sc_file_patch(file, 0, "x", 1);
   writes_nothing = false;
   assert_int_equal(written, SC_EIO);
   assert_int_equal(patched, SC_EIO);
   assert_non_null(strstr(sc_error(), "nothing that was there before is changed"));
   sc_file_abandon(file);
   assert_content(path, "old");
   assert_int_equal(scratch_count("tmp"), 0);
}

// As root a file that is renamed to /dev/null takes its place, for all programs.
static void a_pipe_or_device_stays_what_it_is(void **context) {
   (void)context;
   struct stat info;
   ScFile *file;
   const char *path = scratch("pipe");
   assert_int_equal(mkfifo(path, 0600), 0);
   assert_int_equal(sc_file_create(&file, path), SC_EIO);
   assert_non_null(strstr(sc_error(), "expected a file, found a pipe, socket or device"));
   assert_int_equal(sc_file_save("/dev/null", "x", 1), SC_EIO);
   assert_int_equal(stat(path, &info), 0);
   assert_true(S_ISFIFO(info.st_mode));
   assert_int_equal(unlink(path), 0);
}

static void a_file_that_cannot_be_emptied_does_not_stay(void **context) {
   (void)context;
   ScFile *file;
   cannot_truncate = true;
   ScStatus status = sc_file_create_part(&file, scratch("download"));
   assert_fails(status, SC_EIO, "Input/output error");
   assert_int_equal(scratch_count("part"), 0);
   status = sc_file_save(scratch("saved"), "new", 3); // needs no emptying: it is new
   cannot_truncate = false;
   assert_ok(status);
   assert_content(scratch("saved"), "new");
   assert_int_equal(scratch_count("tmp"), 0);
}

// The n of "<base>.<pid>-<n>.tmp" that is being written.
static int present_number(const char *base) {
   char command[256], answer[256] = "";
   snprintf(command, sizeof command, "ls '%s' | grep '^%s[.].*tmp$'", scratch_folder, base);
   FILE *pipe = popen(command, "r");
   assert_non_null(pipe);
   assert_non_null(fgets(answer, sizeof answer, pipe));
   pclose(pipe);
   return atoi(strrchr(answer, '-') + 1);
}

// What has the next names already, of whatever kind, is neither opened nor written to.
static void takes_only_names_that_nobody_has(void **context) {
   (void)context;
   char path[256], name[320], held[320];
   ScFile *file;
   snprintf(path, sizeof path, "%s", scratch("exclusive"));
   assert_ok(sc_file_create(&file, path));
   int n = present_number("exclusive");
   sc_file_abandon(file);
   spill(scratch("theirs"), "theirs", 6);
   snprintf(name, sizeof name, "%s.%ld-%d.tmp", path, (long)getpid(), n + 1);
   assert_int_equal(symlink(scratch("theirs"), name), 0);
   snprintf(held, sizeof held, "%s.%ld-%d.tmp", path, (long)getpid(), n + 2);
   assert_int_equal(mkdir(held, 0700), 0);
   assert_ok(sc_file_save(path, "mine", 4));
   assert_content(path, "mine");
   assert_content(scratch("theirs"), "theirs");
   assert_int_equal(unlink(name), 0);
   assert_int_equal(rmdir(held), 0);
   assert_int_equal(scratch_count("tmp"), 0);
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(a_write_of_nothing_is_a_failure),
       cmocka_unit_test(a_pipe_or_device_stays_what_it_is),
       cmocka_unit_test(a_file_that_cannot_be_emptied_does_not_stay),
       cmocka_unit_test(takes_only_names_that_nobody_has),
   };
   return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
