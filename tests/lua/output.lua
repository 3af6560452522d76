-- What busted prints: a line per failure as it happens, and the count that the Makefile adds up.
return function()
   local busted = require "busted"
   local handler = require "busted.outputHandlers.base" ()

   local function report(kind, list)
      for _, entry in ipairs(list) do
         local where = entry.element.trace or {}
         local text = type(entry.message) == "string" and entry.message or require "pl.pretty".write(entry.message)
         io.write(("%s: %s (%s:%s)\n%s\n"):format(kind, entry.name, where.short_src or "?", where.currentline or "?",
            text))
      end
   end

   local function suite_end()
      local failed = handler.failuresCount + handler.errorsCount
      if handler.successesCount + failed == 0 then
         io.write "no test ran\n"
         failed = 1
      end
      for _, pending in ipairs(handler.pendings) do
         io.write(("pending: %s%s\n"):format(pending.name,
            type(pending.message) == "string" and ": " .. pending.message or ""))
      end
      report("FAILED", handler.failures)
      report("ERROR", handler.errors)
      io.write(("%d passed, %d failed\n"):format(handler.successesCount, failed))
      io.flush()
      if failed > 0 then os.exit(false, true) end
      return nil, true
   end

   busted.subscribe({ "suite", "end" }, suite_end)
   return handler
end
