// Tensors seen as doubles, in memory order, so that a kernel is written once and sums in double for every
// dtype.
#ifndef SCUTE_REF_VIEW_H
#define SCUTE_REF_VIEW_H

#include <stdlib.h>
#include <string.h>

#include "host/core/tensor.h"

typedef struct {
   ScTensor *tensor; // may be NULL (an absent argument) or without values; then v is NULL
   bool write;       // starts at zero and is stored by sc_views_close
   double
       *v; // the buffer itself if that is f64 and no result that others share (they may be read), else a copy
} ScView;

#define SC_READ(t)                                                                                             \
   { .tensor = (t) }
#define SC_WRITE(t)                                                                                            \
   { .tensor = (t), .write = true }

static inline bool sc_view_is_copy(const ScView *view) {
   return view->v && view->v != view->tensor->buffer->data;
}

static inline void sc_views_free(ScView *views, int n) {
   for (int i = 0; i < n; i++)
      if (sc_view_is_copy(&views[i])) free(views[i].v);
}

static inline ScStatus sc_views_open(ScView *views, int n) {
   for (int i = 0; i < n; i++) {
      ScTensor *t = views[i].tensor;
      if (!t || !t->buffer) continue;
      int64_t count = sc_numel(t);
      bool direct = t->dtype == SC_F64 && !(views[i].write && t->buffer->refs > 1);
      views[i].v = direct ? t->buffer->data : malloc((size_t)count * sizeof(double));
      if (!views[i].v) {
         sc_views_free(views, i);
         return sc_fail(SC_EMEM, "out of memory");
      }
      if (views[i].write)
         memset(views[i].v, 0, (size_t)count * sizeof(double));
      else if (sc_view_is_copy(&views[i]))
         sc_convert(SC_F64, views[i].v, t->dtype, t->buffer->data, count);
   }
   return SC_OK;
}

static inline void sc_views_close(ScView *views, int n) {
   for (int i = 0; i < n; i++) {
      ScTensor *t = views[i].tensor;
      if (views[i].write && sc_view_is_copy(&views[i]))
         sc_convert(t->dtype, t->buffer->data, SC_F64, views[i].v, sc_numel(t));
   }
   sc_views_free(views, n);
}

// The same with memory for `count` doubles beside the views, whose values are anything at first.
static inline ScStatus sc_views_open_with(ScView *views, int n, int64_t count, double **scratch) {
   *scratch = malloc((size_t)count * sizeof **scratch);
   if (!*scratch) return sc_fail(SC_EMEM, "out of memory");
   ScStatus status = sc_views_open(views, n);
   if (status != SC_OK) free(*scratch);
   return status;
}

static inline void sc_views_close_with(ScView *views, int n, double *scratch) {
   sc_views_close(views, n);
   free(scratch);
}

#endif
