-- Calls of the system that fail, in thousands of runs of a small network and in runs that go on (tests/faults/).
-- Usage: scute tests/soak/faults.lua. In parts, from the environment:
--    MEMORY_FAULTS=270     in each of four kinds of runs and in one of each that goes on; as many again with two threads
--    OTHER_FAULTS=400      of each other kind of call: as many as there are, if that is less
local memory, others = os.getenv "MEMORY_FAULTS" or "270", os.getenv "OTHER_FAULTS" or "400"
local failed = false

for threads = 1, 2 do
   local line = ("THREADS=%d build/scute tests/faults/run.lua %s %s all,cached,frozen,progressive"):format(threads, memory,
      threads == 1 and others or "0")
   print(("%d compute threads"):format(threads))
   failed = not os.execute(line) or failed
end
os.exit(not failed, true)
