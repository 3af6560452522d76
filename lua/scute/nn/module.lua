-- nn.Module: the base of layers, blocks and models. A module holds parameters (trained), buffers (kept, not trained) and
-- child modules, each under the name that torchvision's files use for it.
--
--    local Net = nn.Module:extend("Net")
--    function Net:build(options)
--       self.conv = nn.Conv2d { 3, 8, 3, padding = 1 }   -- assigning a module registers a child
--       self.fc = nn.Linear { 8, options.classes }
--       self.scale = nn.Parameter(scute.ones(8, 1, 1))   -- and so is a parameter of one's own
--    end
--    function Net:forward(x)
--       return self.fc((self.conv(x) * self.scale):relu():global_avg_pool2d():flatten(2))
--    end
--    local net = Net { classes = 10 }
--
-- A child or parameter is read as a field (net.conv.weight) unless a method has the same name; net:child "features"
-- always gives the child. #net is the number of children, net[1] the first, net[-1] the last; net[1] = module replaces it. A
-- name that is not there is an error with the nearest one, but for the module's own methods (see nn/absent.lua).
local scute = require "scute.core"
local console = require "scute.base.console"
local options = require "scute.base.options"
local frames = require "scute.base.frames"
local absent = require "scute.nn.absent"
local read_arguments = require "scute.nn.arguments"
local brief = require "scute.nn.brief"
local public = require "scute.base.public"
local no_module = require "scute.nn.no_module"
local parameter = require "scute.nn.parameter"
local unregistered = require "scute.nn.unregistered"
local explainer = require "scute.nn.explain"
local join = require "scute.base.join_path"
local same_list = require "scute.base.same_list"
local shape_text = require "scute.base.shape_text"

local Module = {}
Module.class_name = "Module"
-- In a class: forward stores neither its input nor its output, so that containers may free them early. False in new
-- classes; one that is set to true and still wants to keep a tensor keeps x:detach().
Module.keeps_nothing = false
Module._of_user = false -- whether a class is one of the user's, or made of one

-- ---- classes ----

