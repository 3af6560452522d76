-- A search looks at all variants after some epochs: their runs stop there with a checkpoint, and those that go on do so as if
-- they had not stopped, since every run has its whole length, and its schedule, from the start.

--- A hook of train.fit that stops a run after epoch `after` (nil: it goes to its end); its field `paused` tells whether it did.
return function(after)
   local hook = { name = "pause", paused = false }

   function hook.save() return { paused = hook.paused } end

   -- Where the process ended before the result was on disk the run stands where it is to stop already.
   function hook.load(run, saved)
      hook.paused = saved.paused and after ~= nil and run.epoch >= after
      if saved.paused and not hook.paused then run.stopped = nil end
   end

   function hook.on_epoch_end(run)
      if run.stopped or run.epoch ~= after or run.epoch == run.epochs then return end
      hook.paused, run.stopped = true, ("a search looks at all variants after epoch %d"):format(after)
   end

   return hook
end
