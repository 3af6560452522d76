-- What a process of several has for itself: pieces that it takes for lack of memory, random numbers that it drew alone, states
-- of hooks, layers and losses. It survives a resume, or is refused. Part of tests/world/run.lua.

-- base: the tests' own check and shell; photos and small.lua are in $T.
return function(base)
   local check = base.check

   local CHANGED = ": a hook, a schedule or a layer did something else there, or a processor or library computed something else"
   local EXPECTED = { "pieces enough", "the same", "draws enough", "the same", "features enough", "the same", "2 calls",
      "the loss (growing) has a state, and each of the 2 processes would call it with its own photos alone; start one process "
      .. "alone", "frozen: fine", "rank 1 no longer has the average of the weights of rank 0" .. CHANGED,
      "rank 1 no longer has the tensors of the hook 'mine' of rank 0" .. CHANGED, "fine", "4: fine",
      "nil: rank 1: out of memory, and not as in the others; each of the 2 processes computes the whole batch here, in pieces "
      .. "only where memory is as short in all of them; take a smaller --batch_size" }

   local function of_its_own()
      local r = base.shell "OMP_NUM_THREADS=1 $S -l $T/small.lua --nproc 2 tests/world/state_child.lua $T/photos $T/state"
      check(r.code == 0, "two processes", r.all)
      for rank = 0, 1 do
         local said, i = r.out:match(("\n%d: ([^\n]*)"):format(rank)) or "", 0
         for text in (said .. " | "):gmatch "(.-) | " do
            i = i + 1
            check(text == EXPECTED[i], ("rank %d: %s"):format(rank, EXPECTED[i]), text)
         end
         check(i == #EXPECTED, "all was said", r.all)
      end
   end

   return { of_its_own }
end
