#define _GNU_SOURCE // CLOCK_PROCESS_CPUTIME_ID
#include "host/machine/monitor.h"

#include <glob.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/machine/machine.h"

struct ScMonitor {
   char *root;
   ScNvml *nvml;
   double wall, used;         // seconds, at the last sample
   double busy, all;          // ticks of the whole machine
   double throttles;          // how often cores were throttled since the machine started
   char temperature[64][160]; // files that tell the processor's temperature
   int ntemperature;
};

// ---- files ----

// The first number in a file, NAN where there is none.
static double number_in(const char *path) {
   double value;
   FILE *f = fopen(path, "r");
   if (!f) return NAN;
   if (fscanf(f, "%lf", &value) != 1) value = NAN;
   fclose(f);
   return value;
}

static void word_in(const char *path, char word[32]) {
   word[0] = 0;
   FILE *f = fopen(path, "r");
   if (!f) return;
   if (fscanf(f, "%31s", word) != 1) word[0] = 0;
   fclose(f);
}

// Calls visit(context, path) for every file that a pattern below the root matches.
static void each(const ScMonitor *m, const char *pattern, void (*visit)(void *, const char *), void *context) {
   char whole[PATH_MAX];
   glob_t found;
   if (snprintf(whole, sizeof whole, "%s%s", m->root, pattern) >= (int)sizeof whole) return;
   if (glob(whole, 0, NULL, &found) == 0)
      for (size_t i = 0; i < found.gl_pathc; i++) visit(context, found.gl_pathv[i]);
   globfree(&found);
}

// ---- temperature ----

static void keep_temperature(ScMonitor *m, const char *path) {
   size_t room = sizeof m->temperature / sizeof m->temperature[0];
   if ((size_t)m->ntemperature < room && strlen(path) < sizeof m->temperature[0] && !isnan(number_in(path)))
      strcpy(m->temperature[m->ntemperature++], path);
}

static bool is_one_of(const char *word, const char *const *list) {
   for (; *list; list++)
      if (strncmp(word, *list, strlen(*list)) == 0) return true;
   return false;
}

// path: .../hwmonN/name. The sensors of the processor have these drivers on Intel, AMD and ARM.
static void visit_hwmon(void *context, const char *path) {
   static const char *const drivers[] = {"coretemp", "k10temp", "zenpower", "cpu_thermal", NULL};
   ScMonitor *m = context;
   char driver[32], file[160];
   word_in(path, driver);
   if (!is_one_of(driver, drivers)) return;
   for (int i = 1; i <= 64; i++) {
      int n = snprintf(file, sizeof file, "%.*s/temp%d_input", (int)(strrchr(path, '/') - path), path, i);
      if (n < (int)sizeof file) keep_temperature(m, file);
   }
}

// path: .../thermal_zoneN/type
static void visit_zone(void *context, const char *path) {
   static const char *const zones[] = {"x86_pkg_temp", "cpu", "soc", "acpitz", NULL};
   char type[32], file[160];
   word_in(path, type);
   int n = snprintf(file, sizeof file, "%.*s/temp", (int)(strrchr(path, '/') - path), path);
   if (n < (int)sizeof file && is_one_of(type, zones)) keep_temperature(context, file);
}

static double temperature(const ScMonitor *m) {
   double highest = NAN;
   for (int i = 0; i < m->ntemperature; i++) highest = fmax(highest, number_in(m->temperature[i]) / 1000);
   return highest;
}

// ---- processor ----

static void add_number(void *context, const char *path) {
   double *sum = context, n = number_in(path);
   if (!isnan(n)) *sum = (isnan(*sum) ? 0 : *sum) + n;
}

// NAN where the kernel does not count.
static double throttles(const ScMonitor *m) {
   double sum = NAN;
   each(m, "/sys/devices/system/cpu/cpu[0-9]*/thermal_throttle/core_throttle_count", add_number, &sum);
   each(m, "/sys/devices/system/cpu/cpu[0-9]*/thermal_throttle/package_throttle_count", add_number, &sum);
   return sum;
}

static double seconds(clockid_t clock) {
   struct timespec t;
   return clock_gettime(clock, &t) == 0 ? (double)t.tv_sec + 1e-9 * (double)t.tv_nsec : NAN;
}

// Ticks of all processors since the machine started; idle and waiting for disks are not busy.
static void machine_ticks(const ScMonitor *m, double *busy, double *all) {
   char path[PATH_MAX];
   double t[8];
   *busy = *all = NAN;
   if (snprintf(path, sizeof path, "%s/proc/stat", m->root) >= (int)sizeof path) return;
   FILE *f = fopen(path, "r");
   if (!f) return;
   if (fscanf(f, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6],
              &t[7]) == 8) {
      *all = 0;
      for (int i = 0; i < 8; i++) *all += t[i];
      *busy = *all - t[3] - t[4];
   }
   fclose(f);
}

static void processor(ScMonitor *m, ScSample *out) {
   double wall = seconds(CLOCK_MONOTONIC), used = seconds(CLOCK_PROCESS_CPUTIME_ID), busy, all;
   machine_ticks(m, &busy, &all);
   double count = throttles(m);
   out->cores = wall > m->wall ? (used - m->used) / (wall - m->wall) : NAN;
   out->machine = all > m->all ? (busy - m->busy) / (all - m->all) : NAN;
   out->throttled = count > m->throttles;
   m->wall = wall, m->used = used, m->busy = busy, m->all = all, m->throttles = count;
}

// ---- memory ----

static void memory(const ScMonitor *m, ScSample *out) {
   char path[PATH_MAX], line[256];
   double kilobytes;
   out->resident = out->peak_resident = NAN;
   size_t available = sc_available_memory();
   out->available = available ? (double)available : NAN;
   if (snprintf(path, sizeof path, "%s/proc/self/status", m->root) >= (int)sizeof path) return;
   FILE *f = fopen(path, "r");
   if (!f) return;
   while (fgets(line, sizeof line, f)) {
      if (sscanf(line, "VmRSS: %lf kB", &kilobytes) == 1) out->resident = 1024 * kilobytes;
      if (sscanf(line, "VmHWM: %lf kB", &kilobytes) == 1) out->peak_resident = 1024 * kilobytes;
   }
   fclose(f);
}

// ---- all of it ----

ScStatus sc_monitor_new(const char *root, const char *nvml, ScMonitor **out) {
   ScMonitor *m = calloc(1, sizeof *m);
   char *copy = strdup(root);
   *out = m;
   if (!m || !copy) {
      free(m), free(copy);
      *out = NULL;
      return sc_fail(SC_EMEM, "monitor: out of memory");
   }
   m->root = copy;
   m->nvml = sc_nvml_open(nvml);
   each(m, "/sys/class/hwmon/hwmon*/name", visit_hwmon, m);
   if (m->ntemperature == 0) each(m, "/sys/class/thermal/thermal_zone*/type", visit_zone, m);
   ScSample start;
   processor(m, &start);
   return SC_OK;
}

void sc_monitor_free(ScMonitor *m) {
   if (!m) return;
   sc_nvml_close(m->nvml);
   free(m->root);
   free(m);
}

void sc_monitor_sample(ScMonitor *m, ScSample *out) {
   *out = (ScSample){.temperature = temperature(m)};
   memory(m, out);
   processor(m, out);
   out->ngpus = sc_nvml_read(m->nvml, out->gpus);
}
