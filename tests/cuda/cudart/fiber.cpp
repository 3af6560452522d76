// The threads of one block. A thread that never waits runs to its end, and the next one follows on the same
// stack; one that waits keeps its stack, and the rest go on with another. Switching is a dozen instructions, no
// system call.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <vector>
#include <sys/mman.h>
#include "../core.h"
#include "../include/softgpu_threads.h"
#include "../softgpu.h"
#include "fiber.h"

#ifndef __x86_64__
#error "the software GPU switches stacks on x86-64 only"
#endif

extern "C" {
uint3 softgpu_thread_index, softgpu_block_index;
dim3 softgpu_block_size, softgpu_grid_size;
void softgpu_switch(void **save, void *load);
}

// Saves what a call must preserve on the old stack, takes it from the new one.
asm(R"(
   .text
   .globl softgpu_switch
   .hidden softgpu_switch
   .type softgpu_switch, @function
softgpu_switch:
   pushq %rbp
   pushq %rbx
   pushq %r12
   pushq %r13
   pushq %r14
   pushq %r15
   movq %rsp, (%rdi)
   movq %rsi, %rsp
   popq %r15
   popq %r14
   popq %r13
   popq %r12
   popq %rbx
   popq %rbp
   ret
   .size softgpu_switch, .-softgpu_switch
)");

