-- What the comments in host/bind say of functions, methods and properties bound in C: name -> { signature, text }.
local scute = require "scute.core"

local RESULT = "^[%s:;,]*"

-- "scute.full({2, 3}, value, {...}) -> ..." -> its call, and what follows.
local function split(block)
   local name = block:match "^[%w_.:]+[%w_]"
   local call = block:match("^%b()", #name + 1) or block:match("^%b{}", #name + 1) or ""
   return name, name .. call, (block:sub(#name + #call + 1):gsub(RESULT, ""))
end

local function key_of(name)
   return (name:gsub("^scute%.", ""))
end

-- A comment names a function several times where it can be called in several ways; what follows belongs to all of them.
return function()
   local found = {}
   for block in (scute.binding_help() .. "\n"):gmatch "(.-)\n\n" do
      local name, signature, text = split((block:gsub("\n", " ")))
      local key = key_of(name)
      if not found[key] then
         found[key] = { signature = signature, text = text }
      else
         found[key].text = found[key].text .. "\n" .. signature .. " " .. text
      end
   end
   return found
end
