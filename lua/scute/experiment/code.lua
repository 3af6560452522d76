-- What the text of a function says, whatever its layout: its words and signs without blanks and comments, wherever it stands.
local scute = require "scute.core"
local tokens = require "scute.base.tokens"

local code = {}

local OPENS = { ["function"] = true, ["do"] = true, ["if"] = true, ["repeat"] = true }
local CLOSES = { ["end"] = true, ["until"] = true }

local read = {} -- source -> { list = tokens, lines = of each }; for as long as one experiment looks

--- Forgets the texts that were read: a file may have been edited since.
function code.forget()
   read = {}
end

local function text_of(source)
   local path = source:match "^@(.*)"
   if not path then return source:sub(1, 1) ~= "=" and source or nil end
   local file = io.open(path, "rb")
   local text = file and file:read "a"
   if file then file:close() end
   return text and text:gsub("^\xEF\xBB\xBF", ""):gsub("^#[^\n]*", "") or nil
end

local function lines_of(text, list)
   local lines, line, at = {}, 1, 1
   for i, token in ipairs(list) do
      for _ in text:sub(at, token.first - 1):gmatch "\n" do line = line + 1 end
      lines[i], at = line, token.first
   end
   return lines
end

-- The tokens of a source (as debug.getinfo names it), and the line of each; nil where its text is not to be had.
local function tokens_of(source)
   if read[source] == nil then
      local text = text_of(source)
      local list = text and tokens.of(text)
      if list and #list > 0 and list[#list].kind == "open comment" then list[#list] = nil end -- of the last line
      read[source] = list and { list = list, lines = lines_of(text, list) } or false
   end
   return read[source] or nil
end

local function is_word(token, words)
   return token.kind == "keyword" and words[token.text] == true
end

-- The place of the `end` of the function whose keyword stands at `at`.
local function end_of(list, at)
   local depth = 0
   for i = at, #list do
      if is_word(list[i], OPENS) then depth = depth + 1 end
      if is_word(list[i], CLOSES) then
         depth = depth - 1
         if depth == 0 then return i end
      end
   end
   return #list
end

-- How many parameters stand behind the keyword.
local function parameters(list, at)
   local i, n = at, 0
   while list[i] and list[i].text ~= "(" do
      if list[i].text == ":" then n = 1 end -- self
      i = i + 1
   end
   while list[i] and list[i].text ~= ")" do
      if list[i].kind == "name" then n = n + 1 end
      i = i + 1
   end
   return n
end

-- Whether all that a function knows from outside stands in a range of tokens.
local function has_names(list, first, last, names)
   local there = {}
   for i = first, last do there[list[i].text] = true end
   for _, name in ipairs(names) do
      if not there[name] then return false end
   end
   return true
end

-- Several functions may begin in one line: those that it may be.
local function candidates(found, info)
   local ranges = {}
   for i, token in ipairs(found.list) do
      if found.lines[i] == info.linedefined and token.kind == "keyword" and token.text == "function" then
         local last = end_of(found.list, i)
         local fits = found.lines[last] == info.lastlinedefined and parameters(found.list, i) == info.nparams
         if fits and has_names(found.list, i, last, info.names) then
            ranges[#ranges + 1] = { i, last }
         end
      end
   end
   return ranges
end

local function names_of(f, n)
   local names = {}
   for i = 1, n do
      local name = debug.getupvalue(f, i)
      if name ~= "_ENV" and name ~= "" then names[#names + 1] = name end
   end
   return names
end

--- The tokens of a function's text (see scute.base.tokens); nil where it is not to be had. Where several functions of a line
-- cannot be told apart, those of all of them.
function code.tokens(f)
   local info = debug.getinfo(f, "Su")
   info.names = names_of(f, info.nups)
   local found = tokens_of(info.source)
   if not found then return nil end
   if info.what == "main" then return found.list end
   local list = {}
   for _, range in ipairs(candidates(found, info)) do table.move(found.list, range[1], range[2], #list + 1, list) end
   return #list > 0 and list or nil
end

--- The tokens of all that stands in the file of a function, or in the text that it was loaded from; none where neither is to
-- be had.
function code.around(f)
   local found = tokens_of(debug.getinfo(f, "S").source)
   return found and found.list or {}
end

--- The tokens of a file; nil where it cannot be read.
function code.of_file(path)
   local found = tokens_of("@" .. path)
   return found and found.list
end

--- A list of tokens as a text: equal for those that differ in blanks, comments and place alone.
function code.text(list)
   local words = {}
   for i, token in ipairs(list) do words[i] = token.text end
   return table.concat(words, " ")
end

--- What tells such a text.
function code.digest(list)
   return scute.checksum { code.text(list) }
end

--- The same of a function. One that stands in no file is told by what it was compiled to.
function code.of(f)
   local list = code.tokens(f)
   return list and code.digest(list) or scute.checksum { string.dump(f, true) }
end

--- Where a function stands, for people: "line 14 of script.lua".
function code.place(f)
   local info = debug.getinfo(f, "S")
   return ("line %d of %s"):format(info.linedefined, info.short_src:match "[^/]*$")
end

return code
