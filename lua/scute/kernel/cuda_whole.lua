-- The CUDA of kernels that are whole functions, for NVRTC: the body of a __global__ function, which knows what that in C
-- knows, by the same names, and how many blocks of how many threads are launched; by kernels/cuda/own_whole.cu.
local sorted_keys = require "scute.base.sorted_keys"
local tokens = require "scute.kernel.tokens"

local cuda_whole = {}

local HEAD = [[
#ifndef INFINITY
#define INFINITY __int_as_float(0x7f800000)
#define NAN __int_as_float(0x7fffffff)
typedef signed char int8_t;
typedef unsigned char uint8_t;
typedef int int32_t;
typedef unsigned uint32_t;
typedef long long int64_t;
typedef unsigned long long uint64_t;
#endif
#ifndef M_PI
#define M_PI 3.14159265358979323846
#endif
struct scute_layout {
   int64_t shape[8], stride[8], size;
   int rank;
};
]]

-- What a body knows of a tensor beside its numbers.
local function unpack_layout(line, name)
   line("const int64_t *const %s_shape = scute_of_%s.shape;", name, name)
   line("const int64_t *const %s_stride = scute_of_%s.stride;", name, name)
   line("const int64_t %s_size = scute_of_%s.size;", name, name)
   line("const int %s_rank = scute_of_%s.rank;", name, name)
   for _, what in ipairs { "shape", "stride", "size", "rank" } do line("(void)%s_%s;", name, what) end
end

-- Parameters in the order in which they are given: of each input and each output what is read, the gradient, its layout; then
-- the numbers.
local function add_kernel(lines, pass, o, text, label)
   local parameters, numbers = {}, sorted_keys(o.numbers)
   local function add(format, ...) parameters[#parameters + 1] = format:format(...) end
   local function line(format, ...) lines[#lines + 1] = format:format(...) end
   local is_backward = pass == "backward"
   for _, name in ipairs(o.inputs) do
      add("const float *__restrict__ %s", name)
      if is_backward then add("float *__restrict__ g%s, bool g%s_wanted", name, name) end
      add("scute_layout scute_of_%s", name)
   end
   for _, name in ipairs(o.outputs) do
      add(is_backward and "const float *__restrict__ %s, const float *__restrict__ g%s" or "float *__restrict__ %s", name, name)
      add("scute_layout scute_of_%s", name)
   end
   for _, name in ipairs(numbers) do add("double scute_number_%s", name) end
   line('extern "C" __global__ void %s(%s) {', pass, table.concat(parameters, ", "))
   for _, list in ipairs { o.inputs, o.outputs } do
      for _, name in ipairs(list) do unpack_layout(line, name) end
   end
   for _, name in ipairs(numbers) do line("const float %s = (float)scute_number_%s; (void)%s;", name, name, name) end
   line('{\n#line 1 "%s"', label)
   lines[#lines + 1] = text .. "\n" -- for a \ at its end
   line('#line %d "%s"\n}\n#line 1 "scute"\n}', tokens.last_line(text), label)
end

--- The source of a kernel by its options `cuda` and `cuda_backward`.
function cuda_whole.source(o)
   local lines, label = { HEAD }, ("kernel '%s'"):format(o.name)
   add_kernel(lines, "forward", o, o.cuda, label .. ", cuda")
   if o.cuda_backward then add_kernel(lines, "backward", o, o.cuda_backward, label .. ", cuda_backward") end
   return table.concat(lines, "\n") .. "\n"
end

-- One to three whole numbers, as a number or a list, as three; nil: it is something else.
local function three(value)
   local given, list = type(value) == "table" and value or { value }, {}
   for i = 1, 3 do
      list[i] = given[i] == nil and i > 1 and 1 or given[i]
      if math.type(list[i]) ~= "integer" or list[i] < 1 or list[i] > 0x7fffffff then return nil end
   end
   return list
end

--- function(shape of each input ..., numbers ...) -> blocks and threads, three each, as an option `grid` says.
function cuda_whole.grid(o, option)
   local grid = o[option]
   return grid and function(...)
      local blocks, threads = grid(...)
      local b, t = three(blocks), three(threads)
      if not b or not t then
         error(("kernel '%s', %s: expected blocks and threads, each a whole number above 0 or up to three of them, found %s "
            .. "and %s"):format(o.name, option, tostring(blocks), tostring(threads)), 0)
      end
      return b[1], b[2], b[3], t[1], t[2], t[3]
   end
end

return cuda_whole
