-- Files that code names, by what is in them: weights that are replaced under one name make other results. Each is
-- hashed once for an experiment; of one above 4 GiB size and time count. What code writes itself does not.
local lfs = require "lfs"
local tokens = require "scute.base.tokens"
local weights = require "scute.weights"

local named_files = {}

local MOST_BYTES = 4 << 30
local READ = { safetensors = true, pth = true, pt = true, csv = true, json = true, lua = true } -- what a value may name
local WRITES = { "save", "write", "append", "remove", "rename", "export", "output", "dump", "log", "mkdir" }

--- Whether a text that a variable holds may name a file that is read.
function named_files.is_name(text)
   return READ[text:match "%.(%w+)$"] == true
end

-- ---- what is written ----

-- The name of the function that a value at a place is given to; nil where there is none.
local function callee(list, at)
   local open = tokens.open_bracket(list, at - 1)
   while open and list[open].text == "{" do
      local before = list[open - 1]
      if before and before.kind == "name" then return before.text end
      open = tokens.open_bracket(list, open - 1)
   end
   local before = open and list[open - 1] or not open and list[at - 1]
   return before and before.kind == "name" and before.text or nil
end

--- Whether code writes the file that it names at a place: io.open(path, "w"), save(path).
function named_files.is_written(list, at)
   local mode = tokens.is(list[at + 1], ",") and list[at + 2]
   if mode and mode.kind == "text" and mode.text:find "^[\"'][wa]" then return true end
   local name = callee(list, at)
   for _, word in ipairs(name and WRITES or {}) do
      if name:lower():find(word, 1, true) then return true end
   end
   return false
end

-- ---- what is in them ----

local texts = {} -- by path; for as long as one experiment looks

--- Forgets what was hashed: a file may have been replaced since.
function named_files.forget()
   texts = {}
end

local function text_of(path)
   local found = not path:find "\0" and lfs.attributes(path)
   if not found or found.mode ~= "file" then return false end
   if found.size > MOST_BYTES then return ("sha256 not taken, %d bytes of %d"):format(found.size, found.modification) end
   local ok, digest = pcall(weights.sha256, path)
   return ok and ("sha256 %s, %d bytes"):format(digest, found.size) or "sha256 not taken, cannot be read"
end

--- What tells a file; nil where there is none of that name. Folders and devices are none.
function named_files.text(path)
   if texts[path] == nil then texts[path] = text_of(path) end
   return texts[path] or nil
end

return named_files
