// Messages of the first process to each other one, which turn from "through" to "saving" and back. Nothing is
// in them, so that they are under way at once, whatever the others do.
#include "kernels/mpi/saving.h"

#include <stddef.h>

static MPI_Comm messages = MPI_COMM_NULL;
static bool saves;

int sc_mpi_open_saving(MPI_Comm group) {
   int code = MPI_Comm_dup(group, &messages);
   return code == MPI_SUCCESS ? MPI_Comm_set_errhandler(messages, MPI_ERRORS_RETURN) : code;
}

void sc_mpi_announce_saving(ScCommunicator *c) {
   for (int rank = 1; rank < c->size; rank++) {
      MPI_Request request;
      if (MPI_Isend(NULL, 0, MPI_BYTE, rank, 0, messages, &request) == MPI_SUCCESS) MPI_Request_free(&request);
   }
}

static void hear(void) {
   for (int told = 1; told;) {
      if (MPI_Iprobe(0, 0, messages, &told, MPI_STATUS_IGNORE) != MPI_SUCCESS || !told) return;
      if (MPI_Recv(NULL, 0, MPI_BYTE, 0, 0, messages, MPI_STATUS_IGNORE) != MPI_SUCCESS) return;
      saves = !saves;
   }
}

bool sc_mpi_first_saves(ScCommunicator *c) {
   (void)c;
   hear();
   return saves;
}

// MPI wants all messages received.
void sc_mpi_close_saving(void) {
   hear();
   MPI_Comm_free(&messages);
}
