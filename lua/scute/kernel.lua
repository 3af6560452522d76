-- A kernel of one's own: a function of each element, written in C on floats, compiled where it is declared and called like any
-- op.
--
--    local mish = scute.kernel {
--       name = "mish", inputs = "x", output = "y",
--       forward = "y = x * tanh(log1p(exp(x)));",
--       backward = "float s = tanh(log1p(exp(x))); gx = gy * (s + x * (1 - s * s) / (1 + exp(-x)));",
--    }
--    y = mish(x)
--
-- forward assigns the outputs from the inputs and numbers; backward assigns g and the name of an input (gx), from g and the
-- names of outputs (gy), inputs, outputs and numbers. What is not assigned, a local too, is 0. Without backward the op is not
-- differentiable. Several inputs broadcast, and a gradient is summed to its input's shape; a number may stand for an input.
-- Numbers are the same for all elements: f(x, { alpha = 0.2 }).
--
-- The texts are C: float locals, if, for, ?:, comments. They may call exp exp2 expm1 log log2 log10 log1p sqrt rsqrt cbrt pow
-- sin cos tan asin acos atan atan2 sinh cosh tanh sigmoid relu silu gelu softplus sign erf erfc abs fabs min max fmin fmax
-- clamp fmod floor ceil trunc round copysign isnan isinf, and know M_PI, INFINITY and NAN. Numbers with a fraction are floats;
-- of f64 tensors everything is double.
--
-- What is no matter of single elements is a whole function, the body of one in C:
--
--    local rows = scute.kernel {
--       name = "rows", inputs = "x", output = "y", shape = function(x) return { x[1] } end,
--       c = [[
--          #pragma omp parallel for
--          for (int64_t i = 0; i < x_shape[0]; i++) {
--             y[i] = 0;
--             for (int64_t j = 0; j < x_shape[1]; j++) y[i] += x[i * x_stride[0] + j];
--          }
--       ]],
--       c_backward = [[
--          for (int64_t i = 0; i < x_size; i++) gx[i] = gy[i / x_shape[1]];
--       ]],
--    }
--
-- It knows x and y (float *), x_shape (int64_t, of each dimension, in the order that Lua sees, so N, C, H, W of rank 4),
-- x_stride (by how many floats neighbours of each dimension are apart), x_rank, x_size (the number of elements), the same of
-- the outputs, and the numbers. Element (n, c, h, w) is x[n * x_stride[0] + c * x_stride[1] + h * x_stride[2] + w *
-- x_stride[3]]. Tensors of rank 4 lie channels last: n, h, w, c from the outside, so that x_stride[1] is 1; all others in their
-- own order.
--
-- c writes every element of the outputs; those that it leaves out are NaN. c_backward writes gx, which begins as zeros, from
-- gy, for each input that is not in no_gradient; gx_wanted is false where nobody asks for it. Inputs may have any shape; half
-- width is converted around the call. Functions of C's library, of OpenMP and those of kernels/cpu/vmath.h can be
-- called. #pragma omp shares a loop among SCUTE_THREADS threads, by the compiler that scute was built with. C checks no index:
-- with `check` each call runs on copies that lie between fences, which tells what was written beyond a tensor and makes what
-- was read there NaN. A text in which ]] stands is written [=[ ... ]=].
--
-- On a GPU a kernel of each element runs as it is: NVRTC compiles it at the first call there. A whole function has a text of
-- its own, cuda and cuda_backward, with or without one in C: the body of a __global__ function that knows the same names.
--
--    cuda = [[
--       int64_t i = blockIdx.x * (int64_t)blockDim.x + threadIdx.x;
--       if (i >= x_shape[0]) return;
--       float sum = 0;
--       for (int64_t j = 0; j < x_shape[1]; j++) sum += x[i * x_stride[0] + j];
--       y[i] = sum;
--    ]],
--    grid = function(x) return (x[1] + 127) // 128, 128 end,
local scute = require "scute.core"
local console = require "scute.base.console"
local declared = require "scute.kernel.declared"
local elements = require "scute.kernel.elements"
local options = require "scute.base.options"
local sorted_keys = require "scute.base.sorted_keys"
local whole = require "scute.kernel.whole"

-- ---- the declaration ----

