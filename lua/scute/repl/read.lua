-- Reads what is typed at the prompt, line by line, up to a complete chunk.
local scute = require "scute"
local commands = require "scute.repl.commands"
local complete = require "scute.repl.complete"
local source = require "scute.repl.source"

local read = {}

-- What comes is Lua first: `3> x` compares. What is none may have been copied with its prompts.
local function as_typed(text)
   local chunk, _, incomplete = source.compile(text, "=input")
   return (chunk or incomplete) and text or source.without_prompts(text) or text
end

-- The prompt of the lines after the first, as wide as that one's.
local function further(prompt)
   return (" "):rep(#prompt - 3) .. ">> "
end

--- Lines up to a complete chunk, or command with one. Returns nil at the end of input, "" where the lines were
--- dropped. What was typed enters the history as one block, also where it was dropped unfinished.
function read.chunk(prompt)
   local text = ""
   while true do
      complete.lines = text == "" and "" or text .. "\n"
      local line, signal = scute.terminal.read(text == "" and prompt or further(prompt))
      if not line then
         scute.terminal.remember(text)
         return signal and "" or text ~= "" and text or nil
      end
      text = as_typed(text == "" and line or text .. "\n" .. line)
      if not source.is_unfinished(commands.code_in(text) or text) then
         scute.terminal.remember(text)
         return text
      end
   end
end

return read
