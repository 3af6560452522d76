#include "host/photo/budget.h"

#include <pthread.h>
#include <stdint.h>

typedef struct {
   size_t size;
   ScBudgetUse use;
   unsigned long last, served; // numbers drawn, and the one whose turn it is
} Part;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static Part parts[2] = {{.size = SIZE_MAX}, {.size = SIZE_MAX}};

static bool is_enough(const Part *part, size_t bytes) {
   size_t taken = part->use.taken;
   return taken == 0 || (taken <= part->size && bytes <= part->size - taken);
}

static bool is_set(const atomic_bool *flag) {
   return flag && *flag;
}

void sc_budget_set(size_t bytes) {
   pthread_mutex_lock(&lock);
   parts[SC_BUDGET_FILES].size = bytes ? bytes / 4 : SIZE_MAX;
   parts[SC_BUDGET_PIXELS].size = bytes ? bytes - bytes / 4 : SIZE_MAX;
   for (int i = 0; i < 2; i++) parts[i].use.most = parts[i].use.taken;
   pthread_cond_broadcast(&changed);
   pthread_mutex_unlock(&lock);
}

// A number that is given up keeps its place in the queue and lets the next one pass.
bool sc_budget_take(ScBudgetPart which, size_t bytes, const atomic_bool *given_up) {
   Part *part = &parts[which];
   pthread_mutex_lock(&lock);
   unsigned long mine = part->last++;
   part->use.waiting++;
   while (part->served != mine || (!is_enough(part, bytes) && !is_set(given_up)))
      pthread_cond_wait(&changed, &lock);
   part->use.waiting--;
   part->served++;
   bool taken = !is_set(given_up);
   if (taken) part->use.taken += bytes;
   if (part->use.taken > part->use.most) part->use.most = part->use.taken;
   if (part->use.waiting > 0) pthread_cond_broadcast(&changed);
   pthread_mutex_unlock(&lock);
   return taken;
}

void sc_budget_give(ScBudgetPart which, size_t bytes) {
   pthread_mutex_lock(&lock);
   parts[which].use.taken -= bytes;
   if (parts[which].use.waiting > 0) pthread_cond_broadcast(&changed);
   pthread_mutex_unlock(&lock);
}

void sc_budget_wake(void) {
   pthread_mutex_lock(&lock);
   pthread_cond_broadcast(&changed);
   pthread_mutex_unlock(&lock);
}

ScBudgetUse sc_budget_use(ScBudgetPart which) {
   pthread_mutex_lock(&lock);
   ScBudgetUse use = parts[which].use;
   pthread_mutex_unlock(&lock);
   return use;
}
