// Reader and writer of safetensors, and the atomic writer of files underneath.
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "host/core/transfer.h"
#include "host/files/file.h"
#include "host/files/safetensors_write.h"
#include "tests/c/damage.h"

#define GOLDEN "tests/golden/pth/"

static ScTensor *counting(ScDtype dtype, int rank, const int64_t *shape, double start) {
   ScTensor *t;
   assert_ok(sc_tensor_new(&t, test_device(), dtype, rank, shape));
   int64_t n = sc_numel(t);
   double *values = malloc((size_t)n * sizeof *values);
   for (int64_t i = 0; i < n; i++) values[i] = start + (double)i;
   assert_ok(sc_tensor_write_f64(t, values));
   free(values);
   return t;
}

static void make_state(ScState *state) {
   *state = (ScState){0};
   assert_ok(sc_state_add(state, "b.weight", counting(SC_F32, 4, (int64_t[]){2, 3, 4, 5}, -7)));
   assert_ok(sc_state_add(state, "a.half", counting(SC_F16, 1, (int64_t[]){3}, 1)));
   assert_ok(sc_state_add(state, "a.bytes", counting(SC_U8, 2, (int64_t[]){1, 5}, 2)));
   assert_ok(sc_state_add(state, "num_batches_tracked", counting(SC_I64, 0, NULL, 42)));
   assert_ok(sc_state_add(state, "a.double", counting(SC_F64, 1, (int64_t[]){2}, 0.5)));
   assert_ok(sc_state_add(state, "\"quoted\" \\ \xc3\xa9", counting(SC_BF16, 1, (int64_t[]){1}, 3)));
   assert_ok(sc_state_annotate(state, "classes", "[\"a\",\"b\"]"));
   assert_ok(sc_state_annotate(state, "model", "resnet18"));
}

static void what_is_written_is_read(void **context) {
   (void)context;
   ScState made, read;
   make_state(&made);
   const char *path = scratch("made.safetensors");
   assert_ok(sc_safetensors_write(path, &made));
   assert_ok(load(path, &read));
   assert_same_state(&made, &read);
   for (int i = 0; i < made.n; i++) assert_string_equal(made.entries[i].name, read.entries[i].name);
   assert_int_equal(read.nmetadata, 2);
   assert_string_equal(read.metadata[0].key, "classes");
   assert_string_equal(read.metadata[0].value, "[\"a\",\"b\"]");
   assert_string_equal(read.metadata[1].value, "resnet18");
   sc_state_free(&made);
   sc_state_free(&read);
}

static void data_lies_aligned(void **context) {
   (void)context;
   ScState made;
   size_t size;
   make_state(&made);
   assert_ok(sc_safetensors_write(scratch("made.safetensors"), &made));
   sc_state_free(&made);
   unsigned char *bytes = slurp(scratch("made.safetensors"), &size);
   uint64_t header;
   memcpy(&header, bytes, 8);
   assert_int_equal(header % 8, 0);
   // The eight-byte elements come first: 42, then 0.5.
   int64_t tracked;
   double half;
   memcpy(&tracked, bytes + 8 + header, 8);
   memcpy(&half, bytes + 8 + header + 8, 8);
   assert_int_equal(tracked, 42);
   assert_true(half == 0.5);
   // then row-major float32 in spite of channels-last memory
   for (int i = 0; i < 120; i++) {
      float value;
      memcpy(&value, bytes + 8 + header + 24 + 4 * i, 4);
      assert_true(value == (float)(i - 7));
   }
   free(bytes);
}

static void an_empty_state_is_a_file(void **context) {
   (void)context;
   ScState none = {0}, read;
   assert_ok(sc_safetensors_write(scratch("none.safetensors"), &none));
   assert_ok(load(scratch("none.safetensors"), &read));
   assert_int_equal(read.n, 0);
}

