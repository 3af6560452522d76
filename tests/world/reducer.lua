-- Gradients that several processes add up while backward goes on, and what is told of processes that are slow. Part of
-- tests/world/run.lua.
local cjson = require "cjson"

-- base: the tests' own check and shell; photos are in $T/photos.
return function(base)
   local check = base.check

   local function words(n, command)
      return ("env OMP_NUM_THREADS=1 $S --nproc %d %s"):format(n, command)
   end

   local function start(n, command)
      return base.shell(words(n, command))
   end

   local function sums_in_backward()
      local rs = base.at_once { words(2, "tests/world/sums_child.lua"), words(4, "tests/world/sums_child.lua") }
      for i, n in ipairs { 2, 4 } do
         check(rs[i].code == 0 and rs[i].out == ("8 cases\n"):rep(n), ("%d processes"):format(n), rs[i].all)
      end
   end

   local function an_error_ends_all()
      local rs = base.at_once { words(2, "tests/world/sums_child.lua failing"), words(2, "tests/world/sums_child.lua leaving") }
      local r = rs[1]
      check(r.code == 1 and r.err:find("scute: rank 1: this process is broken", 1, true), "an error ends all", r.all)
      r = rs[2]
      check(r.code == 1 and r.err:find("rank 1: it ends in the middle of sums that other processes wait for", 1, true),
         "so does an end that is too early", r.all)
   end

   -- Rank 1 watches a window once more, in smaller pieces; rank 0 does not notice.
   local function memory_runs_out()
      local r = start(2, "tests/world/fit_child.lua $T/photos memory")
      check(r.code == 0 and r.out:find("rank 0: tries 0, again 0, micro nil, near", 1, true), "the others go on", r.all)
      local told = select(2, r.err:gsub("scute: rank 1: out of memory: from here on 2 photos at a time", ""))
      check(told == 1, "as is told", r.all)
      check(r.out:find "rank 1: tries 4, again 2, micro 2, near", "and it takes smaller pieces", r.all)
   end

   -- What thaws in the middle of a run is added up from then on.
   local function thaws()
      local command = "tests/world/fit_child.lua $T/photos unfreeze"
      local rs = base.at_once { words(1, command), words(2, command) }
      local one, two = rs[1], rs[2]
      local function weights(r)
         local list = {}
         for word in (base.lines_of(r.out)[#base.lines_of(r.out)] or ""):gmatch "%S+" do list[#list + 1] = tonumber(word) end
         return list
      end
      local a, b, most = weights(one), weights(two), 0
      for i, value in ipairs(a) do most = math.max(most, math.abs(value - (b[i] or math.huge))) end
      check(one.code == 0 and two.code == 0 and #a == 482 and #b == 482 and most < 1e-5, "unfreezing: off by " .. most,
         one.all .. two.all)
   end

   local function slow()
      local r = start(2, "tests/world/fit_child.lua $T/photos slow $T/slow")
      local _, times = r.err:gsub("scute: rank 1 %(on %S+%) takes [%d.]+ times as long as the others for a photo", "")
      check(r.code == 0 and times == 1, "a straggler is named, once", r.all)
      local epochs = {}
      for _, line in ipairs(base.lines_of(base.read_file(base.scratch .. "/slow/wide/events.jsonl") or "")) do
         local event = cjson.decode(line)
         if event.event == "epoch" then epochs[#epochs + 1] = event.ranks end
      end
      local first = epochs[1] or { images_per_second = {}, waited = {} }
      check(#epochs == 2 and #first.waited == 2 and #first.images_per_second == 2, "events.jsonl", cjson.encode(epochs))
      check((first.waited[1] or 0) > 0 and (first.waited[2] or 0) > 0, "both waited for sums", cjson.encode(first))
      local speeds = first.images_per_second
      check((speeds[1] or 0) > (speeds[2] or 0) and (speeds[2] or 0) > 0, "one was slower", cjson.encode(first))
   end

   -- Nobody but backward knows of it any more.
   local function kept_while_it_watches()
      local r = base.shell([[$S -e 'local x = scute.ones(3):requires_grad_()
         scute.world.reducer({ x }):watch()
         for _ = 1, 3 do collectgarbage() end
         x:sum():backward()
         print(x.grad[2], (pcall(scute.world.reducer({ x }).watch)))']])
      check(r.out == "1.0\tfalse\n", "what watches is kept", r.all)
   end

   return { kept_while_it_watches, sums_in_backward, an_error_ends_all, memory_runs_out, thaws, slow }
end
