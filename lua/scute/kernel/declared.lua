-- Whether the names and numbers that a kernel is declared with go together.
local console = require "scute.base.console"
local names = require "scute.kernel.names"
local options = require "scute.base.options"
local sorted_keys = require "scute.base.sorted_keys"

local MOST = { inputs_and_numbers = 16, outputs = 3 } -- of an op

-- The names of a kernel's parts, each once and fit for C; what is wrong.
local function check_names(o)
   if not o.name:find "^[%a][%w_.-]*$" or #o.name > 60 then
      return ("option 'name': expected up to 60 letters, digits, _, . and -, beginning with a letter, found '%s'")
         :format(o.name)
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
end

local function check_numbers(o)
   for _, name in ipairs(sorted_keys(o.numbers)) do
      local value = o.numbers[name]
      if type(value) ~= "number" then
         return ("option 'numbers': '%s': expected a number, found %s"):format(name, console.brief(value))
      elseif value ~= value or value == math.huge or value == -math.huge then
         return ("option 'numbers': '%s': expected a finite number"):format(name)
      end
   end
end

local function set_of(list, meaning, prefix)
   local set = {}
   for _, name in ipairs(list) do set[(prefix or "") .. name] = meaning end
   return set
end

local function check_no_gradient(o)
   local inputs = set_of(o.inputs, true)
   for _, name in ipairs(o.no_gradient) do
      if not inputs[name] then
         return ("option 'no_gradient': '%s' is no input%s"):format(name, options.hint(name, o.inputs))
      end
   end
   local backward = o.backward or o.c_backward or o.cuda_backward
   if #o.no_gradient > 0 and not backward then return "option 'no_gradient': there is no backward" end
end

-- Of each element, or whole.
local function check_texts(o)
   local whole = o.c and "c" or o.cuda and "cuda"
   if not o.forward and not whole then
      return "expected forward, what is done with each element, or c or cuda, the body of a whole function"
   end
   if o.forward and whole then
      return ("option '%s': there is a forward; a kernel is one of each element or a whole function"):format(whole)
   end
   if whole and o.backward then return ("option 'backward': that of a whole function is %s_backward"):format(whole) end
   for _, name in ipairs { "c_backward", "cuda_backward", "shape", "check", "grid", "grid_backward" } do
      if o[name] and not whole then
         return ("option '%s': it goes with c or cuda, the body of a whole function"):format(name)
      end
   end
end

-- A whole function has a gradient on a CPU and on a GPU, or on neither.
local function check_places(o)
   for _, pair in ipairs { { "c_backward", "c" }, { "cuda_backward", "cuda" }, { "grid", "cuda" }, { "check", "c" },
      { "grid_backward", "cuda_backward" } } do
      if o[pair[1]] and not o[pair[2]] then return ("option '%s': it goes with %s"):format(pair[1], pair[2]) end
   end
   if o.c and o.cuda and (o.c_backward == nil) ~= (o.cuda_backward == nil) then
      local there, missing = "c_backward", "cuda_backward"
      if not o.c_backward then there, missing = missing, there end
      return ("option '%s': there is no %s, so that only one kind of device would have a gradient"):format(there, missing)
   end
end

--- What is wrong with the options of a kernel, read by their declaration; nil where nothing is.
return function(o)
   return check_texts(o) or check_places(o) or check_names(o) or check_counts(o) or check_numbers(o) or check_no_gradient(o)
end
