#!/bin/bash
# Runs every benchmark; arguments are Google Benchmark's own.
#   sudo bazel run -c opt //bench:all -- --benchmark_format=json
set -eu
here=$(dirname "$0")
for benchmark in start_latency oci phases network veth_setup logs state; do
  echo "== $benchmark" >&2
  "$here/$benchmark" "$@"
done
