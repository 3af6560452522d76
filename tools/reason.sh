#!/bin/sh
# The line of a build's log that says why it failed. Usage: tools/reason.sh LOG
grep -v '^make' "$1" | grep -m 1 -iE 'error|fatal|cannot|denied|not found' || head -n 1 "$1"
