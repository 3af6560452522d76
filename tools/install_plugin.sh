#!/bin/sh
# Installs a plugin (cuda or mpi), whoever built it: under sudo there may be no nvcc on the PATH. Where there is none, or one of
# another build than the program's, or for the tests' cards alone, one line says why, and none that was installed before stays.
# Usage: tools/install_plugin.sh NAME BUILD FOLDER [WHY]      WHY: there is none
set -eu
name=$1
plugin=$2/scute_$name.so
installed=$3/scute_$name.so
why=${4:-}
case $name in
   cuda) called="GPU plugin" log=$2/plugin.log compiler=nvcc ;;
   *) called="MPI plugin" log=$2/mpi.log compiler=MPI ;;
esac

if [ -e "$plugin" ]; then
   layout=$(sed 's/.* //' "$2/layout.h") # see host/core/register.h
   if [ "$why" = CUDA=no ] || [ "$why" = MPI=no ]; then :
   elif [ "$name" = cuda ] && grep -qs SC_FOR_TESTS "$2/gencode"; then
      why="$plugin was built by 'make test', for two kinds of cards alone; make it anew where $compiler is found"
   elif grep -q "sc_register_[a-z]*_$layout" "$plugin"; then why=
   else why="$plugin is of another build than the program; make it anew where $compiler is found"
   fi
elif [ -z "$why" ]; then why=$(tools/reason.sh "$log")
fi

if [ -z "$why" ]; then install -D -m 755 "$plugin" "$installed"
else
   rm -f "$installed"
   echo "note: the $called is not installed: $why"
fi
