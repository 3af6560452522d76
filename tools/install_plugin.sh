#!/bin/sh
# Installs the GPU plugin, whoever built it: under sudo there may be no nvcc on the PATH. Where there is none, or one of another
# build than the program's, one line says why, and none that was installed before stays.
# Usage: tools/install_plugin.sh BUILD FOLDER [WHY]      WHY: there is none
set -eu
plugin=$1/scute_cuda.so
installed=$2/scute_cuda.so
why=${3:-}

if [ -e "$plugin" ]; then
   layout=$(sed 's/.* //' "$1/layout.h") # see host/core/register.h
   if [ "$why" = CUDA=no ]; then :
   elif grep -q "sc_register_backend_$layout" "$plugin"; then why=
   else why="$plugin is of another build than the program; make it anew where nvcc is found"
   fi
elif [ -z "$why" ]; then why=$(tools/reason.sh "$1/plugin.log")
fi

if [ -z "$why" ]; then install -D -m 755 "$plugin" "$installed"
else
   rm -f "$installed"
   echo "note: the GPU plugin is not installed: $why"
fi
