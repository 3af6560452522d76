-- Reads what is typed at the prompt, line by line, up to a complete chunk.
local scute = require "scute"
local source = require "scute.repl.source"

local read = {}

-- The prompt of the lines after the first, as wide as that one's.
local function further(prompt)
   return (" "):rep(#prompt - 3) .. ">> "
end

--- Lines up to a complete chunk, which compiles under that name. Returns nil at the end of input, "" where the lines were
--- dropped.
function read.chunk(name, prompt)
   local text = ""
   while true do
      local line, signal = scute.terminal.read(text == "" and prompt or further(prompt))
      if signal then return "" end
      if not line then return text ~= "" and text or nil end
      text = text == "" and line or text .. "\n" .. line
      local chunk, _, incomplete = source.compile(text, name)
      if chunk or not incomplete or text:find "^%s*$" then return text end
   end
end

return read
