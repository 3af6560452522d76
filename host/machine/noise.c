#include "host/machine/noise.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DASHES = 74 };

void sc_noise_begin(ScNoise *noise, int out) {
   noise->out = out;
   noise->rank = -1;
   noise->signal = noise->code = 0;
   noise->said = noise->broken = noise->block = noise->line = false;
   noise->n = 0;
}

// Where nobody reads any more there is nobody to tell.
static void pass(const ScNoise *noise, const char *bytes, size_t n) {
   while (n > 0) {
      ssize_t written = write(noise->out, bytes, n);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return;
      bytes += written;
      n -= (size_t)written;
   }
}

void sc_noise_flush(ScNoise *noise) {
   if (noise->n == 0) return;
   noise->line = noise->text[noise->n - 1] != '\n';
   noise->block = false;
   pass(noise, noise->text, noise->n);
   noise->n = 0;
}

// ---- blocks ----

// The first one counts: what follows is of processes that were ended for its sake.
static void note(ScNoise *noise, int rank, int signal, int code, bool said) {
   noise->said = noise->said || said;
   if (noise->rank < 0) noise->rank = rank;
   if (noise->rank != rank) return;
   if (signal) noise->signal = signal;
   if (code) noise->code = code;
}

// Whether a block is about the end of a process, which is noted, or comes of it (the folder of mpirun's that
// another one was about to use is gone then). The words are those of Open MPI 4.
static bool read_block(ScNoise *noise) {
   const char *text = noise->text, *at;
   int rank = -1, signal = 0, code = 0;
   if ((at = strstr(text, "MPI_ABORT was invoked on rank "))) {
      const char *number = strstr(at, "with errorcode ");
      sscanf(at, "MPI_ABORT was invoked on rank %d", &rank);
      if (number) sscanf(number, "with errorcode %d", &code);
      return note(noise, rank, 0, code, true), true;
   }
   if ((at = strstr(text, "noticed that process rank "))) {
      sscanf(at, "noticed that process rank %d with PID %*d on node %*s exited on signal %d", &rank, &signal);
      return note(noise, rank, signal, 0, false), true;
   }
   if ((at = strstr(text, "detected that one or more processes exited with non-zero status"))) {
      const char *name = strstr(at, "Process name: "), *number = strstr(at, "Exit code:");
      if (name) sscanf(name, "Process name: [[%*d,%*d],%d]", &rank);
      if (number) sscanf(number, "Exit code: %d", &code);
      return note(noise, rank, 0, code, false), true;
   }
   if ((at = strstr(text, "has exited due to process rank "))) {
      sscanf(at, "has exited due to process rank %d", &rank);
      return note(noise, rank, 0, 0, false), true;
   }
   return strstr(text, "Primary job  terminated normally, but ") != NULL ||
          strstr(text, "A system call failed during shared memory initialization") != NULL;
}

static bool is_fence(const char *line, size_t n) {
   if (n != DASHES + 1) return false;
   for (size_t i = 0; i < DASHES; i++)
      if (line[i] != '-') return false;
   return true;
}

// What stands between blocks: of those that several processes have in common, of some that came in halves, and
// of signals.
static bool is_of_blocks(const char *line) {
   if (strncmp(line, "mpirun: Forwarding signal ", 26) == 0) return true;
   return *line == '[' && (strstr(line, "] Set MCA parameter \"orte_base_help_aggregate\" to 0") ||
                           strstr(line, "/orte/util/show_help.c at line ") ||
                           strstr(line, " sent help message help-opal-shmem-mmap.txt / sys call fail") ||
                           strstr(line, " sent help message help-mpi-api.txt / mpi-abort"));
}

// Whether a line tells that nobody reads what mpirun writes, or is among what it has to say after that, down to
// a fault of its own.
static bool is_of_broken_pipe(ScNoise *noise) {
   const char *line = noise->text;
   if (*line == '[' && strstr(line, "] mpirun: SIGPIPE detected on fd ")) noise->broken = true;
   return noise->broken && (*line == '[' || *line == '\n' || strncmp(line, "mpirun: ", 8) == 0);
}

// Where the line that was completed last begins.
static size_t last_line(const ScNoise *noise) {
   size_t at = noise->n - 1;
   while (at > 0 && noise->text[at - 1] != '\n') at--;
   return at;
}

static void end_line(ScNoise *noise) {
   size_t at = last_line(noise);
   noise->text[noise->n] = 0;
   bool fence = is_fence(noise->text + at, noise->n - at);
   if (!noise->block && fence) {
      noise->block = true;
   } else if (!noise->block) {
      if (is_of_blocks(noise->text) || is_of_broken_pipe(noise)) noise->n = 0;
      sc_noise_flush(noise);
   } else if (fence) {
      if (read_block(noise)) noise->n = 0;
      sc_noise_flush(noise);
      noise->block = false;
   }
}

static void hold(ScNoise *noise, char c) {
   noise->text[noise->n++] = c;
   if (c == '\n')
      end_line(noise);
   else if (noise->n == sizeof noise->text - 1)
      sc_noise_flush(noise);
}

void sc_noise_take(ScNoise *noise, const char *bytes, size_t n) {
   const char *from = bytes, *end = bytes + n;
   for (const char *at = bytes; at < end; at++) {
      bool held =
          noise->block || noise->n > 0 || (!noise->line && strchr(noise->broken ? "-[m\n" : "-[m", *at));
      if (!held) {
         noise->line = *at != '\n';
         continue;
      }
      pass(noise, from, (size_t)(at - from));
      hold(noise, *at);
      from = at + 1;
   }
   pass(noise, from, (size_t)(end - from));
}