namespace sg {

namespace {

const size_t stack_bytes = 128 << 10, guard_bytes = 4096;

struct Fiber {
   void *sp;
   char *stack; // its lowest page is a guard
};

enum State { running, at_barrier, in_exchange, gone };

struct Thread {
   Fiber *fiber;
   uint3 index;
   State state;
   int kind, lane, width, predicate;
   unsigned mask;
   uint64_t value;
   const char *file;
   int line;
};

enum class Order { forward, reverse, shuffle };

struct Block {
   const KernelRun *run = nullptr;
   std::vector<std::unique_ptr<Fiber>> fibers;
   std::vector<Fiber *> idle;
   std::vector<Thread> threads;
   std::vector<int> order; // in which threads start
   std::vector<int> scratch;
   std::vector<unsigned> live, exchanging; // a bit a lane, a word a warp
   std::deque<int> ready;
   size_t count = 0, started = 0, waiting = 0, exited = 0;
   int barrier_result = 0;
   int current = -1;
   Fiber *fiber = nullptr;
   void *main_sp = nullptr;
   Order how = Order::forward;
   uint64_t random = 1;
   std::vector<std::string> reported;
};

Block &block() {
   static auto *one = new Block;
   return *one;
}

uint64_t draw() {
   uint64_t &x = block().random;
   x ^= x << 13, x ^= x >> 7, x ^= x << 17;
   return x >> 16;
}

template <class T> void arrange(std::vector<T> &all) {
   if (block().how == Order::reverse) std::reverse(all.begin(), all.end());
   if (block().how == Order::shuffle)
      for (size_t i = all.size(); i > 1; i--) std::swap(all[i - 1], all[draw() % i]);
}

void set_thread_order(const char *text) {
   Block &b = block();
   b.how = strncmp(text, "reverse", 7) == 0   ? Order::reverse
           : strncmp(text, "shuffle", 7) == 0 ? Order::shuffle
                                              : Order::forward;
   const char *colon = strchr(text, ':');
   b.random = colon ? strtoull(colon + 1, nullptr, 10) * 2 + 1 : 1;
}

void fiber_main();

void prepare(Fiber &f) {
   auto top = reinterpret_cast<void **>(f.stack + stack_bytes);
   top -= 2;
   *top = reinterpret_cast<void *>(fiber_main);
   for (int i = 0; i < 6; i++) *--top = nullptr;
   f.sp = top;
}

Fiber *new_fiber() {
   auto f = std::make_unique<Fiber>();
   void *at =
       mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
   if (at == MAP_FAILED || mprotect(at, guard_bytes, PROT_NONE) != 0) {
      perror("softgpu: stack of a device thread");
      abort();
   }
   f->stack = static_cast<char *>(at);
   prepare(*f);
   block().fibers.push_back(std::move(f));
   return block().fibers.back().get();
}

void become(int t) {
   block().current = t;
   softgpu_thread_index = block().threads[size_t(t)].index;
}

// Leaves this stack for a thread that may go on, for one that has not begun, or, with neither, for run_block.
void leave(Fiber *self) {
   Block &b = block();
   if (!b.ready.empty()) {
      int t = b.ready.front();
      b.ready.pop_front();
      b.fiber = b.threads[size_t(t)].fiber;
      become(t);
   } else if (b.started < b.count) {
      if (b.idle.empty()) b.idle.push_back(new_fiber());
      b.fiber = b.idle.back();
      b.idle.pop_back();
   } else {
      b.fiber = nullptr;
   }
   if (b.fiber == self) return;
   softgpu_switch(&self->sp, b.fiber ? b.fiber->sp : b.main_sp);
}

void park() {
   Block &b = block();
   int t = b.current;
   b.threads[size_t(t)].fiber = b.fiber;
   leave(b.fiber);
   become(t);
}

void release(std::vector<int> &all) {
   arrange(all);
   for (int t : all) {
      block().threads[size_t(t)].state = running;
      if (t != block().current) block().ready.push_back(t);
   }
}

std::string place(const Thread &t) {
   const char *slash = strrchr(t.file, '/');
   return std::string(slash ? slash + 1 : t.file) + ":" + std::to_string(t.line);
}

int barrier_value(const std::vector<int> &all) {
   Block &b = block();
   int n = 0, count = int(all.size());
   for (int t : all) n += b.threads[size_t(t)].predicate != 0;
   switch (b.threads[size_t(all[0])].kind) {
   case softgpu_and: return n == count;
   case softgpu_or: return n != 0;
   default: return n;
   }
}

// Opens the barrier when every thread that still lives has come to it.
void try_barrier() {
   Block &b = block();
   if (b.waiting == 0 || b.waiting + b.exited < b.count) return;
   std::vector<int> &all = b.scratch;
   all.clear();
   for (int t : b.order)
      if (b.threads[size_t(t)].state == at_barrier) all.push_back(t);
   const Thread &first = b.threads[size_t(all[0])];
   for (int t : all) {
      const Thread &other = b.threads[size_t(t)];
      if (other.line != first.line || (other.file != first.file && strcmp(other.file, first.file) != 0))
         kernel_violation(*b.run, "sites",
                          "threads of one block wait at different barriers: " + place(first) + " and " +
                              place(other));
   }
   if (b.exited > 0)
      kernel_violation(*b.run, "exited",
                       std::to_string(b.exited) + " of " + std::to_string(b.count) +
                           " threads had ended before the barrier at " + place(first));
   b.barrier_result = barrier_value(all);
   b.waiting = 0;
   release(all);
}

int source_lane(const Thread &t, int lane) {
   int low = lane & ~(t.width - 1), high = lane | (t.width - 1), from;
   switch (t.kind) {
   case softgpu_up: from = lane - t.lane; return from < low ? lane : from;
   case softgpu_down: from = lane + t.lane; return from > high ? lane : from;
   case softgpu_xor: from = lane ^ t.lane; return from > high ? lane : from;
   default: return low | (t.lane & (t.width - 1));
   }
}

uint64_t exchanged(const uint64_t *values, const Thread &t, int lane, unsigned took_part) {
   if (t.kind == softgpu_sync) return 0;
   if (t.kind == softgpu_ballot) {
      uint64_t votes = 0;
      for (int i = 0; i < 32; i++)
         if (took_part >> i & 1) votes |= (values[i] & 1) << i;
      return votes;
   }
   int from = source_lane(t, lane);
   if (from >= 0 && from < 32 && took_part >> from & 1) return values[from];
   kernel_violation(*block().run, "lane",
                    "a shuffle at " + place(t) + " reads lane " + std::to_string(from) +
                        ", which does not take part");
   return ~uint64_t(0);
}

// Does the exchange that `t` waits for, when all lanes of its mask that still live wait for it too.
void try_exchange(int t) {
   Block &b = block();
   size_t warp = size_t(t) / 32, first = warp * 32;
   const unsigned mask = b.threads[size_t(t)].mask, took_part = b.live[warp] & mask;
   const int kind = b.threads[size_t(t)].kind;
   if ((b.exchanging[warp] & took_part) != took_part) return;
   uint64_t values[32] = {0};
   std::vector<int> &all = b.scratch;
   all.clear();
   for (unsigned rest = took_part; rest; rest &= rest - 1) {
      size_t lane = size_t(__builtin_ctz(rest));
      const Thread &other = b.threads[first + lane];
      if (other.mask != mask || other.kind != kind) return;
      values[lane] = other.value;
      all.push_back(int(first + lane));
   }
   for (int other : all)
      b.threads[size_t(other)].value = exchanged(values, b.threads[size_t(other)], other & 31, took_part);
   b.exchanging[warp] &= ~took_part;
   release(all);
}

void ended(int t) {
   Block &b = block();
   b.threads[size_t(t)].state = gone;
   b.exited++;
   b.current = -1;
   size_t warp = size_t(t) / 32;
   b.live[warp] &= ~(1u << (t & 31));
   if (b.waiting) try_barrier();
   for (unsigned rest = b.exchanging[warp]; rest; rest &= b.exchanging[warp] & (rest - 1))
      try_exchange(int(warp) * 32 + __builtin_ctz(rest));
}

void fiber_main() {
   Block &b = block();
   Fiber *self = b.fiber;
   for (;;) {
      while (b.started < b.count) {
         int t = b.order[b.started++];
         become(t);
         b.run->invoke(b.run->function, b.run->arguments);
         ended(t);
      }
      b.idle.push_back(self);
      leave(self);
   }
}

std::string who_waits() {
   Block &b = block();
   std::string text;
   int listed = 0;
   for (size_t i = 0; i < b.count && listed < 4; i++) {
      const Thread &t = b.threads[i];
      if (i > 0 && t.state == b.threads[i - 1].state && t.line == b.threads[i - 1].line) continue;
      listed++;
      text += "; thread " + std::to_string(i) +
              (t.state == gone         ? " has ended"
               : t.state == at_barrier ? " waits at the barrier " + place(t)
                                       : " waits in a shuffle or vote at " + place(t));
   }
   return text;
}

} // namespace

void kernel_violation(const KernelRun &run, const char *key, const std::string &text) {
   auto &reported = block().reported;
   if (std::find(reported.begin(), reported.end(), key) != reported.end()) return;
   reported.push_back(key);
   violation("kernel %s, block (%u, %u, %u), thread (%u, %u, %u): %s", run.name, softgpu_block_index.x,
             softgpu_block_index.y, softgpu_block_index.z, softgpu_thread_index.x, softgpu_thread_index.y,
             softgpu_thread_index.z, text.c_str());
}

bool on_fiber_stack(const void *address) {
   for (auto &f : block().fibers)
      if (address >= f->stack && address < f->stack + stack_bytes) return true;
   return false;
}

void fibers_reset() {
   Block &b = block();
   b.idle.clear();
   for (auto &f : b.fibers) {
      prepare(*f);
      b.idle.push_back(f.get());
   }
}

void start_launch(const KernelRun &run) {
   Block &b = block();
   b.run = &run;
   b.reported.clear();
   b.count = size_t(run.block.x) * run.block.y * run.block.z;
   b.threads.assign(b.count, Thread());
   b.order.resize(b.count);
   b.live.resize((b.count + 31) / 32);
   b.exchanging.resize(b.live.size());
   for (size_t i = 0; i < b.count; i++) {
      unsigned n = unsigned(i);
      b.threads[i].index = {n % run.block.x, n / run.block.x % run.block.y, n / run.block.x / run.block.y};
      b.order[i] = int(i);
   }
   arrange(b.order);
   softgpu_block_size = run.block;
   softgpu_grid_size = run.grid;
}

bool run_block(const KernelRun &) {
   Block &b = block();
   for (auto &t : b.threads) t.state = running;
   for (size_t w = 0; w < b.live.size(); w++) {
      b.exchanging[w] = 0;
      b.live[w] = b.count - w * 32 >= 32 ? ~0u : (1u << (b.count - w * 32)) - 1;
   }
   b.started = b.waiting = b.exited = 0;
   b.ready.clear();
   if (b.idle.empty()) b.idle.push_back(new_fiber());
   b.fiber = b.idle.back();
   b.idle.pop_back();
   softgpu_switch(&b.main_sp, b.fiber->sp);
   if (b.exited == b.count) return true;
   kernel_violation(*b.run, "deadlock", "threads wait for each other for ever" + who_waits());
   fibers_reset();
   return false;
}

void block_order(dim3 grid, const std::function<void(uint3)> &each) {
   size_t n = size_t(grid.x) * grid.y * grid.z;
   std::vector<size_t> shuffled;
   if (block().how == Order::shuffle) {
      shuffled.resize(n);
      for (size_t i = 0; i < n; i++) shuffled[i] = i;
      arrange(shuffled);
   }
   for (size_t i = 0; i < n; i++) {
      size_t at = block().how == Order::reverse ? n - 1 - i : shuffled.empty() ? i : shuffled[i];
      each({unsigned(at % grid.x), unsigned(at / grid.x % grid.y), unsigned(at / grid.x / grid.y)});
   }
}

__attribute__((constructor)) static void read_thread_order() {
   set_thread_order(environment("SOFTGPU_THREADS", "forward"));
}

} // namespace sg