// A file from its header text and a number of zero bytes.
static const char *craft(const char *header, size_t data) {
   char bytes[1024] = {0};
   uint64_t length = strlen(header);
   memcpy(bytes, &length, 8);
   memcpy(bytes + 8, header, length);
   spill(scratch("crafted.safetensors"), bytes, 8 + length + data);
   return scratch("crafted.safetensors");
}

#define ENTRY(dtype, shape, offsets)                                                                           \
   "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static const struct {
   const char *header;
   size_t data;
   const char *message;
} refused[] = {
    {"{\"a\":" ENTRY("F32", "[2]", "[0,8]") ",\"a\":" ENTRY("F32", "[2]", "[0,8]") "}", 8, "duplicate"},
    {"{\"a\":" ENTRY("F8_E4M3", "[8]", "[0,8]") "}", 8, "entry 'a' has dtype F8_E4M3"},
    {"{\"a\":" ENTRY("F32", "[3]", "[0,8]") "}", 8, "needs 12 bytes, its data_offsets hold 8"},
    {"{\"a\":" ENTRY("F32", "[2]", "[0,8]") "}", 7, "is truncated: entry 'a'"},
    {"{\"a\":" ENTRY("F32", "[2]", "[0,8]") "}", 9, "1 bytes at the end belong to no entry"},
    {"{\"a\":" ENTRY("F32", "[2]", "[8,0]") "}", 8, "out of order"},
    {"{\"a\":" ENTRY("F32", "[2]", "[-8,0]") "}", 8, "out of order"},
    {"{\"a\":" ENTRY("F32", "[2]", "[4,12]") "}", 12, "leaves a hole"},
    {"{\"a\":" ENTRY("F32", "[2]", "[0,8]") ",\"b\":" ENTRY("F32", "[2]", "[4,12]") "}", 12, "overlaps"},
    {"{\"a\":" ENTRY("F32", "[4611686018427387904,4]", "[0,8]") "}", 8, "too large"},
    {"{\"a\":" ENTRY("F32", "[0]", "[0,0]") "}", 0, "not a positive whole number"},
    {"{\"a\":" ENTRY("F32", "[2.0]", "[0,8]") "}", 8, "not a positive whole number"},
    {"{\"a\":" ENTRY("F32", "[1,1,1,1,1,1,1,1,2]", "[0,8]") "}", 8, "more than 8 dimensions"},
    {"{\"a\":" ENTRY("F32", "2", "[0,8]") "}", 8, "has no shape"},
    {"{\"a\":" ENTRY("F32", "[2]", "[0]") "}", 8, "no data_offsets"},
    {"{\"a\":" ENTRY("F32", "[2]", "[0,18446744073709551616]") "}", 8, "damaged safetensors header"},
    {"{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "has no dtype"},
    {"{\"a\":[]}", 0, "is not a JSON object"},
    {"{\"__metadata__\":{\"x\":1}}", 0, "not a string"},
    {"{\"__metadata__\":[]}", 0, "is not a JSON object"},
    {"{\"a\\u0000b\":" ENTRY("F32", "[2]", "[0,8]") "}", 8, "damaged safetensors header"},
    {"{} x", 0, "damaged safetensors header"},
    {"{\"a\":", 8, "damaged safetensors header"},
};

static void refuses_with_a_reason(void **context) {
   (void)context;
   for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
      ScState state;
      const char *path = craft(refused[i].header, refused[i].data);
      if (load(path, &state) != SC_EFORMAT) fail_msg("not refused: %s", refused[i].header);
      if (!strstr(sc_error(), refused[i].message)) fail_msg("%s: found: %s", refused[i].header, sc_error());
      assert_non_null(strstr(sc_error(), path));
   }
}

static void a_header_beyond_reason_is_refused(void **context) {
   (void)context;
   ScState state;
   char bytes[16] = "\xff\xff\xff\xff\xff\xff\xff\x7f{}";
   spill(scratch("long.safetensors"), bytes, sizeof bytes);
   assert_fails(load(scratch("long.safetensors"), &state), SC_EFORMAT, "at most 33554432");
}

