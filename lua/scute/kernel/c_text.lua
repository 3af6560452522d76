-- The C that a kernel's texts become: loops over elements that lie side by side, on floats and on doubles, as
-- host/ops/own_op.h says. A compiler's lines are those of the user's text.
local chosen = require "scute.kernel.chosen"
local functions = require "scute.kernel.functions"
local tokens = require "scute.kernel.tokens"

local c_text = {}

local HEAD = [[
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "kernels/cpu/vmath.h"
#define SCUTE_EXPORT __attribute__((visibility("default")))
static inline double rsqrt(double x) { return 1 / sqrt(x); }
static inline double scute_sigmoid(double x) { return 1 / (1 + exp(-x)); }
static inline double scute_relu(double x) { return x < 0 ? 0 : x; }
static inline double scute_silu(double x) { return x / (1 + exp(-x)); }
static inline double scute_gelu(double x) { return 0.5 * x * erfc(x * -0.70710678118654752); }
static inline double scute_softplus(double x) { return (x < 0 ? 0 : x) + log1p(exp(-fabs(x))); }
static inline double scute_sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }
static inline double scute_clamp(double x, double low, double high) { return x < low ? low : x > high ? high : x; }
static inline int scute_isnan(float x) { return x != x; }
static inline int scute_isnan64(double x) { return x != x; }
static inline int scute_isinf(float x) { return fabsf(x) == HUGE_VALF; } // C's may be -1
static inline int scute_isinf64(double x) { return fabs(x) == HUGE_VAL; }
]]

-- NaN passes min and max, and not fmin and fmax. (Loops over those of C's library do not vectorise.) %s: "" or "64".
local MIN_MAX = [[
static inline float scute_min%s(float a, float b) { return a < b || a != a ? a : b; }
static inline float scute_max%s(float a, float b) { return a > b || a != a ? a : b; }
static inline float scute_fmin%s(float a, float b) { return a < b || b != b ? a : b; }
static inline float scute_fmax%s(float a, float b) { return a > b || b != b ? a : b; }
]]

local function min_max(suffix)
   return (MIN_MAX:gsub("%%s", suffix))
end

-- The names of the text as macros, of one precision.
local function define(lines, column)
   for _, entry in ipairs(functions.list) do
      local meant = entry[column]
      if entry[1] ~= meant then lines[#lines + 1] = ("#undef %s\n#define %s %s"):format(entry[1], entry[1], meant) end
   end
   for _, constant in ipairs(functions.constants) do
      local name, meant = constant[1], constant[column - 1]
      if name ~= meant then lines[#lines + 1] = ("#undef %s\n#define %s %s"):format(name, name, meant) end
   end
end

local function undefine(lines)
   for _, entry in ipairs(functions.list) do lines[#lines + 1] = "#undef " .. entry[1] end
end

-- GCC takes as many elements at once as the loop's smallest type has in a vector. A byte of what is read makes it four vectors
-- of floats, whose chains of dependent operations overlap: up to twice as fast. Where a text calls many functions there is
-- enough to overlap without, and four times as much would take a compiler seconds. (A byte of a result would do, but for
-- results that are made from the bits of a number, as those of exp and log: then no loop vectorises, as none of doubles does.)
local MANY = 8
local INTERLEAVE = [[
uint32_t scute_bits;
memcpy(&scute_bits, &%s, sizeof scute_bits);
scute_bytes |= (int8_t)(scute_bits >> 24);]]

-- One loop. reads, writes: lists of { name, place } of the arrays; found: what is done with each element.
local function loop(lines, name, numbers, reads, writes, found, precision, label)
   local parameters, arguments = { "int64_t scute_n" }, { "scute_n" }
   local function add(parameter, argument)
      parameters[#parameters + 1], arguments[#arguments + 1] = parameter, argument
   end
   for _, write in ipairs(writes) do add("float *restrict scute_to_" .. write[1], ("scute_out[%d]"):format(write[2])) end
   for _, read in ipairs(reads) do add("const float *restrict scute_at_" .. read[1], ("scute_in[%d]"):format(read[2])) end
   for i, number in ipairs(numbers) do add("const float " .. number, ("(float)scute_numbers[%d]"):format(i - 1)) end
   local function line(format, ...) lines[#lines + 1] = format:format(...) end
   line("static inline int8_t run_%s(%s) {", name, table.concat(parameters, ", "))
   line "int8_t scute_bytes = 0;"
   for _, number in ipairs(numbers) do line("(void)%s;", number) end
   line "for (int64_t scute_i = 0; scute_i < scute_n; scute_i++) {"
   for _, read in ipairs(reads) do line("const float %s = scute_at_%s[scute_i];", read[1], read[1]) end
   for _, write in ipairs(writes) do line("float %s = 0;", write[1]) end
   line "do {"
   line('#line 1 "%s"', label)
   lines[#lines + 1] = found[precision]
   line('#line %d "%s"', tokens.last_line(found[precision]), label)
   line "} while (0);"
   line '#line 1 "scute"'
   for _, write in ipairs(writes) do line("scute_to_%s[scute_i] = %s;", write[1], write[1]) end
   if reads[1] and precision == "float" and found.calls <= MANY then line(INTERLEAVE, reads[1][1]) end
   line "}"
   line "return scute_bytes; }"
   line("SCUTE_EXPORT void scute_%s(int64_t scute_n, void *const *scute_out, const void *const *scute_in,", name)
   line "const double *scute_numbers) {"
   line "(void)scute_out, (void)scute_in, (void)scute_numbers;"
   line("volatile int8_t scute_bytes = run_%s(%s); }", name, table.concat(arguments, ", "))
end

local function both(lines, kernel, precision, suffix)
   local forward, backward = kernel.forward, kernel.backward
   loop(lines, "forward" .. suffix, kernel.numbers, chosen(kernel.reads, forward.used),
      chosen(kernel.outputs, forward.assigns), forward, precision, kernel.label .. ", forward")
   if not backward then return end
   loop(lines, "backward" .. suffix, kernel.numbers, chosen(kernel.reads, backward.used),
      chosen(kernel.gradients, backward.assigns), backward, precision, kernel.label .. ", backward")
end

--- The source of a kernel: { label = what the compiler is to call it, numbers = list of names, reads, outputs, gradients =
-- lists of { name, place among what the loop gets }, forward, backward = what names.read found in them (backward may be nil) }.
function c_text.source(kernel)
   local lines = { HEAD, min_max "" }
   define(lines, 3)
   both(lines, kernel, "float", "")
   undefine(lines)
   lines[#lines + 1] = "#define float double\n" .. min_max "64"
   define(lines, 4)
   both(lines, kernel, "double", "64")
   return table.concat(lines, "\n") .. "\n"
end

return c_text
