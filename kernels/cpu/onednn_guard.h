// The entries of oneDNN that can fail, each behind a guard: oneDNN is C++, and where memory runs out an
// exception leaves it, which no C caller can take and which would end the program. Here it becomes
// dnnl_out_of_memory. Called as sc_dnnl.memory_create(...) for dnnl_memory_create(...); what only reads or
// destroys is called directly.
#ifndef SCUTE_CPU_ONEDNN_GUARD_H
#define SCUTE_CPU_ONEDNN_GUARD_H

#include <dnnl.h>

#if DNNL_VERSION_MAJOR != 3
#error "scute needs oneDNN 3.x: put its include folder first"
#endif

#define SC_DNNL_ENTRIES(ENTRY)                                                                                 \
   ENTRY(convolution_backward_data_primitive_desc_create)                                                      \
   ENTRY(convolution_backward_weights_primitive_desc_create)                                                   \
   ENTRY(convolution_forward_primitive_desc_create)                                                            \
   ENTRY(engine_create)                                                                                        \
   ENTRY(matmul_primitive_desc_create)                                                                         \
   ENTRY(memory_create)                                                                                        \
   ENTRY(memory_desc_clone)                                                                                    \
   ENTRY(memory_desc_create_with_strides)                                                                      \
   ENTRY(memory_desc_create_with_tag)                                                                          \
   ENTRY(memory_set_data_handle)                                                                               \
   ENTRY(post_ops_append_binary)                                                                               \
   ENTRY(post_ops_append_eltwise)                                                                              \
   ENTRY(post_ops_create)                                                                                      \
   ENTRY(primitive_attr_create)                                                                                \
   ENTRY(primitive_attr_set_post_ops)                                                                          \
   ENTRY(primitive_attr_set_scratchpad_mode)                                                                   \
   ENTRY(primitive_create)                                                                                     \
   ENTRY(primitive_desc_next_impl)                                                                             \
   ENTRY(primitive_execute)                                                                                    \
   ENTRY(reorder_primitive_desc_create)                                                                        \
   ENTRY(set_primitive_cache_capacity)                                                                         \
   ENTRY(sgemm)                                                                                                \
   ENTRY(stream_create)                                                                                        \
   ENTRY(stream_wait)

#define SC_DNNL_MEMBER(name) __typeof__(&dnnl_##name) name;
typedef struct {
   SC_DNNL_ENTRIES(SC_DNNL_MEMBER)
} ScDnnl;

extern const ScDnnl sc_dnnl;

#endif
