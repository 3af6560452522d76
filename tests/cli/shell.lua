-- What tests of scripts share: running a line of shell, and counting what held.
local lfs = require "lfs"

local program = arg[-1]
local cli = {}

-- The scratch folder, $T of a line of shell.
cli.scratch = os.tmpname()
os.remove(cli.scratch)
assert(lfs.mkdir(cli.scratch))
local scratch = cli.scratch

local tally = dofile "tests/tally.lua"
cli.check = tally.check
local check = cli.check

local function quote(text)
   return "'" .. text:gsub("'", "'\\''") .. "'"
end

function cli.read_file(path)
   local file = io.open(path, "rb")
   if not file then return nil end
   local text = file:read "a"
   file:close()
   return text
end

local LIMIT = 600 -- seconds, of what hangs; a busy machine may take long

-- Runs a line of shell in which $S is the program and $T the scratch folder.
-- Returns {out, err, code, all = out and err as one text for messages}.
function cli.shell(line)
   local script = ("S=%s T=%s; export S T; %s"):format(quote(program), quote(scratch), line)
   local _, how, code = os.execute(("timeout %d bash -c %s >%s/.out 2>%s/.err </dev/null"):format(LIMIT,
      quote(script), scratch, scratch))
   if how == "signal" then code = 128 + code end -- as a shell counts
   local r = { out = cli.read_file(scratch .. "/.out"), err = cli.read_file(scratch .. "/.err"), code = code }
   r.all = ("$ %s\nout: %s\nerr: %s\ncode: %d"):format(line, r.out, r.err, r.code)
   return r
end

--- Runs lines of shell at once, as what waits for most of its time may; returns what cli.shell does of each, in a list.
function cli.at_once(lines)
   local all, results = {}, {}
   for i, line in ipairs(lines) do
      all[i] = ("{ { %s\n}; } >$T/.out%d 2>$T/.err%d; echo $? >$T/.code%d"):format(line, i, i, i)
   end
   cli.shell("{ " .. table.concat(all, "\n} & {\n") .. "\n} & wait")
   for i, line in ipairs(lines) do
      local function read(what) return cli.read_file(("%s/.%s%d"):format(scratch, what, i)) or "" end
      local r = { out = read "out", err = read "err", code = tonumber(read "code") }
      r.all = ("$ %s\nout: %s\nerr: %s\ncode: %s"):format(line, r.out, r.err, r.code)
      results[i] = r
   end
   return results
end

-- Runs a command as cli.shell does, and sends it a signal once it has written a line with `text` in it, or so many of them.
function cli.interrupt(command, signal, text, lines)
   return cli.shell(([[rm -f $T/.told; mkfifo $T/.told; set -m; %s >$T/.told & job=$!; n=0
      while IFS= read -r line; do
         case $line in *%s*) n=$((n + 1)); [ $n != %d ] || kill -%s $job;; esac
      done <$T/.told; wait $job]]):format(command, quote(text), lines or 1, signal))
end

--- The rows of a run's history.csv by the names of its columns, as numbers; none where there is no such file.
function cli.history(folder)
   local rows, names = {}, nil
   for _, line in ipairs(cli.lines_of(cli.read_file(folder .. "/history.csv") or "")) do
      local cells = {}
      for cell in (line .. ","):gmatch "([^,]*)," do cells[#cells + 1] = cell end
      if names then
         local row = {}
         for i, column in ipairs(names) do row[column] = tonumber(cells[i]) end
         rows[#rows + 1] = row
      end
      names = names or cells
   end
   return rows
end

function cli.lines_of(text)
   local lines = {}
   for line in text:gmatch "[^\n]+" do lines[#lines + 1] = line end
   return lines
end

-- One line on standard error that contains `text`, and this exit code; no traceback, and nothing is said to be done.
function cli.refuses(name, code, text, line)
   local r = cli.shell(line)
   check(r.code == code, name .. ": exit code " .. code, r.all)
   check(r.err:find(text, 1, true) and #cli.lines_of(r.err) == 1 and r.err:sub(1, 7) == "scute: ", name .. ": one line", r.all)
   return r
end

--- Runs the tests, prints the count, and ends with status 1 where something failed.
function cli.run(tests)
   for _, test in ipairs(tests) do
      local ok, message = xpcall(test, debug.traceback)
      if not ok then check(false, "a test that broke off", message) end
   end
   os.execute(("rm -rf '%s'"):format(scratch))
   tally.finish()
end

return cli
