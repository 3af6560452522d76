-- tools/test.sh itself, on suites that are made up here: what it counts, in which words, and that nothing which ends badly is
-- taken for a success. Usage: scute tests/suites/run.lua
local cli = dofile "tests/cli/shell.lua"
local check, shell = cli.check, cli.shell

-- By the names of suites, what each does, as lines of shell: the program that runs them is a shell here.
local MADE_UP = {
   good = "echo 3 passed, 0 failed",
   bad = "echo what went wrong; echo 1 passed, 2 failed; exit 1",
   quiet = "exit 0",
   crashes = "echo 5 passed, 0 failed; kill -SEGV $$",
   lies = "echo 7 passed, 0 failed; exit 1",
   hangs = "sleep 100",
   presses = "trap 'echo 1 passed, 0 failed; exit' INT; kill -INT $$; sleep 100",
   together = "touch $T/at/$$; while [ $(ls $T/at | wc -l) -lt 2 ]; do sleep 0.02; done; echo 1 passed, 0 failed",
   outlives = "exec >$T/told; echo begun; sleep 20; echo outlived",
   lua = "echo share $1; echo 10 passed, 0 failed",
}

local function write(path, text)
   local file = assert(io.open(cli.scratch .. "/" .. path, "w"))
   file:write(text)
   file:close()
end

local function make_up()
   shell "mkdir -p $T/build $T/at $T/tests/c && cp -r tools $T"
   write("build/scute", '#!/bin/sh\nexec sh "$@"\n')
   write("tools/lint.sh", "#!/bin/sh\necho 1 passed, 0 failed\n")
   for name, lines in pairs(MADE_UP) do
      os.execute(("mkdir -p '%s/tests/%s'"):format(cli.scratch, name))
      write("tests/" .. name .. "/run.lua", lines .. "\n")
   end
   shell "chmod +x $T/build/scute; cp -r $T/tests/together $T/tests/too"
end

local function run(suites, settings)
   return shell(("cd $T && %s tools/test.sh build %s"):format(settings or "", suites))
end

local function counts()
   local r = run "good lint"
   check(r.code == 0 and r.out:find "good +3 passed, 0 failed" and r.out:find "\n4 passed, 0 failed\n$", "it adds up", r.all)
   r = run "good bad"
   check(r.code == 1 and r.out:find "\n4 passed, 2 failed\n$", "what failed is counted", r.all)
   check(r.out:find("---- bad (exit code 1), from build/logs/bad.log:\nwhat went wrong\n", 1, true), "and shown", r.all)
   r = run "nothing_of_that_name"
   check(r.code == 1 and r.out == "no suite 'nothing_of_that_name'\n0 passed, 1 failed\n", "none at all is no success", r.all)
   r = run "good godo lua-5"
   check(r.code == 1 and r.out:find "no suite 'godo'\nno suite 'lua%-5'\n3 passed, 2 failed\n$", "a word mistyped fails", r.all)
end

local function takes_nothing_bad_for_good()
   for name, passed in pairs { quiet = 0, crashes = 5, lies = 7, hangs = 0 } do
      local r = run(name, "SUITE_TIMEOUT=0.5")
      check(r.code == 1 and r.out:find(("\n%d passed, 1 failed\n$"):format(passed)), name .. " counts as failed", r.all)
   end
   write("tests/quiet/run.lua", "kill -KILL $(sed -n 's/^PPid:[[:space:]]*//p' /proc/$PPID/status); exit 0\n")
   local r = run("quiet", "TEST_JOBS=1")
   check(r.code == 1 and r.out:find "quiet did not end\n0 passed, 1 failed\n$", "one that is killed, too", r.all)
end

local function runs_several_at_once()
   local r = run("together too", "TEST_JOBS=2")
   check(r.code == 0 and r.out:find "\n2 passed, 0 failed\n$", "two at once", r.all)
   r = run "lua"
   check(r.code == 0 and r.out:find "\n40 passed, 0 failed\n$", "a long one in shares", r.all)
   for share = 1, 4 do
      local log = cli.read_file(("%s/build/logs/lua-%d.log"):format(cli.scratch, share))
      check(log == ("share %d/4\n10 passed, 0 failed\n"):format(share), "each knows its own", log)
   end
   r = run "lua-2"
   check(r.code == 0 and r.out:find "^lua%-2 +10 passed, 0 failed +%(%d+ s%)\n10 passed, 0 failed\n$", "a share alone", r.all)
   r = run("presses", "trap '' INT;")
   check(r.code == 0, "Ctrl-C can be pressed in one, whoever ignores it here", r.all)
end

-- Ctrl-C goes to all that the terminal's job consists of; what is read from the suite ends when nothing of it is left.
local function ends_with_what_it_runs()
   local r = shell [[mkfifo $T/told; set -m; (cd $T && exec tools/test.sh build outlives) >$T/.job & job=$!
      exec 3<$T/told; read -r line <&3; kill -INT -$job; cat <&3; wait $job]]
   check(r.code == 130 and r.out == "", "Ctrl-C ends the suites", r.all)
   check(not shell("ls -d $T/build/logs/counts.*").out:find "%S", "and their counts are gone")
end

make_up()
cli.run { counts, takes_nothing_bad_for_good, runs_several_at_once, ends_with_what_it_runs }
