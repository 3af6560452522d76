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
-- names of outputs (gy), inputs, outputs and numbers. What is not assigned is 0. Without backward the op is not differentiable.
-- Several inputs broadcast, and a gradient is summed to its input's shape; a number may stand for an input. Numbers are the same
-- for all elements: f(x, { alpha = 0.2 }).
--
-- The texts are C: float locals, if, for, ?:, comments. They may call exp exp2 expm1 log log2 log10 log1p sqrt pow sin cos tan
-- asin acos atan atan2 sinh cosh tanh sigmoid erf abs fabs min max fmin fmax fmod floor ceil trunc round copysign isnan isinf,
-- and know M_PI, INFINITY and NAN. Numbers with a fraction are floats; of f64 tensors everything is double.
local scute = require "scute.core"
local console = require "scute.base.console"
local options = require "scute.base.options"
local build = require "scute.kernel.build"
local c_text = require "scute.kernel.c_text"
local names = require "scute.kernel.names"
local sorted_keys = require "scute.base.sorted_keys"

local MOST = { inputs_and_numbers = 16, outputs = 3 } -- of an op

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

local function are_numbers(value)
   if type(value) ~= "table" then return false end
   for name, number in pairs(value) do
      if type(name) ~= "string" or type(number) ~= "number" then return false end
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
   names_entry("outputs", 'names of the tensors that it makes, one to three, "y"', { required = true, synonyms = { "output" } }),
   { "numbers", read = read_numbers, is = options.typed(are_numbers, "table", "string"), default = function() return {} end,
     expected = "numbers by name, as in { alpha = 1 }", help = "numbers that all elements share, by name, with their defaults" },
   { "forward", text = true, required = true, help = "C that assigns the outputs" },
   { "backward", text = true, help = "C that assigns the gradient of each input: gx, from gy" },
   names_entry("no_gradient", "inputs that have no gradient", { default = function() return {} end }),
   { "doc", text = true, help = "what help() says of it" },
})

-- The names of a kernel's parts, each once and fit for C; what is wrong.
local function check_names(o)
   if not o.name:find "^[%a][%w_.-]*$" or #o.name > 60 then
      return ("option 'name': expected up to 60 letters, digits, _, . and -, beginning with a letter, found '%s'"):format(o.name)
   end
   local seen = {}
   for _, kind in ipairs { "inputs", "outputs", "numbers" } do
      for _, name in ipairs(kind == "numbers" and sorted_keys(o.numbers) or o[kind]) do
         local problem = names.problem(name)
         if problem then return ("option '%s': '%s': %s"):format(kind, name, problem) end
         if seen[name] then return ("option '%s': '%s' is one of the %s too"):format(kind, name, seen[name]) end
         seen[name] = kind
      end
   end
   for _, kind in ipairs { "inputs", "outputs" } do
      for _, name in ipairs(o[kind]) do
         if seen["g" .. name] then
            return ("option '%s': 'g%s' is the gradient of '%s'; give it another name"):format(seen["g" .. name], name, name)
         end
      end
   end
end

