// What the first process of a group has said of its saving: see announce_saving and first_saves in
// host/core/communicator.h.
#ifndef SCUTE_MPI_SAVING_H
#define SCUTE_MPI_SAVING_H

#include <mpi.h>

#include "host/core/communicator.h"

int sc_mpi_open_saving(MPI_Comm group); // what it returns is MPI's
void sc_mpi_close_saving(void);
void sc_mpi_announce_saving(ScCommunicator *);
bool sc_mpi_first_saves(ScCommunicator *);

#endif
