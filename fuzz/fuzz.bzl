"""A libFuzzer target that, without --config=fuzz, is a test of its corpus."""

load("@rules_cc//cc:defs.bzl", "cc_test")

def fuzz_test(name, deps, corpus = None):
    """Tests NAME.cc, which defines LLVMFuzzerTestOneInput, on the files in NAME_corpus/.

    Under --config=fuzz the same target fuzzes for ten seconds, starting from that corpus.

    Args:
      name: the target's and the source's name
      deps: the libraries that the source uses
      corpus: the folder of the corpus beside the source; NAME_corpus by default
    """
    folder = corpus or name + "_corpus"
    cc_test(
        name = name,
        size = "small",
        srcs = [name + ".cc"],
        args = ["%s/%s" % (native.package_name(), folder)] + select({
            "//fuzz:fuzzing": ["-max_total_time=10"],
            "//conditions:default": [],
        }),
        data = native.glob([folder + "/**"]),
        linkopts = select({
            "//fuzz:fuzzing": ["-fsanitize=fuzzer"],
            "//conditions:default": [],
        }),
        deps = deps + select({
            "//fuzz:fuzzing": [],
            "//conditions:default": ["//fuzz:replay"],
        }),
    )
