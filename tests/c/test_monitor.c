// How the machine is doing: sensors and counters in a made-up /sys and /proc, and a made-up NVML.
#include <math.h>

#include "tests/c/scratch.h"

#include "host/files/file.h"
#include "host/machine/group.h"
#include "host/machine/monitor.h"

static void put(const char *path, const char *text) {
   char whole[512];
   snprintf(whole, sizeof whole, "%s/%s", scratch_folder, path);
   *strrchr(whole, '/') = 0;
   assert_ok(sc_file_mkdirs(whole));
   snprintf(whole, sizeof whole, "%s/%s", scratch_folder, path);
   FILE *file = fopen(whole, "w");
   assert_non_null(file);
   fputs(text, file);
   fclose(file);
}

static void empty(void) {
   char command[256];
   snprintf(command, sizeof command, "rm -rf '%s'/sys '%s'/proc", scratch_folder, scratch_folder);
   assert_int_equal(system(command), 0);
}

static ScMonitor *monitor(const char *nvml) {
   ScMonitor *m;
   assert_ok(sc_monitor_new(scratch_folder, nvml, &m));
   return m;
}

static ScSample sample(ScMonitor *m) {
   ScSample s;
   sc_monitor_sample(m, &s);
   return s;
}

static void knows_nothing_where_nothing_is_told(void **state) {
   (void)state;
   empty();
   ScMonitor *m = monitor("libthere-is-none.so");
   ScSample s = sample(m);
   assert_true(isnan(s.resident) && isnan(s.peak_resident) && isnan(s.machine) && isnan(s.temperature));
   assert_false(s.throttled);
   assert_int_equal(s.ngpus, 0);
   sc_monitor_free(m);
   sc_monitor_free(NULL);
}

static void reads_memory_and_use(void **state) {
   (void)state;
   empty();
   put("proc/self/status", "Name:\tscute\nVmHWM:\t  3000 kB\nVmRSS:\t  2000 kB\n");
   put("proc/stat", "cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n");
   ScMonitor *m = monitor("none.so");
   put("proc/stat", "cpu  150 10 110 720 110 0 0 0 0 0\n"); // 70 of 100 ticks
   double sum = 0;
   for (int i = 0; i < 20000000; i++) sum += sqrt(i);
   assert_true(sum > 0);
   ScSample s = sample(m);
   assert_float_equal(s.resident, 2000 * 1024, 0);
   assert_float_equal(s.peak_resident, 3000 * 1024, 0);
   assert_float_equal(s.machine, 0.7, 1e-12);
   assert_true(s.cores > 0 && s.cores < 1.2); // one thread, with the clocks' coarseness
   sc_monitor_free(m);
}

static void finds_the_lowest_limit_of_its_groups(void **state) {
   (void)state;
   empty();
   assert_int_equal(sc_group_memory_left(scratch_folder), -1);
   put("proc/self/cgroup", "0::/jobs/one\n");
   put("sys/fs/cgroup/jobs/one/memory.max", "max\n");
   put("sys/fs/cgroup/jobs/one/memory.current", "500\n");
   assert_int_equal(sc_group_memory_left(scratch_folder), -1);
   put("sys/fs/cgroup/jobs/memory.max", "10000\n");
   put("sys/fs/cgroup/jobs/memory.current", "7000\n");
   assert_int_equal(sc_group_memory_left(scratch_folder), 3000);
   put("sys/fs/cgroup/jobs/one/memory.max", "2000\n");
   assert_int_equal(sc_group_memory_left(scratch_folder), 1500);
   put("sys/fs/cgroup/memory.max", "900\n"); // a container's own
   put("sys/fs/cgroup/memory.current", "1000\n");
   assert_int_equal(sc_group_memory_left(scratch_folder), 0);
   put("sys/fs/cgroup/memory.stat", "anon 100\nfile 900\ninactive_file 800\nactive_file 100\n");
   assert_int_equal(sc_group_memory_left(scratch_folder), 700); // photos that were read
}

static void finds_limits_of_the_first_version(void **state) {
   (void)state;
   empty();
   put("proc/self/cgroup", "9:cpu,cpuacct:/a\n4:memory:/on/the/host/only\n0::/\n");
   put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
   put("sys/fs/cgroup/memory/memory.usage_in_bytes", "1000\n");
   assert_true(sc_group_memory_left(scratch_folder) > 1LL << 60);
   put("sys/fs/cgroup/memory/memory.limit_in_bytes", "5000\n");
   put("sys/fs/cgroup/memory/memory.stat", "inactive_file 1\ntotal_inactive_file 200\n");
   assert_int_equal(sc_group_memory_left(scratch_folder), 4200);
   put("sys/fs/cgroup/memory/on/memory.limit_in_bytes", "3000\n");
   put("sys/fs/cgroup/memory/on/memory.usage_in_bytes", "1000\n");
   assert_int_equal(sc_group_memory_left(scratch_folder), 2000);
}

