// oneDNN: its engine and stream, and a cache of primitives, because creating one is dear and a network asks for
// the same ones step after step. Like all kernels, for one compute thread at a time.
#ifndef SCUTE_CPU_ONEDNN_H
#define SCUTE_CPU_ONEDNN_H

#include "host/core/buffer.h"
#include "kernels/cpu/onednn_guard.h"

enum { SC_KEY_WORDS = 28, SC_PRIMITIVE_ARGS = 6 };

// What a primitive is made for, as words; unused ones are zero.
typedef struct {
   int64_t word[SC_KEY_WORDS];
} ScKey;

typedef struct ScPrimitive ScPrimitive;

// Makes the description from whatever `spec` points to.
typedef dnnl_status_t (*ScDescribe)(dnnl_primitive_desc_t *out, const_dnnl_primitive_attr_t attr,
                                    const void *spec);

// The primitive for `key`, from the cache or newly made. `args` are the DNNL_ARG_* it is run with, `post` its
// fused operations (may be NULL). SC_EUNSUPPORTED where oneDNN has none.
ScStatus sc_primitive(ScPrimitive **out, const ScKey *key, ScDescribe, const void *spec,
                      const_dnnl_post_ops_t post, int nargs, const int *args);
// The layout it wants for argument `index` of `args`. Belongs to the primitive.
const_dnnl_memory_desc_t sc_primitive_layout(const ScPrimitive *, int index);
// Runs it on data[i] for args[i]; scratch memory comes from the device's pool.
ScStatus sc_primitive_run(ScPrimitive *, ScDevice *, void *const *data);
// The primitive that copies from one layout to another, cached under `key`.
ScStatus sc_reorder(ScPrimitive **out, const ScKey *key, const_dnnl_memory_desc_t from,
                    const_dnnl_memory_desc_t to);

// The half-width dtypes that this processor computes in, as a mask: bf16 with avx512_bf16 or amx.
unsigned sc_cpu_half(const ScDevice *);
// Whether it has a unit of its own for products of bf16 matrices, which oneDNN uses.
bool sc_cpu_has_amx(void);
// Whether it has AVX2, thus 16 registers of 8 floats and multiply-adds.
bool sc_cpu_has_fma(void);
// Whether it has AVX-512, thus 32 registers of 16 floats.
bool sc_cpu_is_wide(void);

dnnl_engine_t sc_onednn_engine(void); // for an ScDescribe
ScStatus sc_onednn_failed(dnnl_status_t, const char *what);
void sc_onednn_flush(void);          // drops all primitives
const char *sc_onednn_version(void); // "oneDNN 3.2.0"

#endif
