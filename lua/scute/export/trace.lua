-- What a model computes, as a list of ops: it is called twice, with batches of other sizes and values, and the calls of ops are
-- written down (host/core/transcript.h). What is the same in both is the network; a number that grows with the batch is told as
-- such; where the two differ in anything else, the model decides by its input in Lua, which no list can tell, and that is an
-- error with the layer's path. A third call, with a single sample, has to compute by the same ops.
--
-- A graph is
--    inputs, outputs   lists of { id = value's number, name = }
--    values            by number: { shape = of BATCH samples, grows = by how much each size does with a sample, dtype =
--                      "f32", "i64" or "u8": in which width numbers are written is for the file to say }
--    constants         by number: { name = "layer1.0.conv1.weight", tensor = , expand = dimension of size 1 that stands for
--                      the batch }
--    nodes             in order: { op = "conv2d", layer = "layer1.0.conv1", inputs = { 1, 2, false }, outputs = { 3 },
--                      attrs = { stride = { 1, 1 } }, varies = { names of the attrs that depend on the batch's size },
--                      completed = by name whether the op itself found an attr or changed it }
-- Inputs are numbers in the order of the op's tensor parameters, lists laid flat, false where one is absent. attrs are the
-- other parameters by their names; dimensions count from 0 there, indices from 1. Calls that compute with constants alone are
-- no nodes: their results are constants.
local scute = require "scute.core"
local Module = require "scute.nn.module"
local console = require "scute.base.console"
local kept_random = require "scute.base.kept_random"
local layers = require "scute.profile.layers"
local same_list = require "scute.base.same_list"
local shape_text = require "scute.base.shape_text"
local sorted_keys = require "scute.base.sorted_keys"

local transcript = scute.transcript

-- Samples of the first call, and how many more the second has: no size is 1 by chance, and half of them are not as many.
local tracing = { BATCH = 2, MORE = 3 }

-- ---- calling ----

-- Evaluation mode until the value is closed.
local function evaluating(model)
   local trained = {}
   for _, module in model:named_modules() do trained[module] = module.training end
   model:eval()
   return setmetatable({}, { __close = function()
      for module, on in pairs(trained) do rawset(module, "training", on) end
   end })
end

local function batch(example, samples)
   return scute.randn({ samples, table.unpack(example.shape) }):to { dtype = example.dtype, device = example.device }
end

-- The name of an entry of a table that is itself called `name`: "output2", "scores", "scores_2".
local function entry_name(name, key)
   if type(key) ~= "string" and math.type(key) ~= "integer" then
      error(("the model returned a table with the key %s; expected names, or a list"):format(tostring(key)), 0)
   end
   return name and ("%s_%s"):format(name, key) or type(key) == "string" and key or "output" .. key
end

-- Adds { name, tensor } to the list for each tensor in a value, itself or an entry of it.
local function add_results(list, name, value)
   if Module.is_tensor(value) then
      list[#list + 1] = { name = name or "logits", tensor = value }
   elseif type(value) == "table" then
      for _, key in ipairs(sorted_keys(value)) do add_results(list, entry_name(name, key), value[key]) end
   else
      error(("the model returned %s; expected a tensor, several, or a table of tensors"):format(console.brief(value)), 0)
   end
end

-- What forward returned, as a list of { name, tensor }.
local function results_of(...)
   local list, results = {}, table.pack(...)
   if results.n == 1 then add_results(list, nil, ...) else add_results(list, nil, { ... }) end
   if #list == 0 then error("the model returned nothing; expected a tensor, several, or a table of tensors", 0) end
   return list
end

local function numbered(results)
   for _, result in ipairs(results) do
      result.id = transcript.find(result.tensor)
      if not result.id then
         error(("the output '%s' does not depend on the input: there is nothing to export"):format(result.name), 0)
      end
   end
   return results
end

local function name_constants(model, values)
   for _, kind in ipairs { "named_parameters", "named_buffers" } do
      for name, tensor in model[kind](model) do
         local id = transcript.find(tensor)
         if id then values[id].name = values[id].name or name end
      end
   end
end

local written = setmetatable({}, { __close = function()
   layers.finish()
   transcript.finish()
end })

-- Paths of layers as the model itself counts them, though it may be a part of another one.
local function name_layers(model, calls)
   local own = rawget(model, "_name") or ""
   for _, call in ipairs(calls) do
      local layer = call.layer ~= layers.MODEL and call.layer or ""
      call.layer = own ~= "" and layer:sub(1, #own) == own and layer:sub(#own + 2) or layer
   end
   return calls
end

-- One call, written down: { results, values, calls }.
local function write_down(model, forward, x)
   transcript.begin { x }
   layers.begin()
   local _ <close> = written -- luacheck: ignore
   local results = numbered(results_of(scute.autocast("f32", scute.no_grad, forward, x)))
   local values = transcript.values()
   name_constants(model, values)
   return { results = results, values = values, calls = name_layers(model, transcript.calls()) }
end

-- ---- comparing ----

local function place(call)
   return call.layer ~= "" and ("%s (%s)"):format(call.layer, call.op) or call.op
end

local function differ(call, what)
   error(("%s: %s with another batch: the model decides in Lua by the size or the values of its input, which cannot be "
      .. "exported"):format(place(call), what), 0)
end

local function same_attr(a, b)
   if type(a) == "table" and type(b) == "table" then return same_list(a, b) end
   return a == b
end

-- The names of the attrs that the script gave and that differ, as a set; nil where none does.
local function varying(first, second)
   local names
   for name, value in pairs(first.attrs) do
      if not first.completed[name] and not same_attr(value, second.attrs[name]) then
         names = names or {}
         names[name] = true
      end
   end
   return names
end

local function compare_call(first, second)
   if not second then differ(first, "is not called") end
   if first.op ~= second.op or first.layer ~= second.layer then
      differ(first, ("%s is called"):format(place(second)))
   elseif not (same_list(first.inputs, second.inputs) and same_list(first.outputs, second.outputs)) then
      differ(first, "other tensors go in")
   end
   first.varies = varying(first, second)
end

local function compare_calls(first, second)
   for i, call in ipairs(first) do compare_call(call, second[i]) end
   if second[#first + 1] then differ(second[#first + 1], "is called only") end
end

-- Ops that put elements elsewhere or leave them as they are. Of a single sample some of them change nothing, and what changes
-- nothing is not written down.
local MOVES = {}
for op in ("concat detach clone dropout expand flatten flip pad permute reshape roll select slice squeeze stack "
   .. "stochastic_depth tile to to_device transpose unsqueeze"):gmatch "%S+" do
   MOVES[op] = true
end

local function computing(calls)
   local list = {}
   for _, call in ipairs(calls) do
      if not MOVES[call.op] then list[#list + 1] = call end
   end
   return list
end

-- Whether a single sample goes through other ops than many do.
local function compare_single(many, single)
   many, single = computing(many), computing(single)
   for i = 1, math.max(#many, #single) do
      local first, other = many[i], single[i]
      if not first then differ(other, "is called only") end
      if not other then differ(first, "is not called") end
      if first.op ~= other.op or first.layer ~= other.layer then differ(first, ("%s is called"):format(place(other))) end
   end
end

-- How much each dimension grows with a sample.
local function growth(first, second)
   local grows = {}
   for i, size in ipairs(first.shape) do
      local more = (second.shape[i] - size) / tracing.MORE
      grows[i] = math.tointeger(more) or more
   end
   return grows
end

local function compare_values(first, second, use)
   for id, value in ipairs(first) do
      local other = second[id]
      if #value.shape ~= #other.shape or value.dtype ~= other.dtype then
         differ(use[id], ("a tensor is %s %s in place of %s %s"):format(other.dtype, shape_text(other.shape), value.dtype,
            shape_text(value.shape)))
      end
      value.grows = growth(value, other)
   end
end

-- ---- constants ----

local function batch_dim(grows)
   for dim, more in ipairs(grows) do
      if more ~= 0 then return dim end
   end
end

local function same_content(a, b)
   return scute.checksum { a } == scute.checksum { b }
end

local function refuse_constant(use)
   error(("%s: a tensor that forward makes for it differs from one call to the next, or from sample to sample (random numbers, "
      .. "the number of samples, values of the input), and a file has it once for all"):format(place(use)), 0)
end

-- One entry along `dim`, which all others are equal to.
local function one_of(tensor, dim, use)
   local one = tensor:slice(dim, 1, 1)
   for sample = 2, tensor.shape[dim] do
      if not same_content(one, tensor:slice(dim, sample, sample)) then refuse_constant(use) end
   end
   return one
end

-- The constant of both calls. Where it has an entry for each sample, one stands for them; the second result is the dimension.
local function settle(value, other, use)
   local dim = batch_dim(value.grows)
   local first, second = value.constant, other.constant
   if dim then first, second = one_of(first, dim, use), one_of(second, dim, use) end
   if value.stamp ~= other.stamp and not same_content(first, second) then refuse_constant(use) end
   return first, dim
end

local IN_FILES = { f64 = "f32", f16 = "f32", bf16 = "f32" }

local function constants_of(first, second, use)
   local list = {}
   for id, value in ipairs(first) do
      value.dtype = IN_FILES[value.dtype] or value.dtype
      if value.constant then
         local tensor, dim = settle(value, second[id], use[id])
         list[id] = { name = value.name or ("constant.%d"):format(id), tensor = tensor:to("cpu", value.dtype), expand = dim }
         value.constant = nil
      end
      value.stamp = nil
   end
   return list
end

-- The first call that a value goes into or comes out of.
local function uses(calls)
   local use = setmetatable({}, { __index = function() return calls[1] end })
   for _, call in ipairs(calls) do
      for _, list in ipairs { call.inputs, call.outputs } do
         for _, id in ipairs(list) do
            if id and not rawget(use, id) then use[id] = call end
         end
      end
   end
   return use
end

-- ---- the whole ----

local function compare(first, second)
   compare_calls(first.calls, second.calls)
   local use = uses(first.calls)
   compare_values(first.values, second.values, use)
   for i, result in ipairs(first.results) do
      local other = second.results[i]
      if not other or other.name ~= result.name or other.id ~= result.id then
         error(("the output '%s' is another one with another batch"):format(result.name), 0)
      end
   end
   return constants_of(first.values, second.values, use)
end

local function free(results)
   for _, result in ipairs(results) do result.tensor:free() end
end

local function names_only(results)
   local list = {}
   for i, result in ipairs(results) do list[i] = { id = result.id, name = result.name } end
   return list
end

-- Not every forward takes a single sample.
local function check_single(model, forward, example, many)
   local taken, single = pcall(write_down, model, forward, batch(example, 1))
   if not taken and scute.interrupted() then error(single, 0) end
   if not taken then return end
   compare_single(many, single.calls)
   free(single.results)
end

--- The graph of a model in evaluation mode. example: { shape = of the input without the samples, dtype, device }. forward:
--- what is called with a batch, nil: the model.
function tracing.graph(model, example, forward)
   local evaluation <close> = evaluating(model) -- luacheck: ignore
   local random <close> = kept_random() -- luacheck: ignore
   local first = write_down(model, forward or model, batch(example, tracing.BATCH))
   local second = write_down(model, forward or model, batch(example, tracing.BATCH + tracing.MORE))
   local constants = compare(first, second)
   check_single(model, forward or model, example, first.calls)
   free(second.results)
   free(first.results)
   return { inputs = { { id = 1, name = "input" } }, outputs = names_only(first.results), values = first.values,
      constants = constants, nodes = first.calls }
end

return tracing