local function check_counts(o)
   local numbers = sorted_keys(o.numbers)
   if #o.inputs == 0 then return "option 'inputs': expected at least one name" end
   if #o.outputs == 0 or #o.outputs > MOST.outputs then
      return ("option 'outputs': expected one to %d names, found %d"):format(MOST.outputs, #o.outputs)
   end
   if #o.inputs + #numbers > MOST.inputs_and_numbers then
      return ("expected at most %d inputs and numbers, found %d"):format(MOST.inputs_and_numbers, #o.inputs + #numbers)
   end
   for name, value in pairs(o.numbers) do
      if value ~= value or value == math.huge or value == -math.huge then
         return ("option 'numbers': '%s': expected a finite number"):format(name)
      end
   end
end

local function set_of(list, meaning, prefix)
   local set = {}
   for _, name in ipairs(list) do set[(prefix or "") .. name] = meaning end
   return set
end

local function union(...)
   local all = {}
   for _, set in ipairs { ... } do
      for name, meaning in pairs(set) do all[name] = meaning end
   end
   return all
end

local function prefixed(list, prefix)
   local texts = {}
   for i, name in ipairs(list) do texts[i] = "'" .. prefix .. name .. "'" end
   return table.concat(texts, " or ")
end

-- The outputs of a forward are assigned, each of them.
local function read_forward(o, label)
   local reads = union(set_of(o.inputs, "an input"), set_of(sorted_keys(o.numbers), "a number"))
   local found, problem = names.read(o.forward, label .. ", forward", reads, set_of(o.outputs, "an output"), prefixed(o.outputs, ""))
   if not found then return nil, problem end
   for _, name in ipairs(o.outputs) do
      if not found.assigns[name] then return nil, ("%s, forward: the output '%s' is never assigned"):format(label, name) end
   end
   return found
end

local function read_backward(o, label)
   local reads = union(set_of(o.inputs, "an input"), set_of(o.outputs, "an output"),
      set_of(o.outputs, "the gradient of an output", "g"), set_of(sorted_keys(o.numbers), "a number"))
   local without = set_of(o.no_gradient, true)
   local found, problem = names.read(o.backward, label .. ", backward", reads, set_of(o.inputs, "a gradient", "g"),
      prefixed(o.inputs, "g"))
   if not found then return nil, problem end
   for _, name in ipairs(o.inputs) do
      if not found.assigns["g" .. name] and not without[name] then
         return nil, ("%s, backward: 'g%s', the gradient of '%s', is never assigned; where it has none, say no_gradient = \"%s\"")
            :format(label, name, name, name)
      end
      if found.assigns["g" .. name] and without[name] then
         return nil, ("%s, backward: 'g%s' is assigned, but '%s' is among no_gradient"):format(label, name, name)
      end
   end
   return found
end

local function check_no_gradient(o)
   local inputs = set_of(o.inputs, true)
   for _, name in ipairs(o.no_gradient) do
      if not inputs[name] then
         return ("option 'no_gradient': '%s' is no input%s"):format(name, options.hint(name, o.inputs))
      end
   end
   if #o.no_gradient > 0 and not o.backward then return "option 'no_gradient': there is no backward" end
end

-- ---- the op ----

local function entries(list, first, prefix)
   local all = {}
   for i, name in ipairs(list) do all[i] = { (prefix or "") .. name, first + i - 1 } end
   return all
end

local function concat(...)
   local all = {}
   for _, list in ipairs { ... } do table.move(list, 1, #list, #all + 1, all) end
   return all
end

-- Bit i of the i-th name (from 0) that is in a set.
local function mask(list, set, prefix)
   local bits = 0
   for i, name in ipairs(list) do
      if set[(prefix or "") .. name] then bits = bits | 1 << (i - 1) end
   end
   return bits
end

local function first_line(text)
   return text:match "^%s*([^\n]*)" .. (text:match "^%s*[^\n]*\n%s*%S" and " ..." or "")
end

-- What the op is to the core, and its source in C.
local function describe(o, label, forward, backward)
   local numbers, nin, nout = sorted_keys(o.numbers), #o.inputs, #o.outputs
   local presets = {}
   for i, name in ipairs(numbers) do presets[i] = o.numbers[name] + 0.0 end
   local source = c_text.source { label = label, numbers = numbers, outputs = entries(o.outputs, 0),
      gradients = entries(o.inputs, 0, "g"), forward = forward, backward = backward,
      reads = concat(entries(o.inputs, 0), entries(o.outputs, nin), entries(o.outputs, nin + nout, "g")) }
   local used = backward and backward.used or {}
   return source, { name = o.name, kernel = "own_op", doc = o.doc or first_line(o.forward), inputs = o.inputs, outputs = o.outputs,
      numbers = numbers, presets = presets, gradients = backward and mask(o.inputs, backward.assigns, "g") or 0,
      keep_in = mask(o.inputs, used), keep_out = mask(o.outputs, used),
      text = source .. table.concat(presets, " ") .. (o.doc or "") }
end

-- The first error about a text of the user's, as "kernel 'mish', forward, line 2: ..."; nil: there is none.
local function user_error(said)
   for line in said:gmatch "[^\n]+" do
      local label, at, message = line:match "^(kernel '[^']*', %l+):(%d+):[%d:]* ?[fatal ]*error: (.*)$"
      if label then return ("%s, line %s: %s"):format(label, at, message) end
   end
end

local function first_error(said)
   return said:match "[^\n]*error[^\n]*" or said:match "[^\n]+" or "it said nothing"
end

local function home()
   return (scute.module_file "scute" or ""):match "^(.*)/lua/scute/init%.lua$" or "."
end

local function content(path)
   local file = assert(io.open(path, "rb"))
   local text = file:read "a"
   file:close()
   return text
end

-- Compiles the op for the CPU; what is wrong.
local function compile(op, source, label)
   local include = home()
   local ok, problem = build.load { source = source, include = include, reads = { content(include .. "/kernels/cpu/vmath.h") },
      is_final = function(said) return user_error(said) ~= nil end,
      open = function(path) scute.own_op_open(op, path) end }
   if ok then return nil end
   return problem.missing and ("%s: %s"):format(label, problem.missing) or user_error(problem.said)
      or ("%s: the C compiler failed: %s"):format(label, first_error(problem.said))
end

-- ---- what the user gets ----

local function metatable(call)
   return {
      __name = "scute.kernel",
      __call = function(_, ...) return call(...) end,
      __tostring = function(self)
         return ("scute.kernel '%s': %s -> %s"):format(self.name, table.concat(concat(self.inputs, self.numbers), ", "),
            table.concat(self.outputs, ", "))
      end,
   }
end

local function checked(o)
   local label = ("kernel '%s'"):format(o.name)
   local problem = check_names(o) or check_counts(o) or check_no_gradient(o)
   if problem then return nil, "kernel: " .. problem end
   local forward, backward
   forward, problem = read_forward(o, label)
   if problem then return nil, problem end
   if o.backward then backward, problem = read_backward(o, label) end
   if problem then return nil, problem end
   return { label = label, forward = forward, backward = backward }
end

--- An op of one's own, made of C for each element.
local function kernel(given)
   local o = KERNEL:read(given)
   local texts, problem = checked(o)
   if problem then error(problem, 2) end
   local source, declaration = describe(o, texts.label, texts.forward, texts.backward)
   local call, op = scute.own_op(declaration)
   if not scute.own_op_has_code(op) then
      problem = compile(op, source, texts.label)
      if problem then error(console.visible(problem), 2) end
   end
   return setmetatable({ name = o.name, differentiable = o.backward ~= nil, inputs = o.inputs, outputs = o.outputs,
      numbers = declaration.numbers }, metatable(call))
end

return KERNEL:describes(kernel)
