-- Where scute itself lies: in a source tree or installed.
local lfs = require "lfs"
local scute = require "scute.core"

local places = {}

--- The folder in which lua/, scripts/ and examples/ lie.
places.home = (scute.module_file "scute" or ""):match "^(.*)/lua/scute/init%.lua$"

--- The path of the program that runs.
places.program = lfs.symlinkattributes("/proc/self/exe", "target")

--- The folder of what is made at build time: build/share, or PREFIX/share.
function places.share()
   local bin = places.program:match "^(.*)/"
   local installed = places.home and places.home:match "^(.*/share)/scute$"
   return lfs.attributes(bin .. "/share/scute", "mode") == "directory" and bin .. "/share" or installed or bin .. "/share"
end

return places
