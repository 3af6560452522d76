// Inside libcudart only: work that a stream records instead of doing it.
#ifndef SOFTGPU_CAPTURE_H
#define SOFTGPU_CAPTURE_H

#include <thread>
#include <vector>
#include "../core.h"

namespace sg {

struct Capture {
   cudaStreamCaptureMode mode;
   std::thread::id thread = std::this_thread::get_id();
   std::vector<Work> work;
   bool valid = true;
};

// What a stream that captures says to a piece of work: it is taken in, or the capture is not valid any more.
cudaError_t capture_work(Capture &, Work);
// What is refused in a capture ends it: nothing of it can be used afterwards. Returns `error`.
cudaError_t capture_fails(Capture &, cudaError_t error);

} // namespace sg

#endif
