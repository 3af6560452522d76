-- Jobs in processes of their own: how each end is told, how many run at once, time and memory that are over, signals, the lines
-- of those that run, and that nobody is left behind.
local lfs = require "lfs"
local scute = require "scute"
local pool = require "scute.experiment.pool"
local process = require "scute.experiment.process"

local PROGRAM = arg[-1]
local FOREVER = "exec sleep 1000"
local root, before

setup(function()
   root = os.tmpname()
   os.remove(root)
end)

teardown(function() os.execute(("rm -rf '%s'"):format(root)) end)

before_each(function() before = scute.on_interrupt "finish" end)

after_each(function()
   scute.interrupt_over()
   scute.on_interrupt(before)
end)

local function job(title, script, fields)
   local made = { words = { "sh", "-c", script }, folder = root .. "/" .. title, title = title }
   for name, value in pairs(fields or {}) do made[name] = value end
   return made
end

-- A job that is this program with a script.
local function scute_job(title, code, fields)
   return job(title, "", { words = { PROGRAM, "-e", code }, env = fields and fields.env, memory = fields and fields.memory })
end

local function read(title, name)
   local file = assert(io.open(("%s/%s/%s"):format(root, title, name or "output.log")))
   local text = file:read "a"
   file:close()
   return text
end

-- How each of the jobs ended, as { title = "how: why" }, and what the pool returned.
local function ends(jobs, options)
   local found = {}
   options = options or {}
   options.shown = options.shown or false
   options.ended = options.ended or function(ended, how, why) found[ended.title] = how .. (why and ": " .. why or "") end
   return found, pool.run(jobs, options)
end

-- Whether a process that wrote its number into output.log, or another file, runs yet. What has ended may wait for init to take
-- notice.
local function lives(title, name)
   local file = io.open(("/proc/%s/stat"):format(read(title, name):match "%d+"))
   local text = file and file:read "a" or ""
   if file then file:close() end
   return text:find "^%d+ %(.*%) [^ZX]" ~= nil
end

