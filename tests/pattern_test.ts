import { assertEquals } from "@std/assert";
import { parsePattern, PatternList } from "../lib/pattern.ts";

/** Whether the last one of several patterns that matches leaves the path out. */
function isOut(path: string, ...patterns: readonly string[]): boolean {
  return list(...patterns).match(path).matched;
}

function list(...patterns: readonly string[]): PatternList {
  return new PatternList(patterns.map((text, index) => {
    const pattern = parsePattern(text, index + 1);
    if (pattern === undefined) throw new Error(`${text} is malformed`);
    return pattern;
  }));
}

/** Pattern, paths that it leaves out, paths that it does not. The cases are those that Docker's matcher is tested with. */
const table: readonly (readonly [pattern: string, out: readonly string[], kept: readonly string[]])[] = [
  ["**", ["file", "dir/file"], []],
  ["**/", ["file", "dir/file"], []],
  ["**/**", ["dir/file"], []],
  ["dir/**", ["dir/file", "dir/sub/file"], ["dir", "other/dir/file"]],
  ["**/dir", ["dir", "dir/file", "a/b/dir"], ["xdir"]],
  ["**/dir2/*", ["dir/dir2/file", "dir2/file", "dir/dir2/sub/file"], ["dir/dir2"]],
  ["**/dir2/**", ["dir/dir2/dir3/file"], ["dir/dir2"]],
  ["**file", ["file", "dir/file", "dir/dir/file", "myfile"], ["file2"]],
  ["**/file", ["file", "dir/file", "dir/dir/file"], ["myfile"]],
  ["**/file*", ["dir/dir/file", "dir/dir/file.txt"], []],
  ["**/file*txt", ["dir/dir/file.txt"], ["dir/dir/file.tx"]],
  ["**/file*.txt*", ["dir/dir/file.txt", "file.txt~"], []],
  ["**/**/*.txt", ["file.txt", "dir/dir/file.txt"], ["dir/file.txt2"]],
  ["**/*.txt", ["file.txt", "a/b/file.txt"], ["file.txtx"]],
  ["a**/*.txt", ["a/file.txt", "a/dir/file.txt", "a/dir/dir/file.txt"], ["b/file.txt"]],
  ["a/*.txt", ["a/file.txt"], ["a/dir/file.txt"]],
  ["a/*.txt**", ["a/file.txt", "a/file.txt.gz"], []],
  ["a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["ab", "a/xb"]],
  ["a[b-d]e", ["ace"], ["ae", "aae"]],
  ["a[^b-d]e", ["aze"], ["ace", "a/e"]],
  [".*", [".foo"], ["foo"]],
  ["abc.def", ["abc.def"], ["abcdef", "abcZdef"]],
  ["abc?def", ["abcZdef", "abc☺def"], ["abcdef", "abc/def"]],
  ["a\\\\", ["a\\"], ["a"]],
  ["a\\*b", ["a*b"], ["axb"]],
  ["**/foo/bar", ["foo/bar", "dir/foo/bar", "dir/dir2/foo/bar"], ["foo/barx"]],
  ["**/.foo", [".foo", "x/.foo"], ["bar.foo"]],
  ["a(b)c/def", ["a(b)c/def"], ["a(b)c/xyz"]],
  ["a.|)$(}+{bc", ["a.|)$(}+{bc"], ["ax|)$(}+{bc"]],
  ["dist/*.whl", ["dist/proxy-2.4.0rc3.dev36+g08acad9.whl"], ["dist/x/proxy.whl"]],
  ["[α-ω]*", ["λ", "λ/x"], ["l"]],
  ["docs", ["docs", "docs/README.md"], ["x/docs", "docs2"]],
  ["*", ["a", "a/b"], []],
  ["*/b", ["a/b", "a/b/c"], ["b", "a/x/b"]],
];

Deno.test("match() leaves out what Docker's matcher leaves out", () => {
  for (const [pattern, out, kept] of table) {
    for (const path of out) assertEquals(isOut(path, pattern), true, `${pattern} and ${path}`);
    for (const path of kept) assertEquals(isOut(path, pattern), false, `${pattern} and ${path}`);
  }
});

Deno.test("match() lets the last pattern that matches decide", () => {
  assertEquals(isOut("docs/README.md", "docs", "!docs/README.md"), false);
  assertEquals(isOut("docs/README.md", "docs/", "!docs/README.md"), false);
  assertEquals(isOut("docs/README.md", "docs/*", "!docs/README.md"), false);
  assertEquals(isOut("docs/other.md", "docs", "!docs/README.md"), true);
  assertEquals(isOut("a.go", "!a.go", "*.go"), true);
  assertEquals(isOut("a.go", "*.go", "!a.go"), false);
  assertEquals(isOut("a.go", "*.go", "!a.go", "a.*"), true);
  assertEquals(isOut("web/foo", "**", "!web"), false);
  assertEquals(isOut("util/web/foo", "**", "!util/web", "util/web/foo"), true);
  assertEquals(isOut("dist/a+b.whl", "**", "!dist/*.whl"), false);
  assertEquals(isOut("a/b/c/d", "*", "!a/b/*"), false);
});

Deno.test("match() takes what is said of a directory for everything in it", () => {
  const patterns = list("a/b", "!a");
  // When "a" is reached nothing is left out yet, so the exception changes nothing, there and below.
  assertEquals(patterns.match("a").matched, false);
  assertEquals(patterns.match("a/b").matched, true);
  assertEquals(patterns.match("a/b/c").matched, true);
});

Deno.test("match() names the pattern that decided", () => {
  const patterns = list("*.key", "!public.key", "secret");
  assertEquals(patterns.match("a.key").by?.line, 1);
  assertEquals(patterns.match("public.key").by?.line, 2);
  assertEquals(patterns.match("secret/x/y").by?.line, 3);
  assertEquals(patterns.match("free").by, undefined);
});

Deno.test("parsePattern() cleans what was written", () => {
  const clean = {
    "/foo": "foo",
    "./foo": "foo",
    " foo ": "foo",
    "foo/": "foo",
    "foo//bar/../baz/": "foo/baz",
    "**/": "**",
    "! /foo": "foo",
    "..": "..",
    ".": ".",
    "/": "/",
  };
  for (const [written, text] of Object.entries(clean)) {
    assertEquals(parsePattern(written)?.text, text, written);
  }
  assertEquals(parsePattern("! foo")?.exception, true);
  for (const path of ["foo", ".hidden"]) {
    for (const pattern of ["..", ".", "/", "../foo"]) assertEquals(isOut(path, pattern), false);
  }
});

Deno.test("parsePattern() gives nothing for a malformed pattern", () => {
  for (const text of ["", "!", " ! ", "[", "a[", "[]", "a/[x-]", "\\", "**[", "!["]) {
    assertEquals(parsePattern(text), undefined, text);
  }
});

Deno.test("hasExceptions tells whether something is taken back in", () => {
  assertEquals(list("a", "b").hasExceptions, false);
  assertEquals(list("a", "!b").hasExceptions, true);
});
