// Files that tell whether they are whole, and the thread that writes them.
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "host/core/transfer.h"
#include "host/files/safetensors_write.h"
#include "host/files/save.h"
#include "host/files/seal.h"
#include "tests/c/damage.h"

// ---- a disk that can be watched and broken: these stand before those of the C library ----

// What became of the file that is being written: its content on disk, its name, its name on disk.
enum { WRITTEN, SYNCED, NAMED, NAME_SYNCED };
static atomic_int stage;
static atomic_bool decays; // a bit flips on the way to the disk

static void flip_last_bit(int fd) {
   unsigned char last;
   off_t at = lseek(fd, 0, SEEK_END) - 1;
   assert_int_equal(pread(fd, &last, 1, at), 1);
   last ^= 1;
   assert_int_equal(pwrite(fd, &last, 1, at), 1);
}

int fsync(int fd) {
   struct stat info;
   assert_int_equal(fstat(fd, &info), 0);
   if (S_ISDIR(info.st_mode) ? stage == NAMED : stage == WRITTEN) stage++;
   if (decays && S_ISREG(info.st_mode)) flip_last_bit(fd);
   return (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to) {
   if (stage == SYNCED) stage++;
   return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static ScTensor *filled(int64_t n, double value) {
   ScTensor *t;
   assert_ok(sc_tensor_new(&t, test_device(), SC_F32, 4, (int64_t[]){n, 3, 2, 2}));
   assert_ok(sc_tensor_fill(t, value));
   return t;
}

static void make_state(ScState *state, int64_t n) {
   *state = (ScState){0};
   assert_ok(sc_state_add(state, "weight", filled(n, 1.5)));
   assert_ok(sc_state_add(state, "checksum", filled(1, 2)));
   assert_ok(sc_state_annotate(state, "state", "{\"checksum\":\"00000000\"}"));
   assert_ok(sc_state_annotate(state, "checksum", "of the file that this was read from"));
}

static void a_sealed_file_is_read_and_verified(void **context) {
   (void)context;
   ScState made, again;
   const char *path = scratch("sealed.safetensors");
   make_state(&made, 5);
   assert_ok(sc_safetensors_write_sealed(path, &made));
   assert_ok(sc_seal_verify(path));
   assert_ok(load(path, &again));
   assert_same_state(&made, &again);
   assert_int_equal(again.nmetadata, 2);
   assert_string_equal(again.metadata[0].key, "checksum");
   assert_int_equal(strlen(again.metadata[0].value), 8);
   assert_string_equal(again.metadata[1].value, made.metadata[0].value);
   assert_ok(sc_safetensors_write_sealed(scratch("again.safetensors"), &again));
   assert_ok(sc_seal_verify(scratch("again.safetensors")));
   sc_state_free(&made);
   sc_state_free(&again);
}

static void every_bit_counts(void **context) {
   (void)context;
   ScState made;
   size_t size;
   make_state(&made, 2);
   assert_ok(sc_safetensors_write_sealed(scratch("whole"), &made));
   sc_state_free(&made);
   unsigned char *bytes = slurp(scratch("whole"), &size);
   const char *changed = scratch("changed");
   for (size_t bit = 0; bit < 8 * size; bit++) {
      bytes[bit / 8] ^= 1u << bit % 8;
      spill(changed, bytes, size);
      bytes[bit / 8] ^= 1u << bit % 8;
      if (sc_seal_verify(changed) != SC_EFORMAT) fail_msg("bit %zu of %zu does not count", bit, 8 * size);
      assert_non_null(strstr(sc_error(), changed));
   }
   for (size_t n = 0; n < size; n++) {
      spill(changed, bytes, n);
      if (sc_seal_verify(changed) != SC_EFORMAT) fail_msg("cut to %zu bytes it is whole", n);
   }
   free(bytes);
}

static void refuses_what_is_not_sealed(void **context) {
   (void)context;
   ScState made = {0};
   assert_ok(sc_state_add(&made, "checksum", filled(1, 2)));
   assert_ok(sc_safetensors_write(scratch("plain"), &made));
   assert_fails(sc_seal_verify(scratch("plain")), SC_EFORMAT, "plain: it has no checksum");
   assert_fails(sc_seal_verify(scratch("nothing")), SC_EIO, "nothing: No such file");
   sc_state_free(&made);
}

// The thread writes what was there when it began, whatever happens to the tensors and the state.
static void writes_what_was_there(void **context) {
   (void)context;
   ScSave *saves[8];
   char path[128];
   size_t live = sc_device_memory(test_device()).live;
   for (int i = 0; i < 8; i++) {
      ScState state;
      make_state(&state, 50000);
      snprintf(path, sizeof path, "%s/later%d", scratch_folder, i);
      assert_ok(sc_save_begin(&saves[i], path, &state));
      for (int k = 0; k < 3; k++) assert_ok(sc_tensor_fill(state.entries[0].tensor, -k));
      sc_state_free(&state);
   }
   for (int i = 0; i < 8; i++) {
      ScState expected, found;
      double seconds = -1;
      while (i == 0 && !sc_save_done(saves[i])) sched_yield();
      assert_ok(sc_save_end(saves[i], &seconds));
      assert_true(seconds >= 0);
      snprintf(path, sizeof path, "%s/later%d", scratch_folder, i);
      assert_ok(sc_seal_verify(path));
      make_state(&expected, 50000);
      assert_ok(load(path, &found));
      assert_same_state(&expected, &found);
      sc_state_free(&expected);
      sc_state_free(&found);
   }
   assert_int_equal(sc_device_memory(test_device()).live, live);
}

static void tells_what_went_wrong(void **context) {
   (void)context;
   ScState state;
   ScSave *save;
   make_state(&state, 5);
   assert_ok(sc_save_begin(&save, scratch("nowhere/file"), &state));
   assert_fails(sc_save_end(save, NULL), SC_EIO, "nowhere/file: No such file or directory");
   sc_state_free(&state);
}

// A new name must not come to a disk before the content: after a power failure it would be that of an empty
// file.
static void is_on_disk_in_order(void **context) {
   (void)context;
   ScState state;
   make_state(&state, 5);
   stage = WRITTEN;
   assert_ok(sc_safetensors_write_sealed(scratch("ordered"), &state));
   assert_int_equal(stage, NAME_SYNCED);
   sc_state_free(&state);
}

// What is on disk is read back before it takes the name of what was there.
static void notices_what_a_disk_makes_of_it(void **context) {
   (void)context;
   ScState state;
   ScSave *save;
   size_t size;
   make_state(&state, 5);
   spill(scratch("decayed"), "old", 3);
   decays = true;
   assert_fails(sc_safetensors_write(scratch("decayed"), &state), SC_EFORMAT,
                "what was written does not read back: ");
   assert_fails(sc_safetensors_write_sealed(scratch("decayed"), &state), SC_EFORMAT,
                "what was written does not read back: ");
   assert_ok(sc_save_begin(&save, scratch("decayed"), &state));
   ScStatus status = sc_save_end(save, NULL);
   decays = false;
   assert_fails(status, SC_EFORMAT, "what was written does not read back: ");
   assert_int_equal(scratch_count("decayed"), 1);
   free(slurp(scratch("decayed"), &size));
   assert_int_equal(size, 3);
   assert_ok(sc_save_begin(&save, scratch("decayed"), &state));
   assert_ok(sc_save_end(save, NULL));
   assert_ok(sc_seal_verify(scratch("decayed")));
   sc_state_free(&state);
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(a_sealed_file_is_read_and_verified),
       cmocka_unit_test(every_bit_counts),
       cmocka_unit_test(refuses_what_is_not_sealed),
       cmocka_unit_test(writes_what_was_there),
       cmocka_unit_test(tells_what_went_wrong),
       cmocka_unit_test(is_on_disk_in_order),
       cmocka_unit_test(notices_what_a_disk_makes_of_it),
   };
   return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
