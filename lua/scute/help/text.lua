-- Entries of help() as text for a terminal.
local options = require "scute.base.options"

local text = {}

local WIDEST = 100 -- letters of a line of prose

local function letters(s)
   return utf8.len(s) or #s
end

-- A paragraph in lines of at most `width` letters.
local function fill(words, width)
   local lines, line = {}, ""
   for word in words:gmatch "%S+" do
      if line ~= "" and letters(line) + 1 + letters(word) > width then lines[#lines + 1], line = line, "" end
      line = line == "" and word or line .. " " .. word
   end
   lines[#lines + 1] = line
   return lines
end

--- A comment, indented, its paragraphs filled to `width`; what is indented in it (examples, tables) stays as it is.
function text.wrap(comment, width, indent)
   local out, paragraph = {}, nil
   local room = math.min(width, WIDEST) - #indent
   local function finish()
      for _, line in ipairs(paragraph and fill(paragraph, room) or {}) do out[#out + 1] = indent .. line end
      paragraph = nil
   end
   for line in (comment .. "\n"):gmatch "(.-)\n" do
      if line:find "^%s" or line == "" then
         finish()
         out[#out + 1] = line == "" and "" or indent .. line
      else
         paragraph = paragraph and paragraph .. " " .. line or line
      end
   end
   finish()
   return table.concat(out, "\n")
end

-- A text cut to `width` letters, behind a whole word.
local function shortened(s, width)
   if letters(s) <= width then return s end
   return (s:sub(1, utf8.offset(s, width) - 1):gsub("%s+%S*$", "")) .. " …"
end

local function count(s, pattern)
   return select(2, s:gsub(pattern, ""))
end

-- What stands before the first semicolon outside brackets.
local function until_semicolon(sentence)
   for at in sentence:gmatch "();%s" do
      local first = sentence:sub(1, at)
      if count(first, "[([]") == count(first, "[])]") then return first end
   end
   return sentence
end

--- What an entry does, in one line of at most `width` letters: its first sentence.
function text.summary(entry, width)
   local first = entry.text:match "^(.-)\n\n" or entry.text
   first = first:gsub("^scute%." .. entry.name .. "[^:]*:%s*", ""):gsub("\n", " "):gsub("^%s+", "")
   local sentence = first:match "^(.-%.)%s+%u" or first -- "He et al. 2015" ends none
   return shortened(until_semicolon(sentence):gsub("[.:;]$", ""), width)
end

--- Entries in two columns: how each is called, and what it does (or `line`, where an entry has that).
function text.list(entries, width)
   local lines, most = {}, 0
   for _, entry in ipairs(entries) do most = math.max(most, #entry.name) end
   local room = math.max(20, width - most - 5)
   for i, entry in ipairs(entries) do
      local what = entry.line and shortened(entry.line, room) or text.summary(entry, room)
      lines[i] = ("   %-" .. most .. "s  %s"):format(entry.name, what)
   end
   return table.concat(lines, "\n")
end

--- Rows { what is written, what it means } in two columns, of which the second goes on in further lines.
function text.columns(rows, width)
   local lines, most = {}, 0
   for _, row in ipairs(rows) do most = math.max(most, letters(row[1])) end
   local indent = (" "):rep(most + 5)
   for i, row in ipairs(rows) do
      local gap = (" "):rep(most - letters(row[1]) + 2)
      lines[i] = "   " .. row[1] .. gap .. table.concat(fill(row[2], math.max(20, width - #indent)), "\n" .. indent)
   end
   return table.concat(lines, "\n")
end

-- The arguments of an op, as its declaration has them.
local function arguments_text(entry, width)
   local rows = {}
   for i, argument in ipairs(entry.options) do
      local kind = argument.choices and table.concat(argument.choices, ", ") or argument.kind
      if argument.suggests then kind = ("%s or %q"):format(kind, argument.suggests[1]) end
      rows[i] = { argument[1], ("%s; %s%s"):format(argument.help, kind,
         argument.default ~= nil and "; default " .. tostring(argument.default) or argument.optional and "; optional" or "") }
   end
   return text.columns(rows, width)
end

--- What an entry takes by name; "" where that is nothing.
function text.options(entry, width)
   if not entry.options or #entry.options == 0 then return "" end
   if entry.kind == "op" then return "Arguments:\n" .. arguments_text(entry, width) end
   return "Options:\n" .. (entry.declaration or options.declare(entry.name, entry.options)):text(nil, width)
end

-- A call, and what it returns, goes on in lines that begin further in.
local function call(words, width)
   return (text.wrap(words, width - 3, ""):gsub("\n", "\n   "))
end

-- How an entry is called, and what its comment says. What it returns belongs to the call.
local function heading(entry, width)
   if entry.text:find "^%->" then return call(entry.signature .. " " .. entry.text, width) end
   local head = #entry.signature > width and call(entry.signature, width) or entry.signature
   if entry.is_method then head = ("%s\nt:%s(...)"):format(head, entry.name) end
   return entry.text == "" and head or head .. "\n" .. text.wrap(entry.text, width, "   ")
end

--- An entry: how it is called, what it does, what it takes. more: further parts, texts.
function text.entry(entry, width, more)
   local parts = { heading(entry, width), text.options(entry, width) }
   for _, part in ipairs(more or {}) do parts[#parts + 1] = part end
   local filled = {}
   for _, part in ipairs(parts) do
      if part ~= "" then filled[#filled + 1] = part end
   end
   return table.concat(filled, "\n\n")
end

--- The options of a declaration, of which a strict table was made.
function text.declaration(declaration, width)
   return ("options of %s:\n%s"):format(declaration.what, declaration:text(nil, width))
end

--- An option by its name, of every entry (or declaration) that takes it; those that say the same together.
function text.option(name, entries, width)
   local order, takers = {}, {}
   for _, entry in ipairs(entries) do
      local line = (entry.declaration or entry):text(name, width)
      if not takers[line] then order[#order + 1], takers[line] = line, {} end
      table.insert(takers[line], entry.name or entry.what)
   end
   local lines = { ("the option '%s' of"):format(name) }
   for _, line in ipairs(order) do
      lines[#lines + 1] = text.wrap(table.concat(takers[line], ", ") .. ":", width, "") .. "\n" .. line
   end
   return table.concat(lines, "\n")
end

return text