local function lookup(class, self, key)
   if type(key) == "number" then
      local names = rawget(self, "_child_names")
      local name = names[key < 0 and #names + 1 + key or key]
      if name then return rawget(self, "_children")[name] end
      return absent.read_position(self, class, key)
   end
   local value = class[key]
   if value ~= nil then return value end
   value = rawget(self, "_parameters")[key]
   if value then return value end
   value = rawget(self, "_buffers")[key] or rawget(self, "_children")[key]
   if value then return value end
   return absent.read(self, class, key)
end

-- Whether a value is a module.
local function is_module(value)
   return type(value) == "table" and rawget(value, "_children") ~= nil
end

local tensor_type = getmetatable(scute.zeros(1))

-- Whether a value is a tensor.
local function is_tensor(value)
   return type(value) == "userdata" and getmetatable(value) == tensor_type
end

local function position_of(list, wanted)
   for i, entry in ipairs(list) do
      if entry == wanted then return i end
   end
end

-- The name of the child at a position, as in net[1], net[-1].
local function name_at(self, position)
   local names = rawget(self, "_child_names")
   local name = names[position < 0 and #names + 1 + position or position]
   if name then return name end
   error(("%s: there is no child [%d] to replace, it has %d"):format(self.class_name, position, #names), 3)
end

local IS_TAKEN = { child = "is a child module; assign a module to it", parameter = "is a parameter; assign a tensor to it",
   buffer = "is a buffer, which does not train; assign a plain tensor to it" }
local REGISTERED = { child = "_children", parameter = "_parameters", buffer = "_buffers" }

-- A name stands for one thing. `level` is of who gives it, as error counts.
local function check_free(self, kind, name, level)
   for other, field in pairs(REGISTERED) do
      if other ~= kind and rawget(self, field)[name] ~= nil then
         error(("%s: '%s' %s, or take another name"):format(self.class_name, name, IS_TAKEN[other]), level)
      end
   end
end

local function assign(self, key, value)
   if is_module(value) then
      check_free(self, "child", key, 3)
      if not rawget(self, "_children")[key] then absent.check_assigned(self, getmetatable(self).class, key) end
      self:add(math.type(key) == "integer" and name_at(self, key) or key, value)
   elseif parameter.is(value) or rawget(self, "_parameters")[key] ~= nil then
      check_free(self, "parameter", key, 3)
      self:register_parameter(key, value)
   elseif rawget(self, "_buffers")[key] ~= nil then
      self:register_buffer(key, value)
   elseif rawget(self, "_children")[key] ~= nil then
      check_free(self, "plain field", key, 3)
   else
      absent.check_assigned(self, getmetatable(self).class, key)
      rawset(self, key, value)
   end
end

-- What a constructor takes, { {"in_channels"}, {"stride", 1}, ... }: an option without a default is required, unless it is
-- `optional`. A default that is a function is called for the value.
local function declare(name, entries)
   for _, entry in ipairs(entries) do
      entry.required = entry[2] == nil and not entry.optional
      absent.allow(entry[1])
   end
   return options.declare("nn." .. name, entries)
end

local function instantiate(class, ...)
   local self = setmetatable({
      training = true,
      _parameters = {}, _parameter_names = {},
      _buffers = {}, _buffer_names = {},
      _children = {}, _child_names = {},
   }, class.instance)
   if class.declaration then
      local given = read_arguments(class, is_module, ...)
      rawset(self, "_given", given)
      self:build(given)
   else
      self:build(...)
   end
   if class._of_user then unregistered.check(self) end
   return self
end

-- A new class. `entries` declares the constructor's arguments, { {"in_channels"}, {"stride", 1}, ... } (see
-- scute.base.options); without it, build gets them as given. `build(self, options)` sets the module up, `forward(self, ...)`
-- computes.
function Module:extend(name, entries)
   local class = setmetatable({ class_name = name, options = entries, declaration = entries and declare(name, entries),
      keeps_nothing = false, _of_user = self._of_user or not frames.is_library(debug.getinfo(2, "S")) },
      { __index = self, __call = instantiate, __name = "class", __tostring = brief.class })
   if entries then class.declaration:describes(class) end
   class.instance = {
      class = class,
      __index = function(instance, key) return lookup(class, instance, key) end,
      __newindex = assign,
      __call = Module.call,
      __len = function(instance) return #rawget(instance, "_child_names") end,
      __tostring = function(instance) return instance:tree() end,
      __brief = brief.module,
      __name = "nn." .. name,
   }
   return class
end

-- Sets a new module up: what a class of one's own defines, with the options that it was called with.
function Module:build() end -- luacheck: ignore self

-- Computes: what a class of one's own defines. Call the module itself, model(x), not forward: errors then say where.
function Module:forward()
   error(("nn.%s has no forward"):format(self.class_name), 2)
end

-- True if the value is a module (of the given class, or of one derived from it).
function Module.is(value, class)
   if not is_module(value) then return false end
   local found = getmetatable(value).class
   while class and found and found ~= class do found = (getmetatable(found) or {}).__index end
   return found ~= nil
end

-- ---- calling: errors name the path ----

local observer

-- Runs f(...), and calls observe(module, output) whenever a module in it has computed something. Returns f's results.
function Module.observed(observe, f, ...)
   local before = observer
   observer = observe
   local results = table.pack(pcall(f, ...))
   observer = before
   if not results[1] then error(results[2], 0) end
   return table.unpack(results, 2, results.n)
end

-- Tells the observer what a module computed, for code that does its work without calling it. `output` is a tensor
-- or a shape. Returns the output.
function Module.tell(module, output, ...)
   if observer then observer(module, output) end
   return output, ...
end

local explain

local function run(self, ...)
   return Module.tell(self, self:forward(...))
end

local function finish(ok, ...)
   if not ok then error((...), 0) end
   return ...
end

local follower

-- Has follow(module) called as a module begins to compute; what that returns is closed when it has. nil: nobody follows.
function Module.follow(follow)
   follower = follow
end

-- Calling a module: model(x). An error gets the path of the module in which it was raised, and the traceback.
function Module:call(...)
   if follower then -- apart from the rest, as a variable that is closed costs more than the question
      local followed <close> = follower(self) -- luacheck: ignore
      return finish(xpcall(run, explain, self, ...))
   end
   return finish(xpcall(run, explain, self, ...))
end

local function pass(...)
   return ...
end

-- Runs f(...) as a part of the module's work, for errors that name it, without calling its forward.
function Module:within(f, ...)
   if follower then
      local followed <close> = follower(self) -- luacheck: ignore
      return pass(f(...))
   end
   return pass(f(...)) -- no tail call: it stands on the stack while f runs
end

explain = explainer(Module.call, Module.within)

-- ---- registering ----

local function check_name(self, name)
   if type(name) ~= "string" or name == "" or name:find(".", 1, true) then
      error(("%s: a name is a string without dots, found '%s'"):format(self.class_name, tostring(name)), 3)
   end
end

local function register(self, kind, name, value)
   check_name(self, name)
   check_free(self, kind, name, 4)
   local names = rawget(self, "_" .. kind .. "_names")
   if not position_of(names, name) then names[#names + 1] = name end
   return value
end

-- Adds (or replaces) a child module under a name; returns the child.
function Module:add(name, module)
   if not is_module(module) then
      error(("%s: child '%s': %s"):format(self.class_name, tostring(name), no_module(module)), 2)
   end
   register(self, "child", name)
   rawset(module, "_name", name)
   rawget(self, "_children")[name] = module
   return module
end

-- Adds (or replaces) a parameter: a leaf tensor, from then on asked for gradients; one of nn.Parameter, or that is a module's
-- parameter already, trains or not as it did.
function Module:register_parameter(name, tensor)
   if not is_tensor(tensor) then
      error(("%s: parameter '%s': expected a tensor, found a %s"):format(self.class_name, tostring(name), type(tensor)), 2)
   end
   register(self, "parameter", name)
   rawget(self, "_parameters")[name] = parameter.hold(tensor)
end

-- Adds (or replaces) a buffer: saved with the model, never trained.
function Module:register_buffer(name, tensor)
   if not is_tensor(tensor) then
      error(("%s: buffer '%s': expected a tensor, found a %s"):format(self.class_name, tostring(name), type(tensor)), 2)
   end
   register(self, "buffer", name)
   rawget(self, "_buffers")[name] = tensor
end

-- The direct child of that name, or nil.
function Module:child(name)
   return rawget(self, "_children")[name]
end

-- Direct children in order of definition: for name, module in model:children() do
function Module:children()
   local i, names, children = 0, rawget(self, "_child_names"), rawget(self, "_children")
   return function()
      i = i + 1
      return names[i], children[names[i]]
   end
end

-- ---- walking ----

-- Registers what was assigned as a parameter where a plain tensor stood: Lua tells nobody of such an assignment.
local function adopt(self)
   for key, value in next, self do
      if parameter.waits(value) then
         rawset(self, key, nil)
         self:register_parameter(key, value)
      end
   end
end

local function walk(self, prefix, visit)
   if parameter.any_waits() then adopt(self) end
   visit(prefix, self)
   for name, child in self:children() do walk(child, join(prefix, name), visit) end
end

local function iterate(list)
   local i = 0
   return function()
      i = i + 1
      local entry = list[i]
      if entry then return entry[1], entry[2], entry[3] end
   end
end

-- { {name, tensor, owner}, ... }; `once`: a tensor that stands under several names is there under the first alone.
local function collect(self, kind, once)
   local list, seen = {}, {}
   walk(self, "", function(path, module)
      local values = rawget(module, "_" .. kind .. "s")
      for _, name in ipairs(rawget(module, "_" .. kind .. "_names")) do
         local tensor = values[name]
         if not (once and seen[tensor]) then list[#list + 1] = { join(path, name), tensor, module } end
         seen[tensor] = true
      end
   end)
   return list
end

-- for name, module in model:named_modules() do -- the module itself first, under the name ""
function Module:named_modules()
   local list = {}
   walk(self, "", function(path, module) list[#list + 1] = { path, module } end)
   return iterate(list)
end

-- for name, tensor, owner in model:named_parameters() do -- "layer1.0.conv1.weight", in torchvision's order; a tensor that
-- stands under several names is told once, under the first
function Module:named_parameters()
   return iterate(collect(self, "parameter", true))
end

-- The same with each name of a tensor, for who asks what a name stands for.
function Module:parameter_names()
   return iterate(collect(self, "parameter"))
end

-- for name, tensor, owner in model:named_buffers() do -- each once, as parameters are
function Module:named_buffers()
   return iterate(collect(self, "buffer", true))
end

-- All parameters, as a list of tensors, each once.
function Module:parameters()
   local list = {}
   for _, tensor in self:named_parameters() do list[#list + 1] = tensor end
   return list
end

-- Number of elements of all parameters, or of those that are trained.
function Module:num_parameters(trainable_only)
   local n = 0
   for _, tensor in self:named_parameters() do
      if tensor.requires_grad or not trainable_only then n = n + tensor:numel() end
   end
   return n
end

-- Calls f(module, path) for every module, children before parents (PyTorch's order). Returns self.
function Module:apply(f)
   local function visit(module, path)
      for name, child in module:children() do visit(child, join(path, name)) end
      f(module, path)
   end
   visit(self, "")
   return self
end

-- The module at a dotted path ("layer3.0.conv2"); an error with the nearest name where there is none.
function Module:get(path)
   local names = {}
   for name, module in self:named_modules() do
      if name == path then return module end
      names[#names + 1] = name
   end
   local near = scute.nearest(tostring(path), names)
   error(("%s: no module '%s'%s"):format(self.class_name, tostring(path),
      near and ("; did you mean '%s'?"):format(near) or ""), 2)
end

-- ---- state ----

-- Every parameter and buffer: {names = list, tensors = {name = tensor}}, as scute.weights reads and writes it. The
-- order is torchvision's: own parameters, own buffers, then the children in order of definition. The tensors are the
-- module's own.
function Module:state_dict()
   local state = { names = {}, tensors = {} }
   walk(self, "", function(path, module)
      for _, kind in ipairs { "parameter", "buffer" } do
         local values = rawget(module, "_" .. kind .. "s")
         for _, name in ipairs(rawget(module, "_" .. kind .. "_names")) do
            local full = join(path, name)
            table.insert(state.names, full)
            state.tensors[full] = values[name]
         end
      end
   end)
   return state
end

local LOAD = options.declare("load_state_dict", {
   { "strict", flag = true, default = true, help = "missing and unexpected names are an error" },
})

local function list_some(title, names, out)
   if #names == 0 then return end
   local text = table.concat(names, ", ", 1, math.min(#names, 8))
   out[#out + 1] = ("%s %s%s"):format(title, text, #names > 8 and (", and %d more"):format(#names - 8) or "")
end

local function compare(own, tensors)
   local missing, unexpected, misshapen = {}, {}, {}
   for _, name in ipairs(own.names) do
      local expected, given = own.tensors[name], tensors[name]
      if not given then
         missing[#missing + 1] = name
      elseif not same_list(expected.shape, given.shape) then
         misshapen[#misshapen + 1] = ("%s: expected %s, found %s"):format(name, shape_text(expected.shape),
            shape_text(given.shape))
      end
   end
   for name in pairs(tensors) do
      if not own.tensors[name] then unexpected[#unexpected + 1] = name end
   end
   table.sort(unexpected)
   return missing, unexpected, misshapen
end

-- Copies the values of a state dict, or of a plain {name = tensor}, into the module, converting dtype and device. With
-- strict = true (the default) missing and unexpected names are an error that lists them; a wrong shape always is.
-- Nothing is written when there is an error. Returns the lists of missing and unexpected names.
function Module:load_state_dict(state, given)
   local strict = LOAD:read(given).strict
   if type(state) ~= "table" then
      error(("%s: load_state_dict: expected a state dict or {name = tensor}, found %s; weights.load reads one from a file")
         :format(self.class_name, console.brief(state)), 2)
   end
   local own, tensors = self:state_dict(), state.names and state.tensors or state
   local missing, unexpected, misshapen = compare(own, tensors)
   local faults = {}
   if strict then
      list_some("missing:", missing, faults)
      list_some("unexpected:", unexpected, faults)
   end
   list_some("misshapen:", misshapen, faults)
   if #faults > 0 then
      error(("%s: the state dict does not fit: %s"):format(self.class_name, table.concat(faults, "; ")), 2)
   end
   scute.no_grad(function()
      for _, name in ipairs(own.names) do
         if tensors[name] then own.tensors[name]:copy_(tensors[name]) end
      end
   end)
   return missing, unexpected
end

-- Drops all gradients. Returns self.
function Module:zero_grad()
   for _, tensor in self:named_parameters() do tensor:zero_grad() end
   return self
end

-- Moves and converts: model:to("ref"), model:to("f64"), model:to { device = , dtype = }. Integer buffers keep their
-- dtype, and counters stay on the CPU, which counts without waiting for a GPU. Parameters are replaced by new tensors: make
-- the optimizer afterwards; one that stands under several names stays one. Returns self.
function Module:to(...)
   local wanted = type((...)) == "table" and { (...).device, (...).dtype } or { ... }
   for _, name in pairs(wanted) do
      if type(name) ~= "string" then
         error(("%s: to: expected a dtype or a device, found %s"):format(self.class_name, console.brief(name)), 2)
      end
   end
   local function convert(tensor)
      local moved = tensor:detach()
      local counter = tensor.dtype == "i64" and tensor.rank == 0
      for _, name in pairs(wanted) do
         if counter and name:find "^cuda" then name = "cpu" end
         local is_dtype = name:find "^%l+%d+$" and not name:find "^cuda" or name == "float" or name == "double"
            or name == "half"
         if not is_dtype or (moved.dtype ~= "i64" and moved.dtype ~= "u8") then moved = moved:to(name) end
      end
      return moved
   end
   local done = {} -- what became of each tensor, and what is done: a module may stand under two names
   local function replace(tensors)
      for name, tensor in pairs(tensors) do
         local new = done[tensor] or parameter.follow(convert(tensor):requires_grad_(tensor.requires_grad), tensor)
         done[tensor], done[new], tensors[name] = new, new, new
      end
   end
   walk(self, "", function(_, module)
      replace(rawget(module, "_parameters"))
      replace(rawget(module, "_buffers"))
   end)
   return self
end

-- ---- training, evaluation ----

-- Training mode (train(false): evaluation) for batch norm and dropout in the whole tree. Returns self.
function Module:train(on)
   walk(self, "", function(_, module) rawset(module, "training", on ~= false) end)
   return self
end

-- Evaluation mode. Returns self.
function Module:eval()
   return self:train(false)
end

-- ---- printing ----

-- What stands in the brackets after the class name; layers override it.
function Module:describe() -- luacheck: ignore self
   return ""
end

-- The tree, as PyTorch prints it.
function Module:tree()
   local lines = {}
   for name, child in self:children() do
      lines[#lines + 1] = ("  (%s): %s"):format(name, (child:tree():gsub("\n", "\n  ")))
   end
   local head = self.class_name .. "("
   if #lines == 0 then return head .. self:describe() .. ")" end
   return head .. "\n" .. table.concat(lines, "\n") .. "\n)"
end

Module.is_module, Module.is_tensor = is_module, is_tensor

public.hide(Module, "declaration", "instance", "options", "call", "is_module", "is_tensor", "observed", "tell", "within",
   "follow", "fields", "set_fields", "group_paths", "group_aliases", "parameter_names")
public.keep_to_class(Module, "build", "class_name", "describe", "extend", "is", "keeps_nothing")
return setmetatable(Module, { __name = "class", __tostring = brief.class })
