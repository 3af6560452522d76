// A transcript: the calls that a script makes, with what went in and came out, as somebody needs them who
// writes a network into a file. The tape has less: it leaves out what no gradient goes through, and what is
// frozen.
//
// It has the calls as the script made them: not those that an op makes of others, and none that computes with
// nothing but constants, whose results are constants too. Tensors are values, told apart by the content of
// their buffers and their shapes, so that detach and clone change nothing; only constants are kept. One at a
// time, of the thread that began it.
#ifndef SCUTE_TRANSCRIPT_H
#define SCUTE_TRANSCRIPT_H

#include "host/core/op.h"

SC_API_BEGIN

typedef struct {
   uint64_t stamp;
   ScDtype dtype;
   int rank;
   int64_t shape[SC_MAXRANK];
   ScTensor *constant; // its content, or NULL: computed from an input, or one
} ScValue;

typedef struct {
   const ScOp *op;
   int layer; // see host/core/layer.h
   int nin;
   int *in; // values by number, from 1 on; 0 where an optional one is absent
   int count[SC_MAXPARAM];
   ScAttr attr[SC_MAXPARAM]; // as the op has completed them
   unsigned completed;       // bit i: attr[i] was another one, or none, before
   int nout;
   int out[SC_MAXOUT];
} ScWrittenCall;

// The inputs are values 1 to n. Fails where there is a transcript already.
ScStatus sc_transcript_begin(int n, ScTensor *const *inputs);
void sc_transcript_end(void); // also where there is none

int sc_transcript_calls(const ScWrittenCall **out); // how many
int sc_transcript_values(const ScValue **out);
int sc_transcript_find(const ScTensor *); // the number of a value; 0: it is none

// Around every call (host/core/call.c). What leaves has `status`, and gets it back or one of its own.
ScStatus sc_transcript_enter(const ScCall *);
ScStatus sc_transcript_leave(const ScCall *, ScStatus status);
// Before the values are given to somebody who is no op: fails where they are computed from an input.
ScStatus sc_transcript_read(const ScTensor *);

SC_API_END

#endif
