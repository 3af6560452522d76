// The version, for --version and for the records that a run leaves.
#ifndef SCUTE_VERSION_H
#define SCUTE_VERSION_H

#define SC_VERSION "0.1.0"

#endif
