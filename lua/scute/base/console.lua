-- What the library says to the person in front of it: lines on standard output (unless quiet), warnings on standard
-- error, and failures that are theirs to mend rather than a bug to trace.
local core = require "scute.core"
local lfs = require "lfs"

local console = { quiet = false }

-- Of several processes that do one thing together (scute.world) the first one speaks.
local speaks = core.world.rank == 0

local Failure = {
   __name = "scute.failure",
   __tostring = function(failure) return failure.message end,
}

--- A text in which control characters became ?, except line breaks and tabs: names of files, classes and tensors may hold what
-- a terminal takes for commands. C's are in host/core/visible.c.
function console.visible(text)
   return (text:gsub("[^\n\t%C]", "?"):gsub("\xC2[\x80-\x9F]", "?"))
end

-- Nor are such names to break a line.
local function one_line(format, ...)
   return (console.visible(format:format(...)):gsub("[\n\t]", "?"))
end

--- Raises an error that is reported as one line, without a traceback: something is wrong with the user's files or
-- arguments. `format` and what follows are those of string.format.
function console.fail(format, ...)
   console.stop(1, format, ...)
end

--- The same, for a run that ended early on request: a script that does not catch it ends with exit status `status`.
function console.stop(status, format, ...)
   console.stop_with(nil, status, format, ...)
end

--- The same, with what the run has so far in the field `result` of the error.
function console.stop_with(result, status, format, ...)
   error(setmetatable({ message = one_line(format, ...), exit = status, result = result }, Failure), 0)
end

--- True for what console.fail raised.
function console.is_failure(value)
   return getmetatable(value) == Failure
end

--- The text of any error value, without the position that Lua puts before a message of the library's own, and without
-- the traceback that an error inside a model carries.
function console.message(err)
   return (tostring(err):gsub("\nstack traceback:.*$", ""):gsub("^[^\n:]*lua/scute/[^\n:]*:%d+: ", ""))
end

--- Any value in one line, for a message: of a tensor the dtype, the device and the shape.
function console.brief(value)
   return (tostring(value):gsub(":?\n.*$", ""))
end

--- Calls f(...); any error becomes a failure of one line, with `context` before it where that is not nil and does not stand
-- there yet.
function console.guard(context, f, ...)
   local results = table.pack(pcall(f, ...))
   if results[1] then return table.unpack(results, 2, results.n) end
   if console.is_failure(results[2]) and not context then error(results[2], 0) end
   local start, message = context and context .. ": " or "", console.message(results[2])
   if message:sub(1, #start) == start then start = "" end
   console.fail("%s%s", start, message)
end

--- What is drawn in place on standard output and must go before a line is written: { clear = function(self) }. Who draws it
-- sets this, and clear() takes it back.
console.drawn = nil

local function clear_drawn()
   if console.drawn then console.drawn:clear() end
end

--- What print(text) does, for text that may come out of a file; of several processes the first one prints.
function console.print(text)
   if not speaks then return end
   print(console.visible(text))
end

--- One line on standard output, unless quiet.
function console.line(format, ...)
   if console.quiet or not speaks then return end
   clear_drawn()
   io.stdout:write(console.visible(format:format(...)), "\n")
   io.stdout:flush()
end

--- The same for a line that is finished already: what scute.models.create wants as its `log`.
function console.say(line)
   console.line("%s", line)
end

--- One line on standard error, also when quiet.
function console.warn(format, ...)
   if not speaks then return end
   clear_drawn()
   io.stdout:flush()
   io.stderr:write("scute: ", one_line(format, ...), "\n")
end

--- True if the stream 1 (standard output) or 2 (standard error) is a terminal: the user's own, and not what
-- a launcher such as mpirun reads. What `scute --nproc` starts is told by it that standard output ends on one.
function console.is_terminal(stream)
   if core.world.launched then return stream == 1 and core.world.terminal end
   local target = lfs.symlinkattributes("/proc/self/fd/" .. stream, "target")
   return target ~= nil and (target:find "^/dev/pts/%d" or target:find "^/dev/tty" or target:find "^/dev/console") ~= nil
end

--- A text cut to at most `width` letters; what is no UTF-8 counts byte by byte.
function console.cut(text, width)
   local letters = utf8.len(text)
   if not letters then return text:sub(1, width) end
   return letters > width and text:sub(1, utf8.offset(text, width + 1) - 1) or text
end

--- "1 photo", "2 photos"; `plural` where an s is not enough.
function console.count(n, noun, plural)
   return ("%d %s"):format(n, n == 1 and noun or plural or noun .. "s")
end

--- "12.3 s", "4 min 05 s", "2 h 03 min" from seconds.
function console.duration(seconds)
   if seconds < 99.95 then return ("%.1f s"):format(seconds) end
   local whole = math.floor(seconds + 0.5)
   if whole < 3600 then return ("%d min %02d s"):format(whole // 60, whole % 60) end
   return ("%d h %02d min"):format(whole // 3600, whole % 3600 // 60)
end

--- "512 B", "3.4 MB", "1.2 GB" from bytes; powers of ten.
function console.bytes(n)
   for _, unit in ipairs { { 1e9, "GB" }, { 1e6, "MB" }, { 1e3, "kB" } } do
      if n >= unit[1] then return ("%.1f %s"):format(n / unit[1], unit[2]) end
   end
   return ("%d B"):format(n)
end

return console
