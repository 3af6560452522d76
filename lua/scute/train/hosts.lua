-- Where the processes of a run are: what is told where they are on several hosts, on other processors, or have other numbers of
-- threads, by each of which last digits differ.
local console = require "scute.base.console"
local scute = require "scute.core"
local ranks_text = require "scute.train.ranks_text"

local hosts = {}

-- By the values of a field: a list of { value, ranks }, in the order of ranks.
local function grouped(list, field)
   local groups, by_value = {}, {}
   for i, entry in ipairs(list) do
      local value = entry[field]
      if not by_value[value] then
         by_value[value] = { value = value, ranks = {} }
         groups[#groups + 1] = by_value[value]
      end
      table.insert(by_value[value].ranks, i - 1)
   end
   return groups
end

local function told(groups)
   local texts = {}
   for i, group in ipairs(groups) do texts[i] = ("%s (%s)"):format(group.value, ranks_text(group.ranks)) end
   return table.concat(texts, ", ")
end

--- What is told of processes, a list of lines. list: by rank { host = name, processor = name, threads = number }.
function hosts.lines(list)
   local lines = {}
   local names, processors, threads = grouped(list, "host"), grouped(list, "processor"), grouped(list, "threads")
   if #names > 1 then lines[#lines + 1] = ("%d hosts: %s"):format(#names, told(names)) end
   if #processors > 1 then
      lines[#lines + 1] = ("note: the processors are not of one kind, so last digits depend on which of them gets a photo: %s")
         :format(told(processors))
   end
   if #threads > 1 then
      lines[#lines + 1] = ("note: not all processes have as many threads, so last digits depend on which of them gets a photo: "
         .. "%s"):format(told(threads))
   end
   return lines
end

--- Tells that of the processes of the world. Together (see scute.train.parallel).
function hosts.tell()
   local name, processor, cores = scute.world.host()
   local list = {}
   for i, text in ipairs(scute.world.texts(("<s4s4i4"):pack(name, processor, scute.threads()))) do
      local host, of_host, threads = ("<s4s4i4"):unpack(text)
      list[i] = { host = host, processor = of_host, threads = threads }
   end
   for _, line in ipairs(hosts.lines(list)) do console.line("%s", line) end
   if os.getenv "SCUTE_NPROC" and #list > cores then -- mpirun may have given each process cores of its own
      console.line("note: %d processes take turns on %s", #list, console.count(cores, "core"))
   end
end

return hosts
