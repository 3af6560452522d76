-- Reads what is typed at the prompt, line by line, up to a complete chunk.
local scute = require "scute"
local complete = require "scute.repl.complete"
local source = require "scute.repl.source"

local read = {}

-- What comes is Lua first: `3> x` compares. What is none may have been copied with its prompts.
local function compile(text, name)
   local chunk, _, incomplete = source.compile(text, name)
   local typed = not chunk and not incomplete and source.without_prompts(text)
   if not typed then return text, chunk, incomplete end
   chunk, _, incomplete = source.compile(typed, name)
   return typed, chunk, incomplete
end

-- The prompt of the lines after the first, as wide as that one's.
local function further(prompt)
   return (" "):rep(#prompt - 3) .. ">> "
end

--- Lines up to a complete chunk, which compiles under that name. Returns nil at the end of input, "" where the lines were
--- dropped. What was typed enters the history as one block, also where it was dropped unfinished.
function read.chunk(name, prompt)
   local text = ""
   while true do
      complete.lines = text == "" and "" or text .. "\n"
      local line, signal = scute.terminal.read(text == "" and prompt or further(prompt))
      if not line then
         scute.terminal.remember(text)
         return signal and "" or text ~= "" and text or nil
      end
      text = text == "" and line or text .. "\n" .. line
      local chunk, incomplete
      text, chunk, incomplete = compile(text, name)
      if chunk or not incomplete or text:find "^%s*$" then
         scute.terminal.remember(text)
         return text
      end
   end
end

return read
