-- What a step computed, read while the next one is under way: a GPU that is asked for each loss as it comes stands still
-- meanwhile. On the CPU, where numbers are there at once, they are read at once.
local late = {}

local Queue = {}
Queue.__index = Queue

--- A queue whose read(entry) gets each entry in order. Where `device` computes on its own (a GPU) an entry waits for
-- settle(), the first one aside, so that there is something to tell from the start; elsewhere, and with prompt = true
-- everywhere, it is read as it comes.
function late.queue(device, read, prompt)
   return setmetatable({ read = read, late = device:find "^cuda" ~= nil and not prompt }, Queue)
end

--- Takes an entry in; the one before must be settled.
function Queue:put(entry)
   self.waiting = entry
   if not self.late or not self.begun then self:settle() end
   self.begun = true
end

--- Reads what waits: once the next work is under way, and before anything is told, saved or ended.
function Queue:settle()
   local entry = self.waiting
   self.waiting = nil
   if entry then self.read(entry) end
end

--- Asks for the values of tensors: {name = tensor} -> {name = handle}, for late.take.
function late.ask(tensors)
   local asked = {}
   for name, tensor in pairs(tensors) do asked[name] = tensor:later() end
   return asked
end

--- The values that were asked for, as tensors on the CPU by name; the handles are done with.
function late.take(asked)
   local values = {}
   for name, handle in pairs(asked) do
      values[name] = handle:get()
      handle:free()
   end
   return values
end

return late
