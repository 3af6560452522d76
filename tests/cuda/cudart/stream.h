// Inside libcudart only: streams and the marks that events leave in them.
#ifndef SOFTGPU_STREAM_H
#define SOFTGPU_STREAM_H

#include <deque>
#include <memory>
#include "../core.h"
#include "capture.h"

namespace sg {

struct Piece { // of queued work: something to do, or another stream's progress to wait for
   Work work;
   std::shared_ptr<Stream> after;
   uint64_t after_seq;
   std::function<bool()> ready; // empty: at any time
};

struct Stream {
   int device;
   bool blocking, legacy; // blocking: takes part in the implicit order of the legacy default stream
   std::deque<Piece> queue;
   uint64_t queued = 0, done = 0;
   int queries = 0;
   std::shared_ptr<Capture> capture; // while it records
};

struct Mark { // all work that a stream held at some moment
   std::shared_ptr<Stream> stream;
   uint64_t seq = 0;
};

std::shared_ptr<Stream> stream_create(int device, bool blocking);
void stream_retire(std::shared_ptr<Stream>);
Mark stream_mark(const std::shared_ptr<Stream> &);
void stream_wait(const std::shared_ptr<Stream> &, const Mark &);
bool mark_done(const Mark &);
void run_mark(const Mark &);
bool try_mark(const Mark &); // as far as it goes without waiting; whether that is all

} // namespace sg

#endif