static void finds_the_lowest_quota_of_its_groups(void **state) {
   (void)state;
   empty();
   assert_int_equal(sc_group_processors(scratch_folder), -1);
   put("proc/self/cgroup", "0::/jobs/one\n");
   put("sys/fs/cgroup/jobs/one/cpu.max", "max 100000\n");
   assert_int_equal(sc_group_processors(scratch_folder), -1);
   put("sys/fs/cgroup/jobs/cpu.max", "450000 100000\n");
   assert_int_equal(sc_group_processors(scratch_folder), 5);
   put("sys/fs/cgroup/jobs/one/cpu.max", "10000 100000\n");
   assert_int_equal(sc_group_processors(scratch_folder), 1);
   empty();
   put("proc/self/cgroup", "9:cpu,cpuacct:/a\n3:cpuset:/b\n");
   put("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
   put("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
   put("sys/fs/cgroup/cpu/b/cpu.cfs_quota_us", "100000\n"); // not its own
   put("sys/fs/cgroup/cpu/b/cpu.cfs_period_us", "100000\n");
   assert_int_equal(sc_group_processors(scratch_folder), -1);
   put("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "200000\n");
   put("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
   assert_int_equal(sc_group_processors(scratch_folder), 2);
}

static void reads_the_hottest_sensor_of_the_processor(void **state) {
   (void)state;
   empty();
   put("sys/class/thermal/thermal_zone0/type", "iwlwifi_1\n");
   put("sys/class/thermal/thermal_zone0/temp", "99000\n");
   put("sys/class/thermal/thermal_zone1/type", "x86_pkg_temp\n");
   put("sys/class/thermal/thermal_zone1/temp", "71500\n");
   ScMonitor *m = monitor("none.so");
   assert_float_equal(sample(m).temperature, 71.5, 1e-9);
   put("sys/class/thermal/thermal_zone1/temp", "64000\n");
   assert_float_equal(sample(m).temperature, 64, 1e-9);
   sc_monitor_free(m);
   for (int zone = 2; zone <= 4; zone++) { // 62, 73 and 64 degrees
      char path[64], text[16];
      snprintf(path, sizeof path, "sys/class/thermal/thermal_zone%d/type", zone);
      put(path, "x86_pkg_temp\n");
      snprintf(path, sizeof path, "sys/class/thermal/thermal_zone%d/temp", zone);
      snprintf(text, sizeof text, "%d\n", zone == 3 ? 73000 : 60000 + 1000 * zone);
      put(path, text);
   }
   m = monitor("none.so");
   assert_float_equal(sample(m).temperature, 73, 1e-9);
   sc_monitor_free(m);
   put("sys/class/hwmon/hwmon0/name", "nvme\n");
   put("sys/class/hwmon/hwmon0/temp1_input", "80000\n");
   put("sys/class/hwmon/hwmon3/name", "coretemp\n");
   put("sys/class/hwmon/hwmon3/temp1_input", "50000\n");
   put("sys/class/hwmon/hwmon3/temp3_input", "55000\n");
   put("sys/class/hwmon/hwmon3/temp4_input", "broken\n");
   m = monitor("none.so");
   assert_float_equal(sample(m).temperature, 55, 1e-9);
   sc_monitor_free(m);
}

static void notices_a_throttled_processor(void **state) {
   (void)state;
   empty();
   put("sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "5\n");
   put("sys/devices/system/cpu/cpu11/thermal_throttle/core_throttle_count", "2\n");
   put("sys/devices/system/cpu/cpu11/thermal_throttle/package_throttle_count", "0\n");
   ScMonitor *m = monitor("none.so");
   assert_false(sample(m).throttled);
   put("sys/devices/system/cpu/cpu11/thermal_throttle/core_throttle_count", "3\n");
   assert_true(sample(m).throttled);
   assert_false(sample(m).throttled);
   sc_monitor_free(m);
}

static const char *fake_nvml(void) {
   char command[640];
   const char *path = scratch("libnvidia-ml.so.1");
   snprintf(command, sizeof command, "${CC:-cc} -shared -fPIC -o '%s' tests/logs/fake_nvml.c", path);
   assert_int_equal(system(command), 0);
   return path;
}

static void asks_nvml(void **state) {
   (void)state;
   empty();
   const char *library = fake_nvml();
   setenv("FAKE_NVML", "0", 1);
   ScMonitor *m = monitor(library);
   ScSample s = sample(m);
   assert_int_equal(s.ngpus, 2);
   const ScGpu *a = &s.gpus[0], *b = &s.gpus[1];
   assert_string_equal(a->name, "Fake GPU 0");
   assert_int_equal(b->index, 1);
   assert_float_equal(a->memory_used, 1073741824, 0);
   assert_float_equal(b->memory_used, 2147483648.0, 0);
   assert_float_equal(a->memory_total, 25769803776.0, 0);
   assert_float_equal(a->use, 0.9, 1e-12);
   assert_float_equal(b->use, 0.5, 1e-12);
   assert_float_equal(a->power, 215.5, 1e-9);
   assert_true(isnan(b->power));
   assert_float_equal(b->temperature, 81, 0);
   assert_false(a->hot || a->slowed || b->hot || b->slowed);
   static const struct {
      const char *reasons;
      bool hot, slowed;
   } cases[] = {{"40", true, false}, {"20", true, false}, {"8", false, true}, {"80", false, true},
                {"48", true, true},  {"4", false, false}, {"1", false, false}};
   for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
      setenv("FAKE_NVML", cases[i].reasons, 1);
      s = sample(m);
      if (s.gpus[1].hot != cases[i].hot || s.gpus[1].slowed != cases[i].slowed)
         fail_msg("%s", cases[i].reasons);
   }
   sc_monitor_free(m);
   setenv("FAKE_NVML", "fail", 1);
   assert_null(sc_nvml_open(library));
   setenv("FAKE_NVML", "none", 1);
   assert_null(sc_nvml_open(library));
   assert_null(sc_nvml_open("libm.so.6")); // a library without those functions
   unsetenv("FAKE_NVML");
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(knows_nothing_where_nothing_is_told),
       cmocka_unit_test(reads_memory_and_use),
       cmocka_unit_test(finds_the_lowest_limit_of_its_groups),
       cmocka_unit_test(finds_limits_of_the_first_version),
       cmocka_unit_test(finds_the_lowest_quota_of_its_groups),
       cmocka_unit_test(reads_the_hottest_sensor_of_the_processor),
       cmocka_unit_test(notices_a_throttled_processor),
       cmocka_unit_test(asks_nvml),
   };
   return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
