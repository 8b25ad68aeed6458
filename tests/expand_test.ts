import { assert, assertEquals } from "@std/assert";
import type { Diagnostic } from "../lib/diagnostic.ts";
import { expand, expandToWords, type Scope } from "../lib/evaluate/expand.ts";
import { lexWord } from "../lib/parse/lexer.ts";
import { SourceText } from "../lib/parse/source_text.ts";
import type { Escape } from "../lib/parse/words.ts";

const values: Readonly<Record<string, string>> = {
  PWD: "/home",
  EMPTY: "",
  NAME: "foobarbaz",
  PATHS: "/a/b/a/c",
  STARS: "a*b?c\\d",
  BLANKS: " one  two ",
  GLOB: "b*",
  KOREAN: "한국어",
};

/** What was told to the scope, beside the text. */
interface Told {
  readonly text: string;
  readonly words: readonly string[];
  readonly undefined: readonly string[];
  readonly problems: readonly string[];
}

function run(word: string, escape: Escape = "\\", quotes = true): Told {
  const source = new SourceText(word, [{ offset: 0, position: { line: 1, column: 1 } }]);
  const diagnostics: Diagnostic[] = [];
  const parsed = lexWord(source, { start: 0, end: word.length }, { escape, quotes }, diagnostics);
  const names: string[] = [];
  const problems = diagnostics.map(({ code, span }) => `${code} at ${span?.start.column}`);
  const scope: Scope = {
    get: (name) => values[name],
    undefined: ({ name }) => void names.push(name),
    required: ({ name }, message) => void problems.push(`${name}: ${message}`),
    badPattern: ({ name }) => void problems.push(`${name}: pattern`),
    spend: () => true,
  };
  const text = expand(parsed, scope);
  const told = { text, undefined: [...names], problems: [...problems] };
  return { ...told, words: expandToWords(parsed, scope) };
}

/** Expands words that have nothing wrong with them. */
function check(cases: readonly (readonly [word: string, text: string])[]): void {
  for (const [word, text] of cases) {
    const told = run(word);
    assertEquals(told.text, text, word);
    assertEquals(told.problems, [], word);
  }
}

Deno.test("lexWord() takes quotes and escapes away", () => {
  check([
    ["", ""],
    ["plain", "plain"],
    ["a'b'c", "abc"],
    ['a"b"c', "abc"],
    ["a\\'b", "a'b"],
    ["a\\\\b", "a\\b"],
    ["a\\tb", "atb"],
    ["'a\\tb'", "a\\tb"],
    ['"a\\tb"', "a\\tb"],
    ['"a\\"b"', 'a"b'],
    ['"a\\\\b"', "a\\b"],
    ["'a\"b'", 'a"b'],
    ['"a\'b"', "a'b"],
    ["a\\", "a"],
    ["a\\\\", "a\\"],
    ["'a\\'", "a\\"],
    ["안'녕'하\\세요", "안녕하세요"],
    ["''", ""],
    ['""', ""],
  ]);
});

Deno.test("lexWord() uses the other escape character where the file says so", () => {
  assertEquals(run("a`$PWD\\b", "`").text, "a$PWD\\b");
  assertEquals(run('"a`"b\\"', "`").text, 'a"b\\');
  assertEquals(run("c:\\$PWD", "`").text, "c:\\/home");
});

Deno.test("lexWord() leaves quotes alone in a heredoc, but not escapes", () => {
  assertEquals(run("'$PWD' \"\\$PWD\" it's", "\\", false).text, "'/home' \"$PWD\" it's");
});

Deno.test("expand() replaces variables", () => {
  check([
    ["$PWD", "/home"],
    ["${PWD}x", "/homex"],
    ["$PWD.x", "/home.x"],
    ["a$PWD$PWD", "a/home/home"],
    ["\\$PWD", "$PWD"],
    ["\\${PWD}", "${PWD}"],
    ["\\\\$PWD", "\\/home"],
    ["'$PWD'", "$PWD"],
    ['"$PWD"', "/home"],
    ['"\\$PWD"', "$PWD"],
    ["$.", "$."],
    ["$", "$"],
    ["a$'b'", "a$b"],
    ["$KOREAN", "한국어"],
    ["${EMPTY}", ""],
  ]);
});

Deno.test("expand() knows defaults and alternatives, nested ones too", () => {
  check([
    ["${NONE:-a}", "a"],
    ["${EMPTY:-a}", "a"],
    ["${PWD:-a}", "/home"],
    ["${NONE-a}", "a"],
    ["${EMPTY-a}", ""],
    ["${PWD-a}", "/home"],
    ["${NONE:+a}", ""],
    ["${EMPTY:+a}", ""],
    ["${PWD:+a}", "a"],
    ["${NONE+a}", ""],
    ["${EMPTY+a}", "a"],
    ["${PWD+a}", "a"],
    ["${NONE:-}", ""],
    ["${NONE:-$PWD}", "/home"],
    ["${NONE:-${EMPTY:-${PWD}}}", "/home"],
    ["${PWD:+${PWD}:}x", "/home:x"],
    ["${NONE:-\\$PWD:}", "$PWD:"],
    ["${NONE:-'a b}'}", "a b}"],
    ['"${NONE:-a b}"', "a b"],
    ["${NONE:-a\\}b}", "a}b"],
  ]);
  assertEquals(run("${NONE:-a}${NONE+b}").undefined, []);
});

