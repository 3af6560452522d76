#include "kernels/cuda/graph.h"

#include "host/core/sync.h"
#include "kernels/cuda/libraries.h"
#include "kernels/cuda/status.h"
#include "kernels/cuda/stream.h"

static const char WHAT[] = "a graph of the GPU's work";

// Libraries cannot start while work is recorded. Other threads go on as they like.
ScStatus sc_cuda_record(ScDevice *device) {
   cublasHandle_t blas;
   cudnnHandle_t dnn;
   SC_TRY(sc_cuda_blas(device, &blas));
   SC_TRY(sc_cuda_dnn(device, &dnn));
   return sc_cuda_status(cudaStreamBeginCapture(sc_cuda_stream(device), cudaStreamCaptureModeThreadLocal),
                         WHAT);
}

// What goes wrong here, unless it is the end of the device, leaves a step that is done without a graph.
ScStatus sc_cuda_recorded(ScDevice *device, void **work) {
   cudaGraph_t graph = NULL;
   cudaGraphExec_t exec = NULL;
   cudaError_t error = cudaStreamEndCapture(sc_cuda_stream(device), &graph);
   if (error == cudaSuccess && work) error = cudaGraphInstantiate(&exec, graph, 0);
   if (graph) cudaGraphDestroy(graph);
   if (work) *work = exec;
   return sc_cuda_status(error, WHAT);
}

ScStatus sc_cuda_replay(ScDevice *device, void *work) {
   SC_TRY(sc_cuda_use(device));
   return sc_cuda_status(cudaGraphLaunch(work, sc_cuda_stream(device)), WHAT);
}

// It may still be at work.
void sc_cuda_forget_recorded(ScDevice *device, void *work) {
   sc_note_sync("a graph given up");
   cudaStreamSynchronize(sc_cuda_stream(device));
   cudaGraphExecDestroy(work);
   cudaGetLastError();
}
