"""A dependency: what the system has, or with --config=upstream the pinned archive."""

_HEADER = """load("@rules_cc//cc:defs.bzl", "cc_library")
"""

_LIBRARY = """
cc_library(
    name = "{name}",
    defines = {defines},
    linkopts = {linkopts},
    visibility = ["//visibility:public"],
)
"""

def _library(rctx, name, module):
    """Returns the cc_library that stands for a library of the system's."""
    found = rctx.execute(["pkg-config", "--cflags", "--libs", module])
    if found.return_code:
        fail("no %s: run ./bazelw once or add --config=upstream\n%s" % (module, found.stderr))
    flags = [flag for flag in found.stdout.strip().split(" ") if flag]
    return _LIBRARY.format(
        name = name,
        defines = [flag[2:] for flag in flags if flag.startswith("-D")],
        linkopts = [flag for flag in flags if flag[:2] not in ("-D", "-I")],
    )

def _dependency(rctx):
    if rctx.attr.url and rctx.os.environ.get("DEPS") == "upstream":
        rctx.download_and_extract(
            rctx.attr.url,
            sha256 = rctx.attr.sha256,
            stripPrefix = rctx.attr.strip_prefix,
        )
        if rctx.attr.build_file:
            rctx.symlink(rctx.attr.build_file, "BUILD.bazel")
    elif rctx.attr.path:
        for entry in rctx.path(rctx.attr.path).readdir():
            rctx.symlink(entry, entry.basename)
    else:
        packages = {}
        for label, module in rctx.attr.pkg_config.items():
            package, _, name = label.rpartition(":")
            packages[package] = packages.get(package, _HEADER) + _library(rctx, name, module)
        for package, text in packages.items():
            rctx.file("./%s/BUILD.bazel" % package, text)

dependency = repository_rule(
    _dependency,
    attrs = {
        "path": attr.string(doc = "where the system has the whole repository"),
        "pkg_config": attr.string_dict(doc = "pkg-config module of each label in the repository"),
        "url": attr.string(),
        "sha256": attr.string(),
        "strip_prefix": attr.string(),
        "build_file": attr.label(allow_single_file = True, doc = "for an archive without one"),
    },
    configure = True,
    environ = ["DEPS", "PKG_CONFIG_PATH"],
)
