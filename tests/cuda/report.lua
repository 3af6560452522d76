-- One page about scute on a GPU, to be sent back: what the machine is, what its tests said, how fast it was. Each part is
-- written as it is known, BUILD/gpu_report/NAME.txt, and the page, BUILD/gpu_report.txt, of those that are there (for another
-- plugin than the built one, SCUTE_PLUGINS: beside that).
-- Usage in a script: local report = dofile "tests/cuda/report.lua"
local lfs = require "lfs"

local report = {}

local build = arg[-1]:match "^(.*)/" or "."
if lfs.attributes(build .. "/build", "mode") == "directory" then build = build .. "/build" end -- ./scute is a link
local plugins = os.getenv "SCUTE_PLUGINS" or build
local folder, page = plugins .. "/gpu_report", plugins .. "/gpu_report.txt"
local PARTS = { "machine", "test", "bench" }

local function output_of(command)
   local pipe = assert(io.popen(("{ %s; } 2>/dev/null"):format(command)))
   local text = pipe:read "a"
   pipe:close()
   return (text:gsub("%s+$", ""))
end

local function write(path, text)
   local file = assert(io.open(path, "w"))
   file:write(text)
   file:close()
end

local function read(path)
   local file = io.open(path)
   local text = file and file:read "a"
   if file then file:close() end
   return text
end

-- What a fault may come from besides scute.
local function machine()
   local cards = output_of "nvidia-smi --query-gpu=name,compute_cap,memory.total,driver_version --format=csv,noheader"
   local lines = {
      "scute   " .. output_of(("'%s' --version"):format(arg[-1])) .. "  " .. output_of "git log -1 --format=%h",
      "GPU     " .. (cards ~= "" and cards:gsub("\n", "\n        ") or "nvidia-smi names none"),
      "plugin  " .. plugins .. "  " .. output_of("sed -n 's/.*code=/built for /p' " .. build .. "/gencode | tr '\\n' ' '"),
   }
   for line in output_of(("ldd '%s/scute_cuda.so'"):format(plugins)):gmatch "[^\n]*lib[ac]u[db][^\n]*" do
      lines[#lines + 1] = "        " .. line:gsub("^%s+", ""):gsub(" %(.*", "")
   end
   lines[#lines + 1] = "system  " .. output_of "uname -srm" .. ", " .. output_of "nproc" .. " processors, "
      .. output_of "sed -n 's/^PRETTY_NAME=//p' /etc/os-release"
   return table.concat(lines, "\n") .. "\n"
end

--- Writes a part ("test" or "bench") and the page anew; returns the page's name.
function report.write(name, text)
   lfs.mkdir(folder)
   write(("%s/%s.txt"):format(folder, name), os.date "%Y-%m-%d %H:%M\n" .. text)
   write(folder .. "/machine.txt", machine())
   local parts = { "scute on a GPU: what this machine says. Please send this page back.\n" }
   for _, part in ipairs(PARTS) do
      local said = read(("%s/%s.txt"):format(folder, part))
      if said then parts[#parts + 1] = ("---- %s\n%s"):format(part, said) end
   end
   write(page, table.concat(parts, "\n"))
   return page
end

return report
