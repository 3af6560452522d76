-- Batch norms that train in an ordered run (see scute.train.ordered). Each part of a batch is normalised by statistics of its
-- own, as batches are whose gradients are accumulated; and the running statistics move part after part, in the order of parts,
-- whichever process has computed them: each part is computed from running statistics of 0, so that what it leaves there is what
-- it adds, and the sums are done when all are there.
local scute = require "scute.core"
local console = require "scute.base.console"
local Module = require "scute.nn.module"
local BatchNorm2d = require("scute.nn.norm").BatchNorm2d

local ordered_norms = {}

local world = scute.world

--- Fails where a model has running statistics of which nothing is known: those of a layer of the user's. Nor does a layer meet
-- those of other processes: they are at other parts.
function ordered_norms.check(run)
   for name, _, owner in run.model:named_buffers() do
      local path, field = name:match "^(.-)%.?([^.]*)$"
      local moves = field == "running_mean" and not owner.fixed
      if moves and not Module.is(owner, BatchNorm2d) then
         console.fail("--ordered: %s (%s) has running statistics of its own, which would depend on the number of processes; "
            .. "keep them as they are, and say so (fixed = true in the layer), or leave --ordered out", path, owner.class_name)
      elseif moves and run.shared and owner.synchronised then
         console.fail("--ordered: %s is synchronised over the processes, and a batch norm of an ordered run sees one part; "
            .. "leave one of the two out", path)
      end
   end
end

local Norms = {}
Norms.__index = Norms

-- All running statistics as one row of numbers (S) f64.
local function row_of(layers)
   local list = {}
   for _, layer in ipairs(layers) do
      for _, name in ipairs { "running_mean", "running_var" } do list[#list + 1] = layer[name]:to "f64" end
   end
   local row = scute.concat(list, 1)
   for _, tensor in ipairs(list) do tensor:free() end
   return row
end

--- The batch norms of a run that train now, before a step; until the value that it returns goes out of scope they are those of
-- single parts. slots: parts of the step.
function ordered_norms.begin(run, slots)
   local self = setmetatable({ slots = slots, shared = run.feed.shared, layers = {}, counts = {}, found = {}, uses = {} },
      Norms)
   for _, module in run.model:named_modules() do
      if Module.is(module, BatchNorm2d) and module.training and not module.fixed then
         self.layers[#self.layers + 1] = module
         self.counts[#self.layers] = module.num_batches_tracked:item()
      end
   end
   for i = 1, slots * #self.layers do self.uses[i] = 0 end
   self.row = #self.layers > 0 and row_of(self.layers)
   return self
end

--- To be called before a part is computed.
function Norms:begin_part()
   for _, layer in ipairs(self.layers) do
      layer.running_mean:fill_(0)
      layer.running_var:fill_(0)
      layer.num_batches_tracked:fill_(0)
   end
end

--- To be called after it. slot: its number in the step.
function Norms:take(slot)
   if #self.layers == 0 then return end
   for i, layer in ipairs(self.layers) do
      self.uses[(slot - 1) * #self.layers + i] = layer.num_batches_tracked:item()
   end
   self.found[slot] = row_of(self.layers)
end

-- What all parts have left, (slots, S), and how often each layer was used in each of them. Together.
local function share(self)
   local blank, list = scute.zeros(self.row.shape, { dtype = "f64", device = self.row.device }), {}
   for slot = 1, self.slots do list[slot] = self.found[slot] or blank end
   local own <close> = scute.stack(list, 1)
   blank:free()
   for _, row in pairs(self.found) do row:free() end
   if not self.shared then return own + 0, self.uses end
   return world.all_reduce(own), world.sums(self.uses)
end

-- How much of the running statistics is left after a part, as a number or (S).
local function left_after(self, uses, slot)
   local factors, same = {}, true
   for i, layer in ipairs(self.layers) do
      factors[i] = (1 - layer.momentum) ^ uses[(slot - 1) * #self.layers + i]
      same = same and factors[i] == factors[1]
   end
   if same then return factors[1] end
   local list = {}
   for i, layer in ipairs(self.layers) do
      list[i] = scute.full({ 2 * layer.num_features }, factors[i], { dtype = "f64", device = self.row.device })
   end
   return scute.concat(list, 1)
end

-- Writes the row back, and the counts with what was added to them.
local function restore(self, row, uses)
   local at = 0
   for i, layer in ipairs(self.layers) do
      for _, name in ipairs { "running_mean", "running_var" } do
         local n = layer.num_features
         local part <close> = scute.slice(row, 1, at + 1, at + n)
         local rounded <close> = part:to(layer[name].dtype)
         layer[name]:copy_(rounded)
         at = at + n
      end
      local count = self.counts[i]
      for slot = 1, uses and self.slots or 0 do count = count + uses[(slot - 1) * #self.layers + i] end
      layer.num_batches_tracked:fill_(math.tointeger(count))
   end
end

--- Moves the running statistics by all parts, in their order. Together.
function Norms:finish()
   if #self.layers == 0 then return end
   scute.no_grad(function()
      local found, uses = share(self)
      local row = self.row
      for slot = 1, self.slots do
         local part = scute.slice(found, 1, slot, slot):reshape(row.shape)
         row = row * left_after(self, uses, slot) + part
      end
      found:free()
      restore(self, row, uses)
   end)
   self.layers = {}
end

-- After an error they are what they were.
function Norms:__close()
   if #self.layers > 0 then scute.no_grad(restore, self, self.row) end
end

return ordered_norms
