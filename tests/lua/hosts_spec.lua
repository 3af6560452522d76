-- What is told of where the processes of a run are.
local hosts = require "scute.train.hosts"

local function entry(host, processor, threads)
   return { host = host, processor = processor, threads = threads or 2 }
end

describe("processes of one run", function()
   it("are no matter where all is alike", function()
      assert.same({}, hosts.lines { entry("a", "x") })
      assert.same({}, hosts.lines { entry("a", "x"), entry("a", "x") })
   end)

   it("are told by host", function()
      assert.same({ "2 hosts: a (ranks 0, 1), b (rank 2)" }, hosts.lines { entry("a", "x"), entry("a", "x"), entry("b", "x") })
   end)

   it("are told where processors differ, and threads", function()
      assert.same({ "2 hosts: a (ranks 0, 2), b (rank 1)",
         "note: the processors are not of one kind, so last digits depend on which of them gets a photo: x (ranks 0, 2), "
            .. "y (rank 1)",
         "note: not all processes have as many threads, so last digits depend on which of them gets a photo: 2 (ranks 0, 2), "
            .. "4 (rank 1)" }, hosts.lines { entry("a", "x"), entry("b", "y", 4), entry("a", "x") })
   end)
end)
