-- bench.json: all that was measured on this machine, row by row, so that a run that was stopped loses nothing. What is measured
-- again takes the place of what was there. Rows of another machine are dropped, with a word.
local scute = require "scute"
local console = require "scute.base.console"
local json = require "scute.base.json"
local json_file = require "scute.base.json_file"
local process = require "bench.process"

local ledger = {}
ledger.__index = ledger

local function first_line(command)
   local ok, text = pcall(process.run, command)
   return ok and text:match "[^\n]+" or nil
end

local function processor()
   local name, flags
   for line in io.lines "/proc/cpuinfo" do
      name = name or line:match "^model name%s*:%s*(.-)%s*$"
      flags = flags or line:match "^flags%s*:(.*)$"
   end
   local has = {}
   for _, flag in ipairs { "avx2", "avx512f", "avx512_bf16", "amx_bf16" } do
      if (" " .. (flags or "") .. " "):find(" " .. flag .. " ", 1, true) then has[#has + 1] = flag end
   end
   return ("%s (%s)"):format(name or "unknown", table.concat(has, ", "))
end

local function machine(settings)
   local kilobytes
   for line in io.lines "/proc/meminfo" do kilobytes = kilobytes or line:match "^MemTotal:%s+(%d+)" end
   return { processor = processor(), processors = settings.processors, threads = settings.threads,
      memory_gb = math.floor(tonumber(kilobytes) / 1e6 + 0.5), system = first_line "uname -sr" }
end

-- Of the sources: the commit, and whether anything differs from it.
local function commit()
   local hash = first_line "git log -1 --format=%h"
   local changed = first_line "git status --porcelain -uno -- host kernels lua scripts tests/bench/'*.lua' tests/bench/'*.py'"
   return hash and hash .. (changed and " and changes" or "")
end

local function versions(python)
   local text = python and process.run(("'%s' -c 'import torch, torchvision, PIL;"
      .. "print(torch.__version__, torchvision.__version__, PIL.__version__)'"):format(python))
   local of_torch, of_vision, of_pillow = (text or ""):match "(%S+) (%S+) (%S+)%s*$"
   return { scute = scute.version().scute, commit = commit(), torch = of_torch, torchvision = of_vision, pillow = of_pillow }
end

local function same_machine(a, b)
   return a.processor == b.processor and a.processors == b.processors and a.threads == b.threads
end

-- What is in the file, of this machine.
local function read(path, own)
   local fresh = { machine = own, rows = {} }
   if not path or not process.exists(path) then return fresh end
   local before, why = json_file.read(path)
   if not before then console.fail("%s; remove it to begin anew", why) end
   if same_machine(before.machine, own) then return before end
   print(("%s was measured on another machine (%s, %d processors): it begins anew"):format(path, before.machine.processor,
      before.machine.processors))
   return fresh
end

--- The rows in bench.json that are of this machine; none where nothing is written.
function ledger.open(settings)
   local path = settings.results and settings.results .. "/bench.json"
   return setmetatable({ path = path, versions = versions(settings.python), content = read(path, machine(settings)),
      kept = function() end }, ledger)
end

--- The row of that name; nil where it was not measured.
function ledger:row(name)
   return self.content.rows[name]
end

local function write(self)
   if not self.path then return end
   local file = assert(io.open(self.path .. ".new", "w"))
   assert(file:write(json(self.content)))
   assert(file:close())
   assert(os.rename(self.path .. ".new", self.path))
   self.kept()
end

--- Notes which part is being measured, nil: none, so that one can see where a run was stopped.
function ledger:under_way(title)
   self.content.under_way = title
   write(self)
end

--- Puts a row in its place, and all rows on the disk; kept() hears of it. The row gets its date and what it was measured with.
function ledger:keep(name, row)
   row.date, row.versions = os.date "%Y-%m-%d %H:%M", self.versions
   self.content.rows[name] = row
   write(self)
end

--- Names of the rows of a part, sorted.
function ledger:names(part)
   local names = {}
   for name in pairs(self.content.rows) do
      if name:match "^[^/]+" == part then names[#names + 1] = name end
   end
   table.sort(names)
   return names
end

return ledger
