#!/bin/bash
# What runs between clone and exec may share the parent's memory: its objects (*_child.cc) refer to
# no function of libc, other than the copies and fills that compilers themselves call.
set -eu
allowed='^(_ZNK?4tiny|_GLOBAL_OFFSET_TABLE_$|memcpy$|memset$|memmove$|memcmp$|strlen$|__stack_chk_fail$)'
# The static initialiser that including <iostream>, as some Abseil headers do, leaves in every object:
# it runs before main.
allowed+='|^(_ZNSt8ios_base4Init[CD]1Ev$|__cxa_atexit$|__dso_handle$)'
checked=0
for archive in "$@"; do
  objects=$(ar t "$archive" | grep '_child\.' || true)
  [ -n "$objects" ] || { echo "no *_child object in $archive"; exit 1; }
  for object in $objects; do
    checked=$((checked + 1))
    foreign=$(nm -u -A "$archive" | grep "$object:" | sed 's/.* //' | grep -Ev "$allowed" || true)
    if [ -n "$foreign" ]; then
      echo "$archive($object) refers to:"
      echo "$foreign"
      exit 1
    fi
  done
done
echo "$checked objects refer to nothing of libc"