// A header of this many bytes: `begin`, and then `again` (with a number in the place of its #) as often as
// there is room, and blanks.
static const char *bloat(size_t length, const char *begin, const char *again) {
   char *bytes = malloc(8 + length + 100), *at = bytes + 8, *end = at + length;
   const char *mark = strchr(again, '#');
   memcpy(bytes, &(uint64_t){length}, 8);
   at += sprintf(at, "%s", begin);
   for (int n = 0; at + strlen(again) + 10 < end; n++)
      at += sprintf(at, "%.*s%d%s", (int)(mark - again), again, n, mark + 1);
   memset(at, ' ', (size_t)(end - at));
   spill(scratch("bloated.safetensors"), bytes, 8 + length);
   free(bytes);
   return scratch("bloated.safetensors");
}

static long peak_kilobytes(void) {
   struct rusage used;
   assert_int_equal(getrusage(RUSAGE_SELF, &used), 0);
   return used.ru_maxrss;
}

// What is to be parsed is counted before: parsed, most of these would take forty times the file.
static void a_header_made_to_be_large_is_not_parsed(void **context) {
   (void)context;
   static const struct {
      const char *begin, *again, *message;
   } cases[] = {
       {"{\"a\":{}", ",\"#\":{}", "more than 20000 entries"},
       {"{\"a\":{\"shape\":[1]", ",\"#\":[]", "far more values"},
       {"{\"a\":{\"shape\":[1]", ",\"#\":{}", "far more values"},
       {"{\"a\":{\"shape\":[1", ",#", "far more values"},
       {"{\"__metadata__\":{\"a\":\"\"", ",\"#\":\"\"", "far more values"},
       {"{\"a\":{\"shape\":[1", ",[[#", "nested deeper"},
       {"{\"a\\\"", "#", "a name of "},
   };
   enum { LENGTH = 24 << 20 };
#ifdef __SANITIZE_ADDRESS__ // keeps what is freed
   enum { MOST = 30 * LENGTH / 1024 };
#else
   enum { MOST = 3 * LENGTH / 1024 };
#endif
   long before = peak_kilobytes();
   for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
      ScState state;
      const char *path = bloat(LENGTH, cases[i].begin, cases[i].again);
      assert_fails(load(path, &state), SC_EFORMAT, cases[i].message);
   }
   assert_in_range(peak_kilobytes() - before, 0, MOST);
}

static void truncated_and_changed_files(void **context) {
   (void)context;
   every_prefix_fails(GOLDEN "tiny.safetensors");
   every_prefix_fails(GOLDEN "same.safetensors");
   changes_do_no_harm(GOLDEN "tiny.safetensors", 16);
   changes_do_no_harm(GOLDEN "same.safetensors", 2);
}

static void names_must_be_writable(void **context) {
   (void)context;
   ScState state = {0};
   const char *path = scratch("names.safetensors");
   assert_ok(sc_state_add(&state, "a", counting(SC_F32, 1, (int64_t[]){1}, 0)));
   assert_ok(sc_state_add(&state, "a", counting(SC_F32, 1, (int64_t[]){1}, 0)));
   assert_fails(sc_safetensors_write(path, &state), SC_EARG, "'a' is there twice");
   strcpy(state.entries[1].name, "\xff");
   assert_fails(sc_safetensors_write(path, &state), SC_EARG, "not valid UTF-8");
   sc_state_free(&state);
   assert_ok(sc_state_annotate(&state, "k", "\xff"));
   assert_fails(sc_safetensors_write(path, &state), SC_EARG, "'k' is not valid UTF-8");
   sc_state_free(&state);
   char *name = calloc(SC_MAXNAME + 2, 1);
   memset(name, 'n', SC_MAXNAME + 1);
   assert_ok(sc_state_add(&state, name, counting(SC_F32, 1, (int64_t[]){1}, 0)));
   free(name);
   assert_fails(sc_safetensors_write(path, &state), SC_EARG, "a name has 1001 bytes, at most 1000");
   sc_state_free(&state);
   assert_int_not_equal(access(path, F_OK), 0);
}

