-- What can go wrong around checkpoints: each is told in words, and nothing is lost.
local scute = require "scute"

local t -- program, scratch, data, check, same

local function read(path)
   local file = io.open(path, "rb")
   local text = file and file:read "a"
   if file then file:close() end
   return text
end

local function write(path, text)
   local file <close> = assert(io.open(path, "wb"))
   assert(file:write(text))
end

-- Runs the child on `output`; options: resume, save_steps, events, data, prefix, wrap (words
-- before the command). Returns exit status and what it wrote.
local function run(kind, output, options)
   options = options or {}
   local line = ("cd '%s'; EVENTS='%s'; export EVENTS; %s timeout 600 env --default-signal=INT,TERM "):format(t.scratch,
      options.events or "", options.prefix or "")
   line = line .. (options.wrap or "")
   line = line .. (" '%s' '%s/tests/resume/child.lua' %s '%s' '%s' '%s' %s"):format(t.program, t.here, kind,
      options.data or t.data, output, options.resume or "", options.save_steps or "")
   local log = t.scratch .. "/log"
   local _, how, code = os.execute(("{ %s; } >'%s' 2>&1 </dev/null"):format(line, log))
   return how == "signal" and 128 + code or code, read(log)
end

local function new(name)
   local output = t.scratch .. "/" .. name
   os.execute(("rm -rf '%s'"):format(output))
   return output
end

local function says(name, code, text, found, log)
   t.check(found == code, ("%s: exit code %d, found %d"):format(name, code, found), log)
   t.check(log:find(text, 1, true), name .. ": says '" .. text .. "'", log)
   t.check(not log:find("stack traceback", 1, true), name .. ": no traceback", log)
end

local function ends_as_if_never_stopped(name, kind, output)
   local code, log = run(kind, output, { resume = "auto" })
   t.check(code == 0, name .. ": goes on", log)
   local fault = t.same(kind, ("%s/whole_%s"):format(t.scratch, kind), output)
   t.check(not fault, name .. ": ends as if it had never stopped", fault)
   return log
end

-- ---- what is refused ----

local function refuses_what_is_not_its_own()
   local output = new "own"
   says("nothing there", 1, "resume: there is no file '/nowhere/checkpoint.safetensors'",
      run("cached", output, { resume = "/nowhere/checkpoint.safetensors" }))
   local code, log = run("cached", output)
   t.check(code == 0, "a run to take up", log)
   says("another optimizer", 1, "optimizer is rmsprop", run("frozen", output, { resume = "auto" }))
   says("other epochs", 1, "epochs is 4 here and 12 there", run("frozen", output, { resume = "auto" }))
   local other = t.scratch .. "/other_data"
   os.execute(("rm -rf '%s'; cp -r '%s' '%s'; rm '%s/red/007.bmp'"):format(other, t.data, other, other))
   says("a missing photo", 1, "cannot be found or read any more: 'red/007.bmp'",
      run("cached", output, { resume = "auto", data = other }))
   os.execute(("cp '%s/red/007.bmp' '%s/red/'; cp '%s/red/007.bmp' '%s/red/008.bmp'"):format(t.data, other, t.data, other))
   write(other .. "/red/009.bmp", "\xff\xd8\xff and so on")
   says("other photos", 1, "the photos are others", run("cached", output, { resume = "auto", data = other }))
   write(t.scratch .. "/text.safetensors", "no checkpoint")
   says("no checkpoint", 1, "text.safetensors", run("cached", output, { resume = t.scratch .. "/text.safetensors" }))
   says("a model", 1, "it is not a checkpoint", run("cached", output, { resume = output .. "/tiny/best.safetensors" }))
end

local function moved_photos_are_the_same()
   local output, moved = new "moved", t.scratch .. "/moved_data"
   os.execute(("rm -rf '%s'; cp -r '%s' '%s'"):format(moved, t.data, moved))
   local code, log = run("cached", output, { save_steps = 1, events = "40 kill -KILL $PPID" })
   t.check(code == 137, "killed at step 40", log)
   code, log = run("cached", output, { resume = "auto", data = moved })
   t.check(code == 0, "goes on with photos that lie elsewhere", log)
end

-- ---- damage ----

local function flip(path)
   local text = read(path)
   local at = #text - 40
   write(path, text:sub(1, at) .. string.char(text:byte(at + 1) ~ 1) .. text:sub(at + 2))
end

