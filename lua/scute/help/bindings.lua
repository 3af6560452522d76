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

-- A function may be told in several comments, of one way to call it each. A comment without a call ("scute.files: ...") is
-- about a whole file of functions, unless it is about a property.
return function()
   local found = {}
   for block in (scute.binding_help() .. "\n"):gmatch "(.-)\n\n" do
      local name, signature, text = split((block:gsub("\n", " ")))
      local key, is_call = key_of(name), signature ~= name
      local before = found[key]
      if not before or before.is_file then
         found[key] = { signature = signature, text = text, is_file = not is_call and name:find "^scute" ~= nil }
      elseif is_call then
         before.text = before.text .. "\n" .. signature .. " " .. text
      end
   end
   return found
end
