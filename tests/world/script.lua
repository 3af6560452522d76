-- What a script of one's own brings to the training of several processes: terms of the loss, samplers, metrics and losses that
-- fail. Part of tests/world/run.lua; photos are in $T/photos.

-- base: the tests' own check and shell.
return function(base)
   local check = base.check

   local function line(n, what)
      return ("export OMP_NUM_THREADS=1; $S -l $T/small.lua %s tests/world/script_child.lua $T/photos %s $T/script%d")
         :format(n > 1 and "--nproc " .. n or "", what, n)
   end

   -- The lines of what the first process says, without those of training.
   local function said(r)
      local list = {}
      for text in r.out:gmatch "> ([^\n]*)\n" do list[#list + 1] = text end
      return list
   end

   local function parts()
      local rs = base.at_once { line(1, "terms pieces"), line(3, "terms"), line(2, "samplers faults signals") }
      local one, three, two = said(rs[1]), said(rs[2]), said(rs[3])
      local errs = { "^$", "^$", "^scute: stopped in epoch 2 after step 6;[^\n]*\n$" } -- of the signal
      for i, r in ipairs(rs) do check(r.code == 0 and r.err:find(errs[i]), "what a script brings " .. i, r.all) end
      check(#one == 6 and one[1] == one[2] and one[1] == one[4] and one[1] == one[5] and one[1] == one[6],
         "a term of the loss counts once in an update, also in parts and pieces", rs[1].all)
      for i = 1, 3 do check(three[i] == one[i], "as much with three processes as with one", rs[2].all) end
      local function other(epoch)
         return ("sampler (a function), epoch %d: rank 1 has another order of photos than rank 0; all processes need the same: "
            .. "what a sampler draws comes from the 'draw' that it gets, not from math.random or the order of pairs()"):format(
            epoch)
      end
      local again = "; once it is mended --resume auto goes on from the last checkpoint"
      for i, text in ipairs { "0 " .. other(1), "3 " .. other(2), "0 " .. other(1), "6 fine",
         "all true: metrics: 'mine' failed in epoch 2: it is broken" .. again,
         "one true: rank 1: metrics: 'mine' failed in epoch 2: it is broken" .. again,
         "all true: the loss became NaN", "one true: rank 1: the loss became NaN",
         "one true: rank 1: the loss became NaN", "one true: rank 1: the loss became NaN", "interrupted 130, saved true" } do
         check(two[i] == text, text, rs[3].all)
      end
   end

   return { parts }
end
