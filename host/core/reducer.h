// Gradients added up over processes while backward still goes on. They lie in buckets of some 4 MB, those of
// the last parameters first, since backward comes to them first; the sum of a bucket begins when the gradients
// in it are final and the buckets before it were begun, so that the order is the same in all processes, and the
// sums' bits do not depend on when who was where.
//
// An update may take several backwards (a window), whose gradients are added up locally; sums begin in the last
// of them alone, which is watched. Where that fails and is done again, what was begun is worth nothing: then
// all processes hear of it at the end, and all sums are done once more, from the gradients as they are by then.
#ifndef SCUTE_REDUCER_H
#define SCUTE_REDUCER_H

#include "host/core/api.h"
#include "host/core/tensor.h"

SC_API_BEGIN

typedef struct ScReducer ScReducer;

enum { SC_BUCKET = 4 << 20 };

// For these f32 and f64 parameters, which are held. All processes give the same in the same order, or it fails
// in all of them. `bytes`: of a bucket, unless one parameter alone is larger; SC_BUCKET. SC_EUNSUPPORTED where
// nothing adds up on their device.
ScStatus sc_reducer_new(ScReducer **out, int n, ScTensor *const *parameters, size_t bytes);
// In the middle of a window it is not one that others could go on with: see sc_world_give_up.
void sc_reducer_free(ScReducer *); // NULL is fine

// The next backward is the last one of its window. Until sc_reducer_unwatch sums begin in it. One at a time
// watches.
ScStatus sc_reducer_watch(ScReducer *);
void sc_reducer_unwatch(ScReducer *); // it is over, or has failed
// Begins now what has not begun of the window's sums, from the gradients as they are. To be called before a
// process meets the others in another way: one of them may wait for what it has begun, as a GPU has it where
// memory is given back, and does not come before these have begun it, too. `spoiled`: a backward has failed,
// and the gradients of the window are still to come; all sums are done once more at its end.
ScStatus sc_reducer_begin_rest(ScReducer *, bool spoiled);
// The end of a window, in all processes, also in those that had no backward: the gradient of each parameter
// becomes the sum over all processes, in place. One that has none where another process has counts as zeros and
// gets the sum; where nobody has one there is none afterwards. After a failure nothing more can be done with
// it.
ScStatus sc_reducer_finish(ScReducer *);

int sc_reducer_buckets(const ScReducer *);
int sc_reducer_begun(const ScReducer *); // how many of their sums have begun in this window

SC_API_END

#endif
