-- Kernels of each element: what their texts read and assign, the op that is made of them, and its code for the CPU.
local scute = require "scute.core"
local build = require "scute.kernel.build"
local c_text = require "scute.kernel.c_text"
local cuda = require "scute.kernel.cuda"
local cuda_text = require "scute.kernel.cuda_text"
local identity = require "scute.kernel.identity"
local mask = require "scute.kernel.mask"
local names = require "scute.kernel.names"
local sorted_keys = require "scute.base.sorted_keys"

local elements = {}

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
   local found, problem = names.read(o.forward, label .. ", forward", reads, set_of(o.outputs, "an output"),
      prefixed(o.outputs, ""))
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
         return nil, ("%s, backward: 'g%s', the gradient of '%s', is never assigned; where it has none, say "
            .. "no_gradient = \"%s\""):format(label, name, name, name)
      end
      if found.assigns["g" .. name] and without[name] then
         return nil, ("%s, backward: 'g%s' is assigned, but '%s' is among no_gradient"):format(label, name, name)
      end
   end
   return found
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

local function first_line(text)
   return text:match "^%s*([^\n]*)" .. (text:match "^%s*[^\n]*\n%s*%S" and " ..." or "")
end

-- What its sources are made of, its source in C, and what the op is to the core.
local function describe(o, label, forward, backward)
   local numbers, nin, nout = sorted_keys(o.numbers), #o.inputs, #o.outputs
   local presets = {}
   for i, name in ipairs(numbers) do presets[i] = o.numbers[name] + 0.0 end
   local parts = { label = label, numbers = numbers, outputs = entries(o.outputs, 0), gradients = entries(o.inputs, 0, "g"),
      forward = forward, backward = backward,
      reads = concat(entries(o.inputs, 0), entries(o.outputs, nin), entries(o.outputs, nin + nout, "g")) }
   local source = c_text.source(parts)
   local used = backward and backward.used or {}
   return parts, source, { name = o.name, kernel = "own_op", doc = o.doc or first_line(o.forward), inputs = o.inputs,
      outputs = o.outputs, numbers = numbers, presets = presets,
      gradients = backward and mask(o.inputs, backward.assigns, "g") or 0,
      keep_in = mask(o.inputs, used), keep_out = mask(o.outputs, used),
      text = identity(o, source) }
end

-- Compiles the op for the CPU; what is wrong.
local function compile(op, source, label)
   local ok, failed = build.load { source = source, open = function(path) scute.own_op_open(op, path) end }
   return not ok and build.explain(label, failed) or nil
end

--- The op of a kernel, by options that go together: what calls it as an object's __call, and the op; nil and what is wrong.
function elements.op(o)
   local label = ("kernel '%s'"):format(o.name)
   local forward, backward, problem
   forward, problem = read_forward(o, label)
   if problem then return nil, problem end
   if o.backward then backward, problem = read_backward(o, label) end
   if problem then return nil, problem end
   local parts, source, declaration = describe(o, label, forward, backward)
   local call, op = scute.own_op(declaration)
   cuda.offer(op, function(dtype) return cuda_text.source(parts, dtype) end)
   if not scute.own_op_has_code(op) then problem = compile(op, source, label) end
   if problem then return nil, problem end
   return call, op
end

return elements