using namespace sg;

extern "C" {

void softgpu_thread_order(const char *threads) {
   std::lock_guard guard(big_lock());
   set_thread_order(threads);
}

int softgpu_barrier(int kind, int predicate, const char *file, int line) {
   Block &b = block();
   Thread &t = b.threads[size_t(b.current)];
   t.kind = kind, t.predicate = predicate, t.file = file, t.line = line;
   t.state = at_barrier;
   b.waiting++;
   try_barrier();
   if (t.state == at_barrier) park();
   return b.barrier_result;
}

uint64_t softgpu_exchange(int kind, unsigned mask, uint64_t value, int lane, int width, const char *file,
                          int line) {
   Block &b = block();
   Thread &t = b.threads[size_t(b.current)];
   t.kind = kind, t.mask = mask, t.value = value, t.lane = lane, t.width = width, t.file = file, t.line = line;
   if (!(mask >> (b.current & 31) & 1))
      kernel_violation(*b.run, "mask", "the mask at " + place(t) + " leaves out the calling lane");
   if (width < 1 || width > 32 || (width & (width - 1)))
      kernel_violation(*b.run, "width",
                       "the width of the shuffle at " + place(t) + " is no power of two up to 32");
   t.state = in_exchange;
   b.exchanging[size_t(b.current) / 32] |= 1u << (b.current & 31);
   try_exchange(b.current);
   if (t.state == in_exchange) park();
   return t.value;
}
}
