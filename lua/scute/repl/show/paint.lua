-- Colours for what the session shows: values by kind, errors in red. A text is marked where it is made, measured without its
-- marks, and painted (or stripped of them) when it is printed, so that nothing else knows whether there are colours.
local console = require "scute.base.console"

local paint = {}

local SGR = { number = "33", word = "33", string = "32", ["function"] = "36", ["nil"] = "2", note = "2", error = "31" }

-- Control characters, of which console.visible leaves none in a value's own text.
local BEGIN, END = "\14", "\15"

--- A piece of text as one of a kind: number, string, word, function, nil, note, error.
function paint.mark(kind, text)
   return BEGIN .. kind .. BEGIN .. console.visible(text) .. END
end

--- The text without its marks.
function paint.plain(text)
   return (text:gsub("\14%l+\14", ""):gsub(END, ""))
end

--- How many letters wide a marked text is; what is no UTF-8 counts byte by byte.
function paint.width(text)
   local plain = paint.plain(text)
   return utf8.len(plain) or #plain
end

--- The text as a terminal with colours takes it; line by line, so that no colour goes on where a line is cut.
function paint.colored(text)
   return (text:gsub("\14(%l+)\14([^\14\15]*)\15", function(kind, inside)
      return (inside:gsub("[^\n]+", ("\27[%sm%%0\27[0m"):format(SGR[kind])))
   end))
end

--- Whether the stream 1 (standard output) or 2 (standard error) is a terminal that has colours, and wants them.
function paint.wanted(stream)
   local term, refused = os.getenv "TERM" or "", os.getenv "NO_COLOR" or ""
   return refused == "" and term ~= "" and term ~= "dumb" and console.is_terminal(stream)
end

return paint
