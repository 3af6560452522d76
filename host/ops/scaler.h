// Dynamic loss scaling: what the kernels need to know of the declarations. All state is in tensors of the
// device, so that nothing waits for a number to come back.
#ifndef SCUTE_OPS_SCALER_H
#define SCUTE_OPS_SCALER_H

// Tensor parameters of unscale_ (for sc_group_at).
enum { SC_UNSCALE_GRADS, SC_UNSCALE_SCALE, SC_UNSCALE_FOUND_INF };

// Inputs and attributes of scale_update_.
enum { SC_SCALER_SCALE, SC_SCALER_GOOD_STEPS, SC_SCALER_SKIPPED, SC_SCALER_FOUND_INF, SC_SCALER_INPUTS };
enum { SC_SCALER_GROWTH, SC_SCALER_BACKOFF, SC_SCALER_INTERVAL };

#endif
