-- What an owner of a card is sent (tests/cuda/session.sh): packed from what is built, unpacked into a folder that has the files
-- of git alone, and run there as far as its shortest part and one row of the bench, with the software GPU for the card. Where
-- there was no CUDA toolkit to build that with, nothing is tried.
local lfs = require "lfs"

local session = {}

local function shell(command)
   local pipe = assert(io.popen("{ " .. command .. "\n} 2>&1"))
   local text = pipe:read "a"
   return pipe:close() ~= nil, text
end

--- build: the folder of what is built; check: of tests/tally.lua.
function session.check(build, check)
   if not lfs.attributes(build .. "/softgpu/scute_cuda.so") then
      return print "no software GPU: what an owner of a card is sent is not tried"
   end
   local root = os.tmpname()
   os.remove(root)
   local settings = ("T='%s'; BUILT=\"$PWD/%s\"; "):format(root, build)
   local ok, text = shell(settings .. [[ set -e
      mkdir -p $T/here/build $T/here/tests/cuda $T/there/build
      ln -s "$PWD/deps" $T/here/deps
      cp $BUILT/scute $T/here/build/; cp $BUILT/softgpu/scute_cuda.so $T/here/build/; touch $T/here/build/gencode
      cp tests/cuda/session.sh $T/here/tests/cuda/
      cp -r lua tests scripts examples tools $T/there/
      cd $T/here; GZIP=-1 sh tests/cuda/session.sh pack built
      mv build/session.tar.gz $T/there/build/]])
   check(ok, "what an owner of a card is sent is packed", text)
   ok, text = shell(settings .. [[ cd $T/there; mkdir out
      unset SCUTE_PLUGINS
      OUT=out PARTS=recorded MODELS=baseline_cnn SIDE=32 BATCH=2 EPOCHS=0 SCUTE_CUDA_CACHE= LD_LIBRARY_PATH=$BUILT/softgpu/lib \
         sh tests/cuda/session.sh run 240 cuda]])
   check(ok and text:find "\nrecorded +%d+ passed, 0 failed" and text:find "---- bench\n.*baseline_cnn +train +%d",
      "unpacked where nothing else is, it runs", text)
   local page = io.open(root .. "/there/out/gpu_report.txt")
   local said = page and page:read "a" or ""
   if page then page:close() end
   check(said:find "---- test\n.*recorded +%d+ passed, 0 failed" and said:find "---- bench\n",
      "and leaves the page to send back", said)
   os.execute(("rm -rf '%s'"):format(root))
end

return session