Deno.test("expand() requires what ${x:?} and ${x?} require", () => {
  check([["${PWD:?no}", "/home"], ["${PWD?no}", "/home"], ["${EMPTY?no}", ""]]);
  assertEquals(run("${NONE:?give $PWD}").problems, ["NONE: give /home"]);
  assertEquals(run("${EMPTY:?}").problems, ["EMPTY: it is empty"]);
  assertEquals(run("${NONE?}").problems, ["NONE: it is not set"]);
});

Deno.test("expand() cuts and replaces patterns", () => {
  check([
    ["${NAME#f*b}", "arbaz"],
    ["${NAME##f*b}", "az"],
    ["${NAME%b*}", "foobar"],
    ["${NAME%%b*}", "foo"],
    ["${NAME#bar}", "foobarbaz"],
    ["${NAME%o?b}", "foobarbaz"],
    ["${NAME#???}", "barbaz"],
    ["${NAME#}", "foobarbaz"],
    ["${NAME%}", "foobarbaz"],
    ["${NAME#*}", "foobarbaz"],
    ["${NAME##*}", ""],
    ["${NAME/ba/X}", "fooXrbaz"],
    ["${NAME//ba/X}", "fooXrXz"],
    ["${NAME/b*r/X}", "fooXbaz"],
    ["${NAME//o/}", "fbarbaz"],
    ["${NAME/$GLOB/X}", "fooX"],
    ["${NAME//zzz/X}", "foobarbaz"],
    ["${PATHS//\\/a/X}", "X/bX/c"],
    ["${STARS#a\\*}", "b?c\\d"],
    ["${STARS%%\\?*}", "a*b"],
    ["${STARS/\\\\/-}", "a*b?c-d"],
    ["${KOREAN#?}", "국어"],
    ["${EMPTY/*/X}", "X"],
    ["${EMPTY//*/X}", ""],
  ]);
  assertEquals(run("${NAME#\\x}").problems, ["NAME: pattern"]);
  assertEquals(run("${NAME#a\\\\\\}").problems, ["BIMA005 at 1"]);
});

Deno.test("expand() tells of variables that are not defined", () => {
  const told = run("a${NONE}b$MISSING-${NOPE#x}");
  assertEquals(told.text, "ab-");
  assertEquals(told.undefined, ["NONE", "MISSING", "NOPE"]);
  assertEquals(run("$1$@").undefined, ["1", "@"]);
});

Deno.test("lexWord() points at what is malformed", () => {
  const cases = [
    ["'a", "BIMA004 at 1"],
    ['ab"c', "BIMA004 at 3"],
    ["a${", "BIMA005 at 2"],
    ["a${}", "BIMA005 at 2"],
    ["a${PWD", "BIMA005 at 2"],
    ["${:-a}", "BIMA005 at 1"],
    ["${PWD:=a}", "BIMA005 at 1"],
    ["${PWD!}", "BIMA005 at 1"],
    ["${PWD:-a", "BIMA005 at 1"],
    ["${PWD/a}", "BIMA005 at 1"],
    ["${".repeat(100), "BIMA005 at 1"],
    ["${a:-".repeat(100), "BIMA005 at 321"],
  ] as const;
  for (const [word, problem] of cases) assertEquals(run(word).problems, [problem], word);
});

Deno.test("expandToWords() splits values at blanks, but not in quotes", () => {
  assertEquals(run("$BLANKS").words, ["one", "two"]);
  assertEquals(run('"$BLANKS"').words, [" one  two "]);
  assertEquals(run("a${BLANKS}b").words, ["a", "one", "two", "b"]);
  assertEquals(run("'x y'$EMPTY").words, ["x y"]);
  assertEquals(run("$EMPTY$NONE").words, []);
  assertEquals(run("${NONE:-80 90}").words, ["80", "90"]);
});

Deno.test("expand() takes patterns of any kind without backtracking", () => {
  const value = "a".repeat(5000);
  const scope: Scope = {
    get: () => value,
    undefined: () => {},
    required: () => {},
    badPattern: () => {},
    spend: () => true,
  };
  const text = "${x//" + "a*".repeat(40) + "b/-}";
  const source = new SourceText(text, [{ offset: 0, position: { line: 1, column: 1 } }]);
  const word = lexWord(source, { start: 0, end: text.length }, { escape: "\\" }, []);
  assert(expand(word, scope) === value);
});
