-- Options of variants that `run` reads in no run: variants that differ in these alone do not differ at all, which nobody should
-- find out from equal figures.
local sorted_keys = require "scute.base.sorted_keys"

local unread = {}

local Known = {}
Known.__index = Known

--- Of a list of variants, of whose runs nothing is known yet.
function unread.new(variants)
   return setmetatable({ variants = variants, of = {}, told = {} }, Known)
end

--- Hears of a record.
function Known:add(found)
   local before, now = self.of[found.variant], {}
   for _, key in ipairs(found.unread or {}) do now[key] = not before or before[key] or nil end
   self.of[found.variant] = now
end

-- Whether all variants that have an option have a run that has ended, and none has read it.
local function is_read_nowhere(self, key)
   for _, variant in ipairs(self.variants) do
      local known = self.of[variant.name]
      if variant.options[key] ~= nil and not (known and known[key]) then return false end
   end
   return true
end

--- The options that no run has read, as far as each variant that has one has had a run; each is told once.
function Known:news()
   local keys, list = {}, {}
   for _, known in pairs(self.of) do
      for key in pairs(known) do keys[key] = true end
   end
   for _, key in ipairs(sorted_keys(keys)) do
      if not self.told[key] and is_read_nowhere(self, key) then
         self.told[key], list[#list + 1] = true, key
      end
   end
   return list
end

return unread
