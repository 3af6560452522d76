// A folder that belongs to one process: held, let go of, left over by a killed process, moved, and without
// locks.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "host/files/lock.h"
#include "tests/c/scratch.h"

// ---- a file system that can be without locks, and on which others act at a bad moment ----

static bool without_locks, wants_writing;
static void (*before_lock)(void); // what another process does between our open and our lock, once

int flock(int fd, int how) {
   if (before_lock) {
      void (*act)(void) = before_lock;
      before_lock = NULL;
      act();
   }
   if (without_locks) {
      errno = ENOLCK;
      return -1;
   }
   if (wants_writing && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY) {
      errno = EBADF;
      return -1;
   }
   return (int)syscall(SYS_flock, fd, how);
}

static char who[SC_LOCK_HOLDER];

static ScLock *taken(const char *path) {
   ScLock *lock;
   assert_ok(sc_lock_take(&lock, path, who));
   assert_non_null(lock);
   return lock;
}

static void is_held(const char *path) {
   ScLock *lock;
   assert_ok(sc_lock_take(&lock, path, who));
   assert_null(lock);
}

static void one_has_it_until_it_lets_go(void **state) {
   (void)state;
   const char *path = scratch("a/new/folder/run.lock");
   ScLock *first = taken(path);
   char own[32];
   snprintf(own, sizeof own, "process %d on ", (int)getpid());
   is_held(path);
   assert_ptr_equal(strstr(who, own), who);
   assert_null(strchr(who, '\n'));
   assert_true(strlen(who) > strlen(own));
   sc_lock_release(first);
   assert_int_equal(access(path, F_OK), -1);
   sc_lock_release(taken(path));
   sc_lock_release(NULL);
}

// A process of its own that takes the lock, and has it when this returns.
static pid_t other_process(const char *path) {
   int ready[2];
   assert_int_equal(pipe(ready), 0);
   pid_t pid = fork();
   if (pid == 0) {
      ScLock *lock;
      char byte = sc_lock_take(&lock, path, who) == SC_OK && lock ? 'y' : 'n';
      if (write(ready[1], &byte, 1) == 1) pause();
      _exit(1);
   }
   char byte = 0;
   assert_int_equal(read(ready[0], &byte, 1), 1);
   assert_int_equal(byte, 'y');
   close(ready[0]);
   close(ready[1]);
   return pid;
}

static void a_killed_process_leaves_none(void **state) {
   (void)state;
   const char *path = scratch("killed/run.lock");
   pid_t pid = other_process(path);
   char theirs[32];
   snprintf(theirs, sizeof theirs, "process %d on ", (int)pid);
   is_held(path);
   assert_ptr_equal(strstr(who, theirs), who);
   kill(pid, SIGKILL);
   waitpid(pid, NULL, 0);
   assert_int_equal(access(path, F_OK), 0); // left over
   ScLock *lock = taken(path);
   is_held(path);
   assert_null(strstr(who, theirs));
   sc_lock_release(lock);
}

static void programs_that_it_starts_do_not_have_it(void **state) {
   (void)state;
   const char *path = scratch("child/run.lock");
   ScLock *lock = taken(path);
   FILE *child = popen("read line", "w");
   assert_non_null(child);
   sc_lock_release(lock);
   sc_lock_release(taken(path));
   fputs("\n", child);
   assert_int_equal(pclose(child), 0);
}

static void a_moved_folder_keeps_its_lock_and_the_new_one_has_another(void **state) {
   (void)state;
   const char *path = scratch("moving/run.lock"), *moved = scratch("moving.1/run.lock");
   ScLock *first = taken(path);
   assert_int_equal(rename(scratch("moving"), scratch("moving.1")), 0);
   is_held(moved);
   ScLock *second = taken(path);
   sc_lock_release(first);
   assert_int_equal(access(moved, F_OK), -1);
   assert_int_equal(access(path, F_OK), 0);
   is_held(path);
   sc_lock_release(second);
}

static void move_away(void) {
   assert_int_equal(rename(scratch("race"), scratch("race.1")), 0);
}

static void remove_it(void) {
   assert_int_equal(unlink(scratch("race/run.lock")), 0);
}

static void what_was_locked_is_what_has_the_name(void **state) {
   (void)state;
   const char *path = scratch("race/run.lock");
   before_lock = move_away;
   ScLock *lock = taken(path);
   assert_int_equal(access(path, F_OK), 0);
   is_held(path);
   sc_lock_release(lock);
   before_lock = remove_it;
   lock = taken(path);
   is_held(path);
   sc_lock_release(lock);
}

static void without_locks_everybody_goes_on(void **state) {
   (void)state;
   const char *path = scratch("none/run.lock");
   without_locks = true;
   ScLock *first = taken(path), *second = taken(path);
   sc_lock_release(second);
   sc_lock_release(first);
   without_locks = false;
   assert_int_equal(access(path, F_OK), -1);
}

// As NFS does.
static void an_exclusive_lock_may_want_a_file_open_for_writing(void **state) {
   (void)state;
   const char *path = scratch("nfs/run.lock");
   wants_writing = true;
   ScLock *lock = taken(path);
   is_held(path);
   sc_lock_release(lock);
   sc_lock_release(taken(path));
   wants_writing = false;
}

static void what_cannot_be_written_is_named(void **state) {
   (void)state;
   ScLock *lock;
   spill(scratch("file"), "x", 1);
   assert_fails(sc_lock_take(&lock, scratch("file/run.lock"), who), SC_EIO, "Not a directory");
   assert_ok(sc_lock_take(&lock, scratch("links/run.lock"), who));
   sc_lock_release(lock);
   assert_int_equal(symlink("/etc/passwd", scratch("links/run.lock")), 0);
   assert_fails(sc_lock_take(&lock, scratch("links/run.lock"), who), SC_EIO, "links/run.lock");
   assert_fails(sc_lock_take(&lock, "run.lock", who), SC_EARG, "lies in a folder");
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(one_has_it_until_it_lets_go),
       cmocka_unit_test(a_killed_process_leaves_none),
       cmocka_unit_test(programs_that_it_starts_do_not_have_it),
       cmocka_unit_test(a_moved_folder_keeps_its_lock_and_the_new_one_has_another),
       cmocka_unit_test(what_was_locked_is_what_has_the_name),
       cmocka_unit_test(without_locks_everybody_goes_on),
       cmocka_unit_test(an_exclusive_lock_may_want_a_file_open_for_writing),
       cmocka_unit_test(what_cannot_be_written_is_named),
   };
   return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
