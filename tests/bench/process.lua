-- Programs that are measured, each in a process of its own.
local lfs = require "lfs"
local scute = require "scute"

local process = {}

--- Runs a command of the shell; returns what it printed. Failing is an error with all of that.
function process.run(command)
   local pipe = assert(io.popen(command .. " 2>&1"))
   local text = pipe:read "a"
   if not pipe:close() then error("failed: " .. command .. "\n" .. text, 0) end
   return text
end

--- Seconds that a command takes, and what it printed.
function process.timed(command)
   local start = scute.clock()
   local text = process.run(command)
   return scute.clock() - start, text
end

--- Whether there is a file or folder of that name.
function process.exists(path)
   return lfs.attributes(path) ~= nil
end

--- Puts a value into a row where it is less than what is there.
function process.keep_least(row, key, value)
   if value and value < (row[key] or math.huge) then row[key] = value end
end

--- Puts a value into a row where it is more than what is there.
function process.keep_most(row, key, value)
   if value and value > (row[key] or 0) then row[key] = value end
end

--- The same threads for everyone: a beginning of a command.
function process.threads(n)
   return ("OMP_NUM_THREADS=%d MKL_NUM_THREADS=%d SCUTE_THREADS=%d"):format(n, n, n)
end

return process
