// Which layer of a network calls ops, by number: the tape remembers it, so that a profile can tell layers apart
// in backward too. 0: none is known.
#ifndef SCUTE_LAYER_H
#define SCUTE_LAYER_H

// The number of a path, as "layer3.0.conv2"; 0 where there are too many or no memory is left. Names stay.
int sc_layer_number(const char *path);
const char *sc_layer_path(int layer); // "" of 0
int sc_layer(void);                   // of the calls that are made now
int sc_layer_set(int layer);          // returns the one before

#endif