// Files.

static void replaces_at_once(void **context) {
   (void)context;
   const char *path = scratch("file");
   size_t size;
   ScFile *file;
   assert_ok(sc_file_save(path, "old", 3));
   assert_ok(sc_file_create(&file, path));
   assert_ok(sc_file_write(file, "newer", 5));
   unsigned char *bytes = slurp(path, &size);
   assert_int_equal(size, 3);
   free(bytes);
   assert_ok(sc_file_commit(file));
   bytes = slurp(path, &size);
   assert_int_equal(size, 5);
   assert_memory_equal(bytes, "newer", 5);
   free(bytes);
   assert_int_equal(scratch_count("tmp"), 0);
}

static void abandoning_leaves_the_old_one(void **context) {
   (void)context;
   const char *path = scratch("file");
   size_t size;
   ScFile *file;
   assert_ok(sc_file_save(path, "old", 3));
   assert_ok(sc_file_create(&file, path));
   assert_ok(sc_file_write(file, "newer", 5));
   assert_int_equal(scratch_count("tmp"), 1);
   sc_file_abandon(file);
   assert_int_equal(scratch_count("tmp"), 0);
   free(slurp(path, &size));
   assert_int_equal(size, 3);
}

// What a killed program left goes with the next save; what another one is just writing stays.
static void removes_what_a_dead_writer_left(void **context) {
   (void)context;
   char path[256];
   snprintf(path, sizeof path, "%s", scratch("again"));
   ScFile *file;
   assert_ok(sc_file_save(scratch("again.1-0.tmp"), "half", 4));
   assert_ok(sc_file_save(scratch("again.4000000-17.tmp"), "half", 4));
   assert_ok(sc_file_save(scratch("again.and.1-0.tmp"), "another's", 9));
   assert_ok(sc_file_save(scratch("again.1-x.tmp"), "mine", 4));
   assert_ok(sc_file_create(&file, path));
   assert_ok(sc_file_save(path, "new", 3));
   assert_int_equal(scratch_count("tmp"), 3); // the open one, and the two that are no left-overs of this file
   assert_ok(sc_file_write(file, "newest", 6));
   assert_ok(sc_file_commit(file));
   assert_int_equal(scratch_count("tmp"), 2);
   assert_int_equal(unlink(scratch("again.and.1-0.tmp")), 0);
   assert_int_equal(unlink(scratch("again.1-x.tmp")), 0);
}

// A limit on file size fails in the middle of a write, as a full disk does.
static void a_full_disk_loses_nothing(void **context) {
   (void)context;
   const char *path = scratch("big.safetensors");
   ScState state = {0};
   struct rlimit old, small;
   assert_ok(sc_file_save(path, "old", 3));
   assert_ok(sc_state_add(&state, "a", counting(SC_F32, 1, (int64_t[]){100000}, 0)));
   assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
   small = (struct rlimit){20000, old.rlim_max};
   signal(SIGXFSZ, SIG_IGN);
   assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
   ScStatus status = sc_safetensors_write(path, &state);
   char message[512];
   snprintf(message, sizeof message, "%s", sc_error());
   assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
   signal(SIGXFSZ, SIG_DFL);
   assert_int_equal(status, SC_EIO);
   assert_non_null(strstr(message, path));
   assert_non_null(strstr(message, "nothing that was there before is changed"));
   assert_int_equal(scratch_count("tmp"), 0);
   size_t size;
   free(slurp(path, &size));
   assert_int_equal(size, 3);
   sc_state_free(&state);
}

