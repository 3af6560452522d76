-- How a profile prints.
local columns = require "scute.base.columns"
local console = require "scute.base.console"
local rows = require "scute.profile.rows"

local MOST, MOST_CALLS = 40, 8 -- rows, and those of the calls that cost most

local function duration(seconds)
   if math.abs(seconds) >= 1 then return ("%.2f s"):format(seconds) end
   return ("%.2f ms"):format(1e3 * seconds)
end

local function unless_none(format, value)
   return value and value ~= 0 and format:format(value) or ""
end

local function of_calls(n, seconds)
   if n == 0 then return "", "" end
   return columns.thousands(n), duration(seconds)
end

local function share_text(share)
   return ("%.1f %%"):format(100 * share)
end

local function cells(row, name)
   local calls, forward = of_calls(row.forward_calls, row.forward_seconds)
   local back_calls, back = of_calls(row.backward_calls, row.backward_seconds)
   if row.kind == "rest" then forward = duration(row.seconds) end
   return { name or row.name, calls, forward, back_calls, back, unless_none("%.1f", row.gflops_per_second),
      unless_none("%.2f", row.gb_per_second), share_text(row.share) }
end

local HEAD = { "calls", "time", "backward", "time", "GFLOP/s", "GB/s", "share" }

local function head(title)
   return { title, table.unpack(HEAD) }
end

-- Rows beyond those that are shown, as one.
local function others(list, from, to)
   local share, seconds = 0, 0
   for i = from, to do share, seconds = share + list[i].share, seconds + list[i].seconds end
   return { ("%d more"):format(to - from + 1), "", duration(seconds), "", "", "", "", share_text(share) }
end

-- The last one is the rest, which always shows.
local function table_of(profile)
   local lines, last = { head(profile.grouped_by) }, #profile - 1
   local shown = last <= MOST and last or MOST - 1
   for i = 1, shown do lines[#lines + 1] = cells(profile[i]) end
   if shown < last then lines[#lines + 1] = others(profile, shown + 1, last) end
   lines[#lines + 1] = cells(profile[#profile])
   lines[#lines + 1] = { "all of it", "", duration(profile.seconds), "", "", "", "", share_text(1) }
   return columns.text(lines, { 1 })
end

local function expensive(profile)
   local lines = { head "the calls that took most" }
   for _, row in ipairs(rows.of(profile.found, "shapes")) do
      if row.kind == "shapes" and #lines <= MOST_CALLS then lines[#lines + 1] = cells(row) end
   end
   return #lines > 1 and "\n" .. columns.text(lines, { 1 }) or nil
end

local function beside_text(profile)
   local parts = {}
   for i, row in ipairs(profile.beside) do
      parts[i] = ("%s %s times for %s"):format(row.name, columns.thousands(row.calls), duration(row.seconds))
   end
   return #parts > 0 and "beside that, in other threads: " .. table.concat(parts, "; ") or nil
end

local function waited_text(profile)
   local names = table.concat(profile.devices, ", ")
   return names:find "cuda" and names .. " was waited for after every op, and steps were no graphs: without a profile this is "
      .. "faster" or nil
end

local function fallbacks_text(profile)
   local n = 0
   for _, row in ipairs(profile) do n = n + row.fallbacks end
   if n == 0 then return nil end
   return ("%s found no kernel for their numbers and ran as plain loops, or in f32"):format(console.count(n, "call"))
end

local function trace_text(trace)
   if not trace then return nil end
   if trace.problem then return ("the trace is not whole: %s"):format(trace.problem) end
   local all = trace.seen == trace.written and "" or (" the first %s of"):format(columns.thousands(trace.written))
   local events = trace.seen == 1 and "event" or "events"
   return ("trace: %s has%s %s %s; open it in ui.perfetto.dev or chrome://tracing"):format(trace.path, all,
      columns.thousands(trace.seen), events)
end

--- The text of a profile.
return function(profile)
   if #profile == 1 then return ("profile of %s: no op ran"):format(console.duration(profile.seconds)) end
   local on = #profile.devices > 0 and " on " .. table.concat(profile.devices, ", ") or ""
   local lines = { ("profile of %s%s, %s"):format(console.duration(profile.seconds), on,
      console.count(profile.threads, "thread")), table_of(profile) }
   local function add(text) lines[#lines + 1] = text end
   if profile.grouped_by == "op" then add(expensive(profile)) end
   add(beside_text(profile))
   add(waited_text(profile))
   add(fallbacks_text(profile))
   add(trace_text(profile.trace))
   return table.concat(lines, "\n")
end