-- "x, w" or { "x", "w" } as a list of names; raises what is wrong.
local function read_names(text)
   local list = {}
   for name in text:gmatch "[^,%s]+" do list[#list + 1] = name end
   return list
end

local function is_list_of_texts(value)
   if type(value) ~= "table" then return false end
   for key, name in pairs(value) do
      if math.type(key) ~= "integer" or type(name) ~= "string" then return false end
   end
   return true
end

-- "alpha = 1, beta = 0.5" as { alpha = 1, beta = 0.5 }.
local function read_numbers(text)
   local numbers = {}
   for part in text:gmatch "[^,]+" do
      local name, value = part:match "^%s*(%S+)%s*=%s*(%S+)%s*$"
      if not tonumber(value) then error(("expected NAME = NUMBER, found '%s'"):format(part), 0) end
      if numbers[name] then error(("'%s' is given twice"):format(name), 0) end
      numbers[name] = tonumber(value)
   end
   return numbers
end

-- Whether they are numbers is told by name (scute.kernel.declared).
local function have_names(value)
   if type(value) ~= "table" then return false end
   for name in pairs(value) do
      if type(name) ~= "string" then return false end
   end
   return true
end

local function names_entry(name, help, more)
   local entry = { name, read = read_names, is = options.typed(is_list_of_texts, "table", "string"), help = help,
      expected = 'names, as in "x, w"' }
   for key, value in pairs(more or {}) do entry[key] = value end
   return entry
end

local KERNEL = options.declare("kernel", {
   { "name", text = true, required = true, help = "what the op is called, in messages, profiles and help" },
   names_entry("inputs", 'names of the tensors that it reads, "x, w"', { required = true }),
   names_entry("outputs", 'names of the tensors that it makes, one to three, "y"',
      { required = true, synonyms = { "output" } }),
   { "numbers", read = read_numbers, is = options.typed(have_names, "table", "string"), default = function() return {} end,
     expected = "numbers by name, as in { alpha = 1 }",
     help = "numbers that all elements share, by name, with their defaults" },
   { "forward", text = true, help = "C that assigns the outputs of one element" },
   { "backward", text = true, help = "C that assigns the gradient of each input: gx, from gy" },
   { "c", text = true, help = "in place of forward: the body of a whole function in C" },
   { "c_backward", text = true, help = "the body of the one that writes the gradients: gx, from gy" },
   { "shape", is = options.of_type "function", expected = "a function",
     help = "shape(x, ...) -> the shape of each output of a whole function, from those of the inputs and the numbers; by "
        .. "default that of the first input" },
   { "cuda", text = true, help = "the same for a GPU: the body of a __global__ function in CUDA" },
   { "cuda_backward", text = true, help = "the body of the one that writes the gradients on a GPU" },
   { "grid", is = options.of_type "function", expected = "a function",
     help = "grid(x, ...) -> blocks, threads: how cuda is launched, from the shapes of the inputs and the numbers, each a "
        .. "number or up to three; by default 256 threads, and blocks for the elements of the largest tensor" },
   { "grid_backward", is = options.of_type "function", expected = "a function", help = "the same of cuda_backward" },
   { "check", flag = true, default = false,
     help = "runs a whole function on copies between fences, to find out where it writes or reads beyond a tensor" },
   names_entry("no_gradient", "inputs that have no gradient", { default = function() return {} end }),
   { "doc", text = true, help = "what help() says of it" },
})

-- ---- what the user gets ----

local function has_backward(o)
   return (o.backward or o.c_backward or o.cuda_backward) ~= nil
end

local FIELDS = { "arguments", "differentiable", "name", "outputs" }

local function metatable(call, op, o)
   local label = ("kernel '%s'"):format(o.name)
   local function no_field(_, key)
      error(("%s: there is no field '%s'%s"):format(label, tostring(key), options.hint(key, FIELDS)), 2)
   end
   return {
      __name = "scute.kernel",
      __call = call,
      __tostring = function(self)
         return ("scute.%s: %s -> %s"):format(label, table.concat(self.arguments, ", "), table.concat(self.outputs, ", "))
      end,
      __help = function()
         local text = o.forward and scute.op_info(op).text or whole.help(o)
         return text .. (has_backward(o) and "" or "Not differentiable: it has no backward.\n")
      end,
      __index = no_field,
      __newindex = no_field,
   }
end

local function arguments_of(o)
   local list = table.move(o.inputs, 1, #o.inputs, 1, {})
   local numbers = sorted_keys(o.numbers)
   return table.move(numbers, 1, #numbers, #list + 1, list)
end

--- An op of one's own, made of C for each element.
local function kernel(given)
   local o = KERNEL:read(given)
   local unfit = declared(o)
   if unfit then error("kernel: " .. unfit, 2) end
   local call, op = (o.forward and elements or whole).op(o)
   if not call then error(console.visible(op), 2) end
   -- With _op in it, it is no plain data, which a model's file would hold and give back as a table.
   return setmetatable({ name = o.name, differentiable = has_backward(o), arguments = arguments_of(o),
      outputs = o.outputs, _op = op }, metatable(call, op, o))
end

return KERNEL:describes(kernel)