static void folders_that_cannot_be_written(void **context) {
   (void)context;
   assert_fails(sc_file_save(scratch("nowhere/file"), "x", 1), SC_EIO,
                "nowhere/file: No such file or directory");
   assert_fails(sc_file_save(scratch_folder, "x", 1), SC_EIO, "Is a directory");
   assert_fails(sc_file_save("", "x", 1), SC_EARG, "without a name");
   assert_ok(sc_file_mkdirs(scratch("closed")));
   assert_int_equal(chmod(scratch_folder, 0755), 0);
   assert_int_equal(chmod(scratch("closed"), 0555), 0);
   bool root = geteuid() == 0;
   if (root) assert_int_equal(seteuid(65534), 0);
   ScStatus status = sc_file_save(scratch("closed/file"), "x", 1);
   if (root) assert_int_equal(seteuid(0), 0);
   assert_fails(status, SC_EIO, "closed/file: Permission denied");
}

static void a_folder_that_vanishes(void **context) {
   (void)context;
   ScFile *file;
   const char *folder = scratch("vanishing"), *path = scratch("vanishing/file");
   char command[160];
   assert_ok(sc_file_mkdirs(folder));
   assert_ok(sc_file_create(&file, path));
   assert_ok(sc_file_write(file, "x", 1));
   snprintf(command, sizeof command, "rm -r '%s'", folder);
   assert_int_equal(system(command), 0);
   assert_fails(sc_file_commit(file), SC_EIO, "vanishing/file: No such file");
}

static void makes_folders(void **context) {
   (void)context;
   struct stat info;
   assert_ok(sc_file_mkdirs(scratch("a/b//c/")));
   assert_ok(sc_file_mkdirs(scratch("a/b//c/")));
   assert_int_equal(stat(scratch("a/b/c"), &info), 0);
   assert_ok(sc_file_save(scratch("a/file"), "x", 1));
   assert_fails(sc_file_mkdirs(scratch("a/file")), SC_EIO, "Not a directory");
   assert_fails(sc_file_mkdirs(scratch("a/file/d")), SC_EIO, "Not a directory");
   assert_fails(sc_file_mkdirs(""), SC_EARG, "without a name");
}

static void sha256_of_known_text(void **context) {
   (void)context;
   char hex[SC_SHA256_HEX];
   assert_ok(sc_file_save(scratch("abc"), "abc", 3));
   assert_ok(sha256_of(scratch("abc"), hex)); // FIPS 180-2, appendix B.1
   assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
   assert_ok(sc_file_save(scratch("none"), "", 0));
   assert_ok(sha256_of(scratch("none"), hex));
   assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
   assert_fails(sha256_of(scratch("missing"), hex), SC_EIO, "No such file");
}

static void one_writer_of_a_part(void **context) {
   (void)context;
   ScFile *first, *second;
   const char *path = scratch("weights");
   spill(scratch("weights.part"), "left over by a dead process", 27);
   assert_ok(sc_file_create_part(&first, path));
   assert_fails(sc_file_create_part(&second, path), SC_EIO, "another process is writing");
   assert_ok(sc_file_write(first, "x", 1));
   assert_ok(sc_file_commit(first));
   size_t size;
   free(slurp(path, &size));
   assert_int_equal(size, 1);
   assert_int_equal(scratch_count("part"), 0);
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(what_is_written_is_read),
       cmocka_unit_test(data_lies_aligned),
       cmocka_unit_test(an_empty_state_is_a_file),
       cmocka_unit_test(refuses_with_a_reason),
       cmocka_unit_test(a_header_beyond_reason_is_refused),
       cmocka_unit_test(a_header_made_to_be_large_is_not_parsed),
       cmocka_unit_test(truncated_and_changed_files),
       cmocka_unit_test(names_must_be_writable),
       cmocka_unit_test(replaces_at_once),
       cmocka_unit_test(abandoning_leaves_the_old_one),
       cmocka_unit_test(removes_what_a_dead_writer_left),
       cmocka_unit_test(a_full_disk_loses_nothing),
       cmocka_unit_test(folders_that_cannot_be_written),
       cmocka_unit_test(a_folder_that_vanishes),
       cmocka_unit_test(makes_folders),
       cmocka_unit_test(sha256_of_known_text),
       cmocka_unit_test(one_writer_of_a_part),
   };
   return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