describe("a job", function()
   it("ends well, with what is wrong, or by a signal", function()
      local found, how = ends {
         job("well", "echo fine"), job("wrong", "echo 'scute: lr: expected a number' >&2; echo '\tin main chunk' >&2; exit 1"),
         job("other", "echo 'terminate called' >&2; exit 134"), job("silent", "exit 3"), job("killed", "kill -KILL $$"),
         job("crashed", "kill -SEGV $$"),
         job("aborted", "echo '  what():  std::bad_alloc' >&2; kill -ABRT $$"), job("left", "exit 143"),
         job("missing", "", { words = { "no-such-program" } }),
      }
      assert.equal("done", how)
      assert.same({ well = "done", wrong = "failed: lr: expected a number", other = "failed: exit status 134: terminate called",
         silent = "failed: exit status 3", killed = "failed: ended by SIGKILL; the system may have run out of memory",
         crashed = "failed: ended by SIGSEGV", aborted = "memory: ended by SIGABRT: what():  std::bad_alloc",
         left = "interrupted: ended by SIGTERM",
         missing = "failed: cannot start 'no-such-program': No such file or directory" }, found)
      assert.equal("fine\n", read "well")
      assert.equal("", read("well", "errors.log"))
   end)

   it("has what was added to its environment, no input, and a number that no other has meanwhile", function()
      local most, running, slots = 0, 0, {}
      local jobs = {}
      for i = 1, 5 do
         jobs[i] = job("slot" .. i, "cat; echo $SCUTE_EXPERIMENT_SLOT $SCUTE_TEST", { env = { SCUTE_TEST = "x" .. i } })
      end
      pool.run(jobs, { at_once = 2, shown = false,
         started = function() running = running + 1; most = math.max(most, running) end,
         ended = function() running = running - 1 end })
      assert.equal(2, most)
      for i = 1, 5 do
         local slot, text = read("slot" .. i):match "^(%d) (%w+)\n$"
         slots[slot] = true
         assert.equal("x" .. i, text)
      end
      assert.same({ ["1"] = true, ["2"] = true }, slots)
   end)

   it("goes on with what an earlier one has said, and is told by what it says itself", function()
      local found = ends { job("again", "echo one; echo 'scute: out of memory' >&2; exit 1") }
      assert.equal("memory: out of memory", found.again)
      found = ends { job("again", "echo two; exit 3", { goes_on = true }) }
      assert.equal("failed: exit status 3", found.again)
      assert.same({ "one\ntwo\n", "scute: out of memory\n" }, { read "again", read("again", "errors.log") })
      ends { job("again", "echo three") }
      assert.same({ "three\n", "" }, { read "again", read("again", "errors.log") })
   end)

   it("is no job to what it starts itself", function()
      local said = [[print(scute.process.job() or "none") io.stdout:flush()]]
      local code = ([[%s os.execute(("'%%s' -e '%%s'"):format(%q, %q))]]):format(said, PROGRAM, said)
      assert.same({ mine = "done" }, ends { scute_job("mine", code, { env = process.environment "job.json" }) })
      assert.equal(("%s/job.json\nnone\n"):format(lfs.currentdir()), read "mine")
   end)

   it("is left out where its caller says so, and may be added meanwhile", function()
      local jobs = { job("out", "true"), job("in", "true") }
      local found = {}
      local how = pool.run(jobs, { shown = false, started = function(j) return j.title ~= "out" end, ended = function(j, what)
         found[#found + 1] = j.title .. " " .. what
         if j.title == "in" then jobs[#jobs + 1] = job("more", "true") end
      end })
      assert.equal("done", how)
      assert.same({ "in done", "more done" }, found)
   end)

   it("sees one of several GPUs where several run", function()
      local code = ([[local pool, jobs = require "scute.experiment.pool", {}
         local words = { "sh", "-c", "echo $SCUTE_EXPERIMENT_SLOT:$CUDA_VISIBLE_DEVICES" }
         for i = 1, 2 do jobs[i] = { words = words, folder = "%s/gpu" .. i } end
         pool.run(jobs, { at_once = 2, shown = false })]]):format(root)
      assert.same({ gpus = "done" }, ends { scute_job("gpus", code, { env = { CUDA_VISIBLE_DEVICES = "5,GPU-8a" } }) })
      assert.equal("1:5\n2:GPU-8a\n", read "gpu1" .. read "gpu2")
   end)

   it("finds the card that its command line names", function()
      for device, expected in pairs { cpu = true, ["cuda:1"] = true, cuda = false, auto = false } do
         assert.equal(expected, process.names_device { "scute", "x.lua", "--device", device }, device)
         assert.equal(expected, process.names_device { "scute", "x.lua", "--device=" .. device }, device)
      end
      local code = ([[local pool, jobs = require "scute.experiment.pool", {}
         local words = { "sh", "-c", "echo $SCUTE_EXPERIMENT_SLOT:$CUDA_VISIBLE_DEVICES", "sh", "--device", "cuda:1" }
         for i = 1, 2 do jobs[i] = { words = words, folder = "%s/card" .. i } end
         pool.run(jobs, { at_once = 2, shown = false })]]):format(root)
      assert.same({ cards = "done" }, ends { scute_job("cards", code, { env = { CUDA_VISIBLE_DEVICES = "5,GPU-8a" } }) })
      assert.equal("1:5,GPU-8a\n2:5,GPU-8a\n", read "card1" .. read "card2")
   end)
end)

describe("a limit", function()
   it("of time ends what hangs, and what does not hear that", function()
      local found = ends({ job("hangs", FOREVER, { timeout = 0.1 }), job("after", "true"),
         job("deaf", "trap '' TERM; while :; do sleep 0.02; done", { timeout = 0.2 }) }, { grace = 0.1 })
      assert.same({ hangs = "timeout: it took longer than 0.1 s (timeout)", after = "done",
         deaf = "timeout: it took longer than 0.2 s (timeout)" }, found)
   end)

   it("of time ends what it has started too", function()
      local found = ends({ job("family", "trap '' TERM; sleep 1000 & echo $!; while :; do wait; done", { timeout = 0.2 }) },
         { grace = 0.1 })
      assert.same({ family = "timeout: it took longer than 0.2 s (timeout)" }, found)
      while lives "family" do end -- the system takes it away
   end)

   it("of memory ends what is hungry, in oneDNN's threads too", function()
      local found = ends { scute_job("hungry", [[require "scute.experiment.process".settle(150e6)
         local conv = scute.nn.Conv2d { 3, 64, 3, padding = 1 }
         local kept = {}
         for i = 1, 100 do kept[i] = conv(scute.ones(4, 3, 128, 128)) end]], { memory = 150000000 }),
         scute_job("lua", [[require "scute.experiment.process".settle(100e6)
         local s = "x"
         while true do s = s .. s end]]),
         scute_job("low", [[require "scute.experiment.process".settle(1000)]]) }
      assert.matches("^memory: .*out of memory on cpu: .* %(memory: it may have 150.0 MB%)$", found.hungry)
      assert.equal("memory: not enough memory", found.lua)
      assert.matches("^failed: .*memory: this process has %d+%.%d MB already, and cannot be held to 0.0 MB$", found.low)
   end)
end)

describe("a signal to the one that waits", function()
   local function press(signal)
      io.popen(("kill -%s $PPID; sleep 0.01"):format(signal)):close()
   end

   local function saves_when_told(signal)
      local script = "trap 'echo saved; exit 143' TERM; : >%s/ready$SCUTE_EXPERIMENT_SLOT; while :; do sleep 0.02; done"
      script = script:format(root)
      local sender = "while ! [ -e %s/ready1 -a -e %s/ready2 ]; do sleep 0.02; done; kill -%s $PPID"
      local found, how = ends({ job("one", script), job("two", script), job("sender", sender:format(root, root, signal)),
         job("three", "true") }, { at_once = 3 })
      assert.equal("interrupted", how)
      assert.equal("interrupted: ended by SIGTERM", found.one)
      assert.equal("interrupted: ended by SIGTERM", found.two)
      assert.is_nil(found.three)
      assert.equal("saved\nsaved\n", read "one" .. read "two")
      os.remove(root .. "/ready1")
      os.remove(root .. "/ready2")
   end

   it("reaches all that run, each of which saves, and no other starts", function() saves_when_told "INT" end)

   it("reaches them whichever it was", function() saves_when_told "TERM" end)

   it("before anything started starts nothing", function()
      press "INT"
      local found, how = ends { job("never", "true") }
      assert.same({ {}, "interrupted" }, { found, how })
   end)

   it("is no second one for a run that has it already", function()
      local started = scute_job("twice", [[scute.on_interrupt "finish"
         require "scute.experiment.process".settle()
         print "ready" io.stdout:flush()
         while not scute.interrupted() do end
         os.execute "kill -TERM $PPID"
         local t = scute.clock() while scute.clock() < t + 0.3 do end
         os.execute "kill -INT $PPID"
         os.execute "kill -TERM $PPID"
         print "saved"]], { env = process.environment "job.json" })
      local sender = ("while ! grep -q ready %s/twice/output.log; do sleep 0.02; done; kill -INT $PPID"):format(root)
      local found = ends({ started, job("teller", sender) }, { at_once = 2 })
      assert.equal("interrupted: ended by SIGTERM", found.twice)
      assert.equal("ready\nsaved\n", read "twice")
   end)
end)

describe("nobody is left behind", function()
   it("where a function of the caller's raises an error", function()
      local ok, why = pcall(pool.run, { job("left1", "echo $$; " .. FOREVER), job("fine", "true") },
         { at_once = 2, shown = false, ended = function() error "mine" end })
      assert.is_false(ok)
      assert.matches("mine", why)
      assert.is_false(lives "left1")
   end)

   it("where the one that waits is killed", function()
      local run = [[require "scute.experiment.process".settle()
         print(scute.process.id())
         io.stdout:flush()
         os.execute "echo $$ >&2; exec sleep 1000"
         while true do end]]
      local kill = ("while ! grep -q . %s/grandchild/errors.log; do sleep 0.02; done; kill -KILL $PPID"):format(root)
      local code = ([[local pool, process = require "scute.experiment.pool", require "scute.experiment.process"
         pool.run({ { words = { %q, "-e", %q }, env = process.environment "job.json", folder = "%s/grandchild" },
            { words = { "sh", "-c", %q }, folder = "%s/killer" } },
            { at_once = 2, shown = false })]]):format(PROGRAM, run, root, kill, root)
      assert.matches("^failed: ended by SIGKILL", (ends { scute_job("parent", code) }).parent)
      while lives "grandchild" do end -- its end comes with its parent's, by the system
      while lives("grandchild", "errors.log") do end -- and that of what it has started
   end)
end)

describe("the lines of those that run", function()
   it("are shown in place, each as wide as the terminal at most, and gone in the end", function()
      local real, file = io.stdout, io.tmpfile()
      local jobs = { job("a", ("printf 'first\\nx\\033[1m%%0200d' 1; while ! [ -e %s/go ]; do sleep 0.02; done"):format(root)),
         job("b", ("while ! [ -s %s/a/output.log ]; do sleep 0.02; done"):format(root)), job("c", (": >%s/go"):format(root)) }
      rawset(io, "stdout", file)
      local ok, why = pcall(pool.run, jobs, { at_once = 2, shown = true })
      rawset(io, "stdout", real)
      assert(ok, why)
      file:seek "set"
      local text = file:read "a"
      file:close()
      local line = ("   a: x?[1m" .. ("0"):rep(200)):sub(1, scute.terminal_size() - 3)
      assert.matches("^   a: [^\n]*\n   b: \r\27%[K\27%[A\r\27%[K", text)
      assert.is_truthy(text:find(line .. "\n   c: \r\27[K\27[A\r\27[K", 1, true))
      assert.equal("\r\27[K", text:sub(-4))
   end)
end)

describe("scute.process", function()
   it("refuses what is no command, no process and no limit, before anything is done", function()
      local here = root .. "/refused"
      local function refuses(why, f, ...)
         local given = table.pack(...)
         assert.error_matches(function() scute.process[f](table.unpack(given, 1, given.n)) end, why)
      end
      refuses("the name of a program", "start", {}, {}, here, here)
      refuses("argument 1: expected texts without zero bytes", "start", { "sh", "a\0b" }, {}, here, here)
      refuses("argument 2: expected texts without zero bytes", "start", { "sh" }, { 3 }, here, here)
      refuses("table expected", "start", "sh", {}, here, here)
      refuses("cannot open '/nowhere/x'", "start", { "sh" }, {}, "/nowhere/x", here)
      refuses("expected a list of numbers of processes", "wait", { "x" }, 0)
      refuses("cannot wait for process 1", "wait", { 1 }, 0)
      refuses("1 is the number of no child", "signal", 1, "SIGTERM")
      refuses("invalid option 'SIGHUP'", "signal", 2, "SIGHUP")
      refuses("expected a number of bytes", "limit_memory", -5)
      refuses("this process has .* already", "limit_memory", 0)
      assert.is_nil(scute.process.wait({}, 0))
      assert.same({ "SIGKILL", "signal 64" }, { scute.process.signal_name(9), scute.process.signal_name(64) })
   end)
end)

describe("the command of this program", function()
   local function command_of(words)
      local code = [[print(table.concat(require "scute.experiment.process".command() or { "nil" }, "|"))]]
      local path = root .. "/command.lua"
      scute.files.write(path, code)
      local quoted = {}
      for i, word in ipairs(words) do quoted[i] = ("'%s'"):format(word:gsub("SCRIPT", path):gsub("CODE", code)) end
      local pipe = io.popen(("'%s' %s </dev/null"):format(PROGRAM, table.concat(quoted, " ")))
      local text = pipe:read "l"
      pipe:close()
      return (text:gsub("^" .. PROGRAM:gsub("%p", "%%%0"), "scute"):gsub(path:gsub("%p", "%%%0"), "SCRIPT"))
   end

   it("has the files that it loads first, the script and its arguments", function()
      assert.equal("scute|SCRIPT|a b|--c", command_of { "SCRIPT", "a b", "--c" })
      assert.equal("scute|-l|/dev/null|-e|x = 1|SCRIPT|-i",
         command_of { "-l", "/dev/null", "-i", "-e", "x = 1", "SCRIPT", "-i" })
      assert.equal("scute|--|SCRIPT", command_of { "--", "SCRIPT" })
   end)

   it("is nil without a script", function()
      assert.equal("nil", command_of { "-e", "CODE" })
   end)
end)
