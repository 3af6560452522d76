-- A file as --check reads it: its tree, or what is wrong with its text.
local source = {}

local Source = {}
Source.__index = Source

--- The position of a node: line and column, both from 1, in letters.
function Source:position(node)
   return node.line, node.offset - self.offsets[node.line] + 1
end

--- Notes what was found at a node.
function Source:find(node, message)
   local line, column = self:position(node)
   self:find_at(line, column, message)
end

function Source:find_at(line, column, message)
   local key = ("%d:%d:%s"):format(line, column, message)
   if self.known[key] then return end
   self.known[key] = true
   self.findings[#self.findings + 1] = { line = line, column = column, message = message }
end

local function first_letter(text, wanted)
   local line = 0
   for content in (text .. "\n"):gmatch "(.-)\n" do
      line = line + 1
      if line == wanted then return (content:find "%S") or 1 end
   end
   return 1
end

-- What Lua says is wrong, where luacheck's parser says it is, if that is the same line. Of a text that is nested too deeply it
-- says no line, but its stack.
local function find_syntax(self, text, message, mistake)
   message = message:match "^[^\n]*"
   local line, what = message:match "^.-:(%d+): (.*)$"
   line = math.tointeger(line) or 1
   local same = mistake and mistake.line == line and mistake.offset
   local column = same and mistake.offset - self.offsets[line] + 1 or first_letter(text, line)
   self:find_at(line, column, what or message)
end

-- The lines that comments "check: ignore" take out: their own, or where one stands alone on its line those up to the end of the
-- function that it is in.
local function read_ignored(self, text, comments)
   local line = 0
   for content in (text .. "\n"):gmatch "(.-)\n" do
      line = line + 1
      self.alone[line] = content:find "^%s*%-%-" ~= nil
   end
   for _, comment in ipairs(comments) do
      if comment.contents:find "^%s*check: ignore%f[%W]" then self.ignored[#self.ignored + 1] = comment.line end
   end
end

-- The line in which the innermost function that a line is in ends.
local function last_line_around(functions, line)
   local last = math.huge
   for _, node in ipairs(functions) do
      local ends = node.end_range.line
      if node.line <= line and line <= ends and ends < last then last = ends end
   end
   return last
end

local function is_ignored(self, finding)
   for _, line in ipairs(self.ignored) do
      local last = self.alone[line] and last_line_around(self.found.functions, line) or line
      if line <= finding.line and finding.line <= last then return true end
   end
   return false
end

local function comes_before(a, b)
   if a.line ~= b.line then return a.line < b.line end
   return a.column < b.column or a.column == b.column and a.message < b.message
end

--- Puts what was found in order, without what is to be ignored.
function Source:settle()
   local kept = {}
   for _, finding in ipairs(self.findings) do
      if not is_ignored(self, finding) then kept[#kept + 1] = finding end
   end
   table.sort(kept, comes_before)
   self.findings = kept
end

--- The file at `path`: {path, tree, findings}, without a tree where it is no Lua, or none that luacheck's parser reads (unread
-- = why); nil and why where it cannot be read.
function source.open(path, luacheck)
   local file, why = io.open(path, "rb")
   local text, unread
   if file then
      text, unread = file:read "a"
      file:close()
   end
   if not text then return nil, (why or unread):gsub("^.*: ", "") end
   text = text:gsub("^\xEF\xBB\xBF", "")
   local parsed = luacheck.parse(text)
   local self = setmetatable({ path = path, findings = {}, known = {}, offsets = parsed.offsets, ignored = {}, alone = {} },
      Source)
   local chunk, message = load(text:gsub("^#[^\n]*", ""), "=text", "t")
   if not chunk then
      find_syntax(self, text, message, parsed.mistake)
   elseif parsed.tree then
      self.tree = parsed.tree
      read_ignored(self, text, parsed.comments)
   else
      self.unread = tostring(parsed.mistake.msg or parsed.mistake)
   end
   return self
end

return source
