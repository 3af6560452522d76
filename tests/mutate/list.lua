-- The list of faults (faults.lua) and whether each can still be put in.
local list = {}

local function read(path)
   local file = io.open(path, "rb")
   local text = file and file:read "a"
   if file then file:close() end
   return text
end

-- How often `part` is in `text`.
local function occurrences(text, part)
   local n, at = 0, 1
   while true do
      local from, to = text:find(part, at, true)
      if not from then return n end
      n, at = n + 1, to + 1
   end
end

--- All faults, in the order of the list.
function list.read()
   return dofile "tests/mutate/faults.lua"
end

--- How messages call a fault.
function list.name(fault)
   return fault[1] .. ": " .. fault[2]
end

--- The text of the fault's file below `root` as it is and with the fault in it; nil and why it cannot be put in.
function list.apply(fault, root)
   local text = read(root .. "/" .. fault[1])
   if not text then return nil, "there is no such file" end
   local n = occurrences(text, fault.from)
   if n ~= 1 then return nil, ("its text is there %d times, expected once: %s"):format(n, fault.from) end
   local from, to = text:find(fault.from, 1, true)
   return text, text:sub(1, from - 1) .. fault.to .. text:sub(to + 1)
end

return list
