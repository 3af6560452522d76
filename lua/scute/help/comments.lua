-- What the comments in the library's own files say: at the top of a file, above a line, above a function.
local lfs = require "lfs"
local scute = require "scute.core"

local comments = {}

local function read_lines(path)
   local lines = {}
   for line in io.lines(path) do lines[#lines + 1] = line end
   lines.text = table.concat(lines, "\n")
   return lines
end

-- What stands behind the dashes, nil where a line is no comment; a line that only divides a file says nothing.
local function comment_of(line)
   if line:find "^%s*%-%- %-%-%-%-" then return nil end
   return line:match "^%s*%-%-%-? ?(.*)$"
end

-- The comment whose first line is number `at`, and the number of the line behind it.
local function from_line(lines, at)
   local text = {}
   while lines[at] and comment_of(lines[at]) do
      text[#text + 1] = comment_of(lines[at])
      at = at + 1
   end
   return table.concat(text, "\n"), at
end

--- The comment right above line `at`, "" where there is none.
function comments.above(lines, at)
   local first = at
   while first > 1 and comment_of(lines[first - 1]) do first = first - 1 end
   return first < at and (from_line(lines, first)) or ""
end

--- The comment at the top of a file.
function comments.header(lines)
   return (from_line(lines, 1))
end

--- The comment above the first line that the pattern fits, nil where none does.
function comments.above_match(lines, pattern)
   for at, line in ipairs(lines) do
      if line:find(pattern) then return comments.above(lines, at) end
   end
end

--- The comment that begins with these words, as in "nn.Linear { in_features, ... }"; nil where there is none.
function comments.beginning(lines, words)
   for at, line in ipairs(lines) do
      local comment = comment_of(line)
      if comment and comment:sub(1, #words) == words and not comment:find("^[%w_.]", #words + 1) then
         return (from_line(lines, at))
      end
   end
end

--- The folder of the library.
function comments.folder()
   return (scute.module_file "scute" or ""):match "^(.*)/"
end

--- A reader of files: each is read once for all questions that it answers. reader(path) -> its lines, and `text`, all of them
--- in one; nil where there are none.
function comments.reader()
   local known = {}
   return function(path)
      if known[path] == nil then known[path] = lfs.attributes(path, "mode") == "file" and read_lines(path) or false end
      return known[path] or nil
   end
end

--- The names of the Lua files in a folder, without ".lua", sorted.
function comments.files(folder)
   local names = {}
   if lfs.attributes(folder, "mode") ~= "directory" then return names end
   for file in lfs.dir(folder) do names[#names + 1] = file:match "^([%a][%w_]*)%.lua$" end
   table.sort(names)
   return names
end

--- The path of the file in which a function was written, nil for one of C or of the prompt; and its first line.
function comments.source(f)
   local info = debug.getinfo(f, "S")
   local path = info.source:match "^@(.*)"
   return path, info.linedefined
end

return comments