local function survives_damage()
   local output = new "damaged"
   local newest = output .. "/tiny/checkpoint.safetensors"
   local code, log = run("all", output, { save_steps = 1, events = "7 kill -KILL $PPID" })
   t.check(code == 137, "killed at step 7", log)
   flip(newest)
   log = ends_as_if_never_stopped("one damaged bit", "all", output)
   t.check(log:find("the file is damaged", 1, true) and log:find("the checkpoint before it is used", 1, true),
      "a damaged checkpoint is told", log)
   local text = read(newest)
   for _, name in ipairs { newest, output .. "/tiny/checkpoint-1.safetensors" } do write(name, text:sub(1, #text // 2)) end
   says("all are cut off", 1, "no checkpoint in ", run("all", output, { resume = "auto" }))
end

-- ---- signals ----

local function stops_politely()
   for signal, code in pairs { INT = 130, TERM = 143 } do
      local output = new("signal_" .. signal)
      says("SIG" .. signal, code, "after step 7; the weights",
         run("all", output, { events = "7 kill -" .. signal .. " $PPID" }))
      ends_as_if_never_stopped("SIG" .. signal, "all", output)
   end
end

local function stops_at_once()
   for signal, code in pairs { INT = 130, TERM = 143 } do
      local output = new("twice_" .. signal)
      local found, log = run("all", output, { save_steps = 1,
         events = ("7 kill -%s $PPID; sleep 0.4; kill -%s $PPID; sleep 5"):format(signal, signal):gsub(";", "&&") })
      t.check(found == code and not log:find "after step", "two SIG" .. signal .. " end it at once", log)
      ends_as_if_never_stopped("two SIG" .. signal, "all", output)
   end
end

-- ---- disks ----

local function goes_on_without_a_disk()
   local output = new "gone"
   local gone = ("mv \"%s/tiny\" \"%s/away\" && touch \"%s/tiny\""):format(output, output, output)
   local code, log = run("cached", output, { save_steps = 5, events = ("33 %s;60 rm \"%s/tiny\""):format(gone, output) })
   t.check(code == 0 and log:find("no checkpoint could be saved", 1, true) and log:find("tries again", 1, true),
      "a folder that is gone for a while", log)
   local fault = t.same("cached", t.scratch .. "/whole_cached", output)
   t.check(not fault, "a folder that is gone for a while: everything is there at the end", fault)
   says("a folder that is gone for good", 1, "tiny", run("cached", new "gone", { save_steps = 5, events = "33 " .. gone }))
   output = new "full" -- files of at most eight kilobytes: a full disk, as a program sees it
   code, log = run("cached", output, { save_steps = 5, prefix = "ulimit -f 8;" })
   t.check(code == 1 and log:find("no checkpoint could be saved", 1, true), "a full disk", log)
end

-- Runs the child in a file system of its own, of 4 MB, whose files are copied to `output` at the end. Returns exit status and
-- what it wrote; nil where this machine allows none.
local function run_on_a_small_disk(output, events)
   if not os.execute "unshare -rm true 2>/dev/null" then return nil end
   local disk = new "disk"
   local script = ("mkdir -p \"DISK\" && mount -t tmpfs -o size=4m none \"DISK\" && \"$@\"; code=$?; cp -r \"DISK\" \"%s\"; "
      .. "exit $code"):format(output):gsub("DISK", disk)
   return run("cached", disk, { save_steps = 5, wrap = "unshare -rm sh -c '" .. script .. "' sh",
      events = (events:gsub("DISK", disk)) })
end

-- Three times, since files that are being renewed leave room when they are done.
local FILL = ("33 FILL;36 FILL;39 FILL"):gsub("FILL", "head -c 9m /dev/zero 2>/dev/null >>DISK/ballast")
local EMPTY = "60 rm DISK/ballast"
local LOCK = "33 while ! mount -o remount,ro DISK 2>/dev/null\ndo sleep 0.05\ndone" -- waits for a file that is being written

-- The run is told of it, goes on, and has everything on disk once the disk is well again.
local function goes_on_while_a_disk_is_ill()
   for name, events in pairs { full = FILL .. ";" .. EMPTY, ["read-only"] = LOCK .. ";60 mount -o remount,rw DISK" } do
      local output = new "mended"
      local code, log = run_on_a_small_disk(output, events)
      if not code then return print "a full and a read-only disk: not tested, this machine lends no file system" end
      local why = name == "full" and "No space left on device" or "Read-only file system"
      t.check(code == 0, "a disk that is " .. name .. " for a while", log)
      for _, text in ipairs { "no checkpoint could be saved: ", why, "training goes on and tries again" } do
         t.check(log:find(text, 1, true), name .. ": says " .. text, log)
      end
      local fault = t.same("cached", t.scratch .. "/whole_cached", output)
      t.check(not fault, name .. " for a while: everything is there at the end", fault)
   end
end

local function keeps_what_a_disk_has()
   for name, events in pairs { full = FILL, ["read-only"] = LOCK } do
      local output = new "ill"
      local code, log = run_on_a_small_disk(output, events)
      if not code then return end
      t.check(code == 1 and not log:find("stack traceback", 1, true), "a disk that is " .. name .. " for good", log)
      os.remove(output .. "/ballast")
      ends_as_if_never_stopped(name .. " for good", "cached", output)
   end
end

return function(options)
   t = options
   t.here = require("lfs").currentdir()
   t.program = t.program:sub(1, 1) == "/" and t.program or t.here .. "/" .. t.program
   local start = scute.clock()
   refuses_what_is_not_its_own()
   moved_photos_are_the_same()
   survives_damage()
   stops_politely()
   stops_at_once()
   goes_on_without_a_disk()
   goes_on_while_a_disk_is_ill()
   keeps_what_a_disk_has()
   print(("faults in %.0f s"):format(scute.clock() - start))
end
